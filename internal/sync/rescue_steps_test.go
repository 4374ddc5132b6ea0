package sync

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb"
	"kioskd/internal/sqlitedb/powertest"
	"kioskd/internal/wire"
)

// laden makes an outbox of about this size: the bytes of its file, and what waits in it.
func laden(t *testing.T, k *keys, size int) (main []byte, ids []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	for size > 0 {
		id := commit(t, o, fmt.Sprint(len(ids)), wire.KindReservation)
		s, err := o.take(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		size -= len(s.Sealed)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return main, ids
}

// holdsAll fails unless the outbox is the new one, with all of these in it.
func holdsAll(t *testing.T, o *Outbox, ids []string) {
	t.Helper()
	if got := column(t, o, "SELECT id FROM submissions ORDER BY n"); !slices.Equal(got, ids) {
		t.Errorf("%d of %d are there", len(got), len(ids))
	}
	for _, id := range ids {
		if _, err := o.take(t.Context(), id); err != nil {
			t.Errorf("cannot be sent: %v", err)
		}
	}
	if got := o.Troubles(t.Context()); !slices.Contains(got, fault.StorageDamaged) {
		t.Errorf("troubles %v", got)
	}
	if _, _, err := o.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	if got := len(column(t, o, "SELECT event FROM audit WHERE event = 'rescued'")); got != 1 {
		t.Errorf("the audit log tells of %d rescues", got)
	}
}

// keptAsItWas fails unless the damaged file lies in its folder.
func keptAsItWas(t *testing.T, path string, hurt []byte) (dir string) {
	t.Helper()
	dirs, err := folders(path)
	if err != nil || len(dirs) != 1 {
		t.Fatalf("folders %v, %v", dirs, err)
	}
	if b, err := os.ReadFile(filepath.Join(dirs[0], "outbox.db")); err != nil || !bytes.Equal(b, hurt) {
		t.Errorf("the damaged file is not kept: %v", err)
	}
	return dirs[0]
}

// The disk is full at any step of a rescue: it says so, and the next start with more room
// saves all.
func rescuedInLittleRoom(t *testing.T, k *keys, dir string) {
	main, ids := laden(t, k, 1<<20)
	hurt := zero(0, 100)(bytes.Clone(main))
	refused := 0
	for eighths := 2; eighths <= 24; eighths += 2 {
		home := filepath.Join(dir, fmt.Sprint(eighths))
		path := filepath.Join(home, "outbox.db")
		(&patient{}).lay(t, path, bytes.Clone(hurt), nil)
		leave(t, dir, uint64(len(main)*eighths/8))
		o, err := openOutboxWithin(t.Context(), path, k.enrolment, quiet(), smallLimits())
		if err != nil {
			refused++
			if !sqlitedb.Full(err) {
				t.Errorf("%d eighths of room: %v", eighths, err)
			}
			keptAsItWas(t, path, hurt)
		}
		unload(t, dir)
		if err != nil {
			o, err = openOutboxWithin(t.Context(), path, k.enrolment, quiet(), smallLimits())
		}
		if err != nil {
			t.Fatalf("%d eighths of room, and then enough: %v", eighths, err)
		}
		t.Run(fmt.Sprint(eighths), func(t *testing.T) { holdsAll(t, o, ids) })
		keptAsItWas(t, path, hurt)
		if err := errors.Join(o.Close(), os.RemoveAll(home)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d submissions in %d bytes, %d refused", len(ids), len(main), refused)
	if refused < 5 || refused > 11 {
		t.Error("other rooms are to be tried")
	}
}

// What is saved needs twice its size for a while. The reserve is there for that, too.
func rescuedWithReserve(t *testing.T, k *keys, dir string) {
	main, ids := laden(t, k, 1<<20)
	path := filepath.Join(dir, "outbox.db")
	hurt := zero(0, 100)(bytes.Clone(main))
	(&patient{}).lay(t, path, bytes.Clone(hurt), nil)
	if err := newSpace(path, smallLimits(), quiet()).make(); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, uint64(len(main)*3/2))
	o := small(t, k, dir)
	says(t, o, fault.StorageFull)
	if o.space.have() {
		t.Error("the reserve was not needed: nothing was tested")
	}
	holdsAll(t, o, ids)
	keptAsItWas(t, path, hurt)
}

// Starts that come to nothing leave nothing behind.
func rescuedWithoutNames(t *testing.T, k *keys, dir string) {
	main, ids := laden(t, k, 1<<18)
	path := filepath.Join(dir, "outbox.db")
	(&patient{}).lay(t, path, zero(0, 100)(main), nil)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "nr_inodes=20"); err != nil {
		t.Fatal(err)
	}
	var taken []string
	for {
		name := filepath.Join(dir, fmt.Sprint("taken", len(taken)))
		if err := os.WriteFile(name, nil, 0o600); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, name)
	}
	if err := os.Remove(taken[0]); err != nil { // there is one for the folder, and none for the mark
		t.Fatal(err)
	}
	for range 3 {
		if _, err := openOutboxWithin(t.Context(), path, k.enrolment, quiet(), smallLimits()); !sqlitedb.Full(err) {
			t.Fatalf("err = %v", err)
		}
		if dirs, err := folders(path); len(dirs) > 0 || err != nil {
			t.Fatal(dirs, err)
		}
	}
	for _, name := range taken[1:] {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	holdsAll(t, small(t, k, dir), ids)
}

const openEnv = "KIOSKD_SYNC_TEST_OPEN"

// openChild opens the outbox and closes it again.
func openChild(path string) error {
	o, err := OpenOutbox(context.Background(), path, func() (*wire.Enrolment, bool) { return nil, false }, quiet())
	if err != nil {
		return err
	}
	return o.Close()
}

// The disk breaks at any step of a rescue, for good: it says so, and the next start on a
// better one saves all.
func TestARescueOnABrokenDisk(t *testing.T) {
	t.Parallel()
	lib := powertest.Build(t)
	k := newKeys(t)
	main, ids := laden(t, k, 1<<19)
	hurt := zero(0, 100)(bytes.Clone(main))
	refused := 0
	for _, c := range []struct {
		name  string
		calls powertest.Calls
		files powertest.Files // the new file has another end to its name than a database
		skips []int64
	}{
		{"new file not written", powertest.Write, powertest.Others, []int64{0, 4, 7, 12, 60, 100_000}},
		{"new file not flushed", powertest.Sync, powertest.Others, []int64{0, 1, 2, 3, 4}},
		{"WAL not written", powertest.Write, powertest.WAL, []int64{0, 8, 100}},
		{"WAL not flushed", powertest.Sync, powertest.WAL, []int64{0, 1, 2, 3}},
		{"new outbox not written", powertest.Write, powertest.Database, []int64{0, 1}},
	} {
		for _, skip := range c.skips {
			t.Run(fmt.Sprint(c.name, " after ", skip), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "outbox.db")
				(&patient{}).lay(t, path, bytes.Clone(hurt), nil)
				disk := powertest.New(t, lib, dir)
				disk.Break(c.calls, c.files, skip, -1)
				cmd := exec.CommandContext(t.Context(), os.Args[0])
				cmd.Env = append(append(os.Environ(), disk.Env(t)...), openEnv+"="+path)
				said, err := cmd.CombinedOutput()
				if err != nil {
					refused++
					if cmd.ProcessState.ExitCode() != 1 {
						t.Fatalf("%v: %s", err, said)
					}
				}
				kept := keptAsItWas(t, path, hurt)
				if _, mark := os.Stat(filepath.Join(kept, unfinished)); err == nil && !errors.Is(mark, fs.ErrNotExist) {
					t.Error("it said that it was at its end")
				}
				o := openOutbox(t, path, k)
				defer func() { _ = o.Close() }()
				holdsAll(t, o, ids)
				keptAsItWas(t, path, hurt)
				t.Logf("%d calls failed, %v", disk.Broken(), err)
			})
		}
	}
	if refused < 10 {
		t.Errorf("only %d were refused: the disk is too good", refused)
	}
}

// A rescue is at its end when its report is written, too.
func TestARescueThatCannotReport(t *testing.T) {
	k := newKeys(t)
	main, ids := laden(t, k, 1<<18)
	hurt := zero(0, 100)(bytes.Clone(main))
	path := filepath.Join(t.TempDir(), "outbox.db")
	(&patient{}).lay(t, path, bytes.Clone(hurt), nil)
	dir, err := newFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	inTheWay := filepath.Join(dir, reportName+".new")
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOutbox(t.Context(), path, k.enrolment, quiet()); err == nil {
		t.Fatal("nobody is told")
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	holdsAll(t, o, ids)
	if _, err := os.Stat(filepath.Join(keptAsItWas(t, path, hurt), reportName)); err != nil {
		t.Error(err)
	}
}

// A journal beside the damaged file belongs to it: by it SQLite would cut off what was
// saved.
func TestARescueTakesTheJournalAway(t *testing.T) {
	k := newKeys(t)
	main, ids := laden(t, k, 1<<18)
	path := filepath.Join(t.TempDir(), "outbox.db")
	(&patient{}).lay(t, path, zero(0, 100)(main), nil)
	journal := make([]byte, 512)
	copy(journal, "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
	binary.BigEndian.PutUint32(journal[16:], 1)    // pages before: SQLite cuts the file to that
	binary.BigEndian.PutUint32(journal[20:], 512)  // of a sector
	binary.BigEndian.PutUint32(journal[24:], 4096) // of a page
	if err := os.WriteFile(path+"-journal", journal, 0o600); err != nil {
		t.Fatal(err)
	}
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	holdsAll(t, o, ids)
}
