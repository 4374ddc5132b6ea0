package sync

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	stdsync "sync"
	"syscall"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const fullEnv = "KIOSKD_SYNC_TEST_FULL"

// TestFullDisk runs TestInsideAFullDisk in a mount namespace of its own, where it may
// have a disk as small as it likes.
func TestFullDisk(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestInsideAFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), fullEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func smallLimits() spaceLimits {
	return spaceLimits{refuse: 4 << 20, resume: 6 << 20, reserve: 2 << 20}
}

func TestInsideAFullDisk(t *testing.T) {
	if os.Getenv(fullEnv) == "" {
		t.Skip("TestFullDisk runs it")
	}
	for _, step := range []struct {
		name string
		test func(t *testing.T, k *keys, dir string)
	}{
		{"refused before it is full", refusedBefore}, {"a visit ends with the reserve", endsWithReserve},
		{"start on a full disk", startsFull}, {"no room for a reserve", noRoom}, {"rescue on a full disk", rescuedFull},
		{"rescue in little room", rescuedInLittleRoom}, {"rescue with the reserve", rescuedWithReserve},
		{"rescue without names", rescuedWithoutNames},
		{"full while the reserve is made", fullWhileMaking}, {"half a reserve", halfAReserve},
	} {
		t.Run(step.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
			step.test(t, newKeys(t), dir)
		})
	}
}

// leave fills the disk until so much is free.
func leave(t *testing.T, dir string, want uint64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	block := make([]byte, 4096)
	for {
		free, err := freeBytes(dir)
		if err != nil {
			t.Fatal(err)
		}
		if free <= want {
			return
		}
		if _, err := f.Write(block); err != nil {
			return // the last block
		}
	}
}

func unload(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
}

func small(t *testing.T, k *keys, dir string) *Outbox {
	t.Helper()
	o, err := openOutboxWithin(t.Context(), filepath.Join(dir, "outbox.db"), k.enrolment, quiet(), smallLimits())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

// says fails unless this, and nothing else, was said of the storage since.
func says(t *testing.T, o *Outbox, want ...fault.Code) {
	t.Helper()
	var got []fault.Code
	select {
	case code := <-o.Storage():
		got = append(got, code)
	default:
	}
	if !slices.Equal(got, want) {
		t.Errorf("the storage says %q, want %q", got, want)
	}
}

func refusedBefore(t *testing.T, k *keys, dir string) {
	o := small(t, k, dir)
	says(t, o, "")
	leave(t, dir, 5<<20)
	o.space.look()
	says(t, o) // between the lines nothing changes
	leave(t, dir, 3<<20)
	o.space.look()
	says(t, o, fault.StorageFull)
	commit(t, o, "under way", wire.KindReservation) // there is room for it
	if !o.space.have() {
		t.Error("the reserve was given up although there was room")
	}
	unload(t, dir)
	o.space.look()
	says(t, o, "")
}

func endsWithReserve(t *testing.T, k *keys, dir string) {
	o := small(t, k, dir)
	says(t, o, "")
	leave(t, dir, 0)
	var wg stdsync.WaitGroup
	errs := make([]error, 16)
	for i := range errs { // all meet the full disk at one moment
		wg.Go(func() {
			_, errs[i] = o.Commit(t.Context(), entry(fmt.Sprint(i), wire.KindReservation))
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Errorf("a visit under way cannot end: %v", err)
		}
	}
	says(t, o, fault.StorageFull)
	stored := len(errs)
	for i := 0; ; i++ { // until the reserve is used up as well
		_, err := o.Commit(t.Context(), entry(fmt.Sprint("more", i), wire.KindReservation))
		if err != nil {
			if code := fault.CodeOf(err); code != fault.StorageFull {
				t.Errorf("code %s: %v", code, err)
			}
			break
		}
		if stored++; i > 1000 {
			t.Fatal("the disk is never full")
		}
	}
	if n := pending(t, o); n != stored {
		t.Errorf("%d are stored, %d were said to be", n, stored)
	}
	unload(t, dir)
	o.space.look()
	says(t, o, "")
	if !o.space.have() {
		t.Error("the reserve was not made again")
	}
	commit(t, o, "afterwards", wire.KindApplication)
	if _, _, err := o.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d submissions on a disk with nothing free but the reserve", stored)
}

func startsFull(t *testing.T, k *keys, dir string) {
	o := small(t, k, dir)
	id := commit(t, o, "1", wire.KindReservation)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, 0)
	o = small(t, k, dir)
	says(t, o, fault.StorageFull)
	acknowledge(t, o, k, id) // what the hub has is noted, so that the queue gets shorter
	if n := pending(t, o); n != 0 {
		t.Errorf("%d pending", n)
	}
}

func noRoom(t *testing.T, k *keys, dir string) {
	leave(t, dir, 5<<20)
	o := small(t, k, dir)
	says(t, o, fault.StorageFull)
	unload(t, dir)
	o.space.look()
	says(t, o, "")
}

func rescuedFull(t *testing.T, k *keys, dir string) {
	o := small(t, k, dir)
	id := commit(t, o, "1", wire.KindReservation)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "outbox.db"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 100), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	leave(t, dir, 0)
	o = small(t, k, dir)
	if _, err := o.take(t.Context(), id); err != nil {
		t.Error(err)
	}
	if got := o.Troubles(t.Context()); !slices.Contains(got, fault.StorageDamaged) {
		t.Errorf("troubles %v", got)
	}
}
