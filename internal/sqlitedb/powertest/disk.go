package powertest

import (
	_ "embed"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:embed layer/power.c
var source []byte

// Files and Calls are what [Disk.Break] breaks; they can be added up.
type (
	// Files are kinds of files.
	Files int64
	// Calls are kinds of calls.
	Calls int64
)

// The kinds, as the C side has them. Journals other than the WAL are among the others.
const (
	Database Files = 1 << iota
	WAL
	Index
	Others
	Folders

	AllFiles = Database | WAL | Index | Others | Folders
)

// The calls. Truncating is writing.
const (
	Write Calls = 1 << iota
	Sync
	Read
)

// control is the page that both sides have mapped.
type control struct {
	full, room, dieIn, calls, kinds, skip, times, refused, broken, events atomic.Int64
}

// Disk stands below one folder.
type Disk struct {
	folder string // as the kernel names it
	dir    string // of the trace
	lib    string
	page   *control
}

// Build compiles the layer and returns its path. One is enough for many disks.
func Build(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	c, lib := filepath.Join(dir, "power.c"), filepath.Join(dir, "power.so")
	if err := os.WriteFile(c, source, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", lib, c, "-ldl", "-lpthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot compile the layer: %v\n%s", err, out)
	}
	return lib
}

// New puts a disk below folder, which must be there.
func New(t testing.TB, lib, folder string) *Disk {
	t.Helper()
	folder, err := filepath.Abs(folder)
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := &Disk{folder: folder, dir: t.TempDir(), lib: lib}
	f, err := os.OpenFile(filepath.Join(d.dir, "control"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	size := int(unsafe.Sizeof(control{}))
	if err := f.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	page, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(page) })
	d.page = (*control)(unsafe.Pointer(&page[0])) //nolint:gosec // a page that two processes share
	return d
}

// Env is what the environment of a process needs, whose files these are. Call it for
// each process anew, and let only one run at a time.
func (d *Disk) Env(t testing.TB) []string {
	t.Helper()
	if err := mend(d.trace()); err != nil {
		t.Fatal(err)
	}
	return []string{"LD_PRELOAD=" + d.lib, "POWERTEST_FOLDER=" + d.folder, "POWERTEST_TRACE=" + d.dir}
}

func (d *Disk) trace() string { return filepath.Join(d.dir, "trace") }

// Cut turns the folder into what a power cut leaves of it. The process must have been
// killed. It reports whether anything was lost that was written.
func (d *Disk) Cut(t testing.TB, rnd *rand.Rand) (less bool) {
	t.Helper()
	d.page.dieIn.Store(0)
	events, err := readTrace(d.trace())
	if err != nil {
		t.Fatal(err)
	}
	p := newPlatter(rnd)
	for _, e := range events {
		if err := p.take(e); err != nil {
			t.Fatal(err)
		}
	}
	if less, err = p.cut(d.folder, rnd); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(d.trace()); err != nil {
		t.Fatal(err)
	}
	return less
}

// Moments goes through the moments of a run at which the power could fail: the
// beginning, and each event. A moment may be used until the next one comes.
func (d *Disk) Moments(t testing.TB, rnd *rand.Rand) iter.Seq[*Moment] {
	t.Helper()
	events, err := readTrace(d.trace())
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(*Moment) bool) {
		p := newPlatter(rnd)
		for _, e := range events {
			if err := p.take(e); err != nil {
				t.Fatal(err)
			}
			if e.what != base && !yield(&Moment{At: e.end, folder: d.folder, p: p}) {
				return
			}
		}
	}
}

// Position is how far the trace has come. What a process was told before is there at
// every [Moment] that is not before this.
func (d *Disk) Position(t testing.TB) int64 {
	t.Helper()
	at, err := Position(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Position is [Disk.Position] for the process itself, which knows the folder from its
// environment.
func Position(dir string) (int64, error) {
	st, err := os.Stat(filepath.Join(dir, "trace"))
	if err != nil {
		return 0, fmt.Errorf("cannot look at the trace: %w", err)
	}
	return st.Size(), nil
}

// DieIn lets the process kill itself at the n-th event from now.
func (d *Disk) DieIn(n int64) { d.page.dieIn.Store(n) }

// Fill leaves room for so many bytes.
func (d *Disk) Fill(room int64) {
	d.page.room.Store(room)
	d.page.full.Store(1)
}

// Free ends what Fill began.
func (d *Disk) Free() { d.page.full.Store(0) }

// Break lets calls fail with EIO: after skip that succeed, so many, or all that come
// when times is below 0.
func (d *Disk) Break(calls Calls, files Files, skip, times int64) {
	d.Mend()
	d.page.kinds.Store(int64(files))
	d.page.skip.Store(skip)
	d.page.times.Store(times)
	d.page.calls.Store(int64(calls))
}

// Mend ends what Break began.
func (d *Disk) Mend() { d.page.calls.Store(0) }

// Refused is how many calls found no room, Broken how many failed with EIO, and Events
// how many events there were at all.
func (d *Disk) Refused() int64 { return d.page.refused.Load() }

// Broken is how many calls failed with EIO.
func (d *Disk) Broken() int64 { return d.page.broken.Load() }

// Events is how much was written down, since the beginning.
func (d *Disk) Events() int64 { return d.page.events.Load() }
