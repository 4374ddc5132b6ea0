package sync

import (
	"errors"
	"os"
	"path/filepath"
	stdsync "sync"
	"syscall"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// maker stands in the middle of making a reserve until it is let go on.
type maker struct {
	began chan struct{} // one value for each time
	goOn  chan error    // how the disk answers
}

// slowMaker makes the outbox's reserve wait. Its blocks are taken at once.
func slowMaker(o *Outbox) *maker {
	m := &maker{began: make(chan struct{}, 10), goOn: make(chan error)}
	o.space.allocate = func(f *os.File, size int64) error {
		if err := allocate(f, size); err != nil {
			return err
		}
		m.began <- struct{}{}
		return <-m.goOn
	}
	return m
}

// within fails when it takes too long.
func within(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal(what + ": waited in vain")
	}
}

// A slow card takes seconds for a new reserve. Nobody who commits waits for it.
func TestCommitsDoNotWaitForANewReserve(t *testing.T) {
	k := newKeys(t)
	o, err := openOutboxWithin(t.Context(), filepath.Join(t.TempDir(), "outbox.db"), k.enrolment, quiet(), spaceLimits{reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	if err := os.Remove(o.space.path); err != nil {
		t.Fatal(err)
	}
	m := slowMaker(o)
	var looks stdsync.WaitGroup
	for range 2 { // only one of them makes it
		looks.Go(o.space.look)
	}
	within(t, "making a reserve", m.began)
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		_, err = o.Commit(t.Context(), entry("1", wire.KindReservation))
	}()
	within(t, "a commit", committed)
	if err != nil {
		t.Error(err)
	}
	select {
	case <-m.began:
		t.Error("the reserve is made twice")
	default:
	}
	if o.space.have() {
		t.Error("the reserve counts before it is whole")
	}
	close(m.goOn)
	looks.Wait()
	if !o.space.have() || len(m.began) > 0 {
		t.Error("not one reserve was made")
	}
}

// The disk is full while the reserve is made: who is in the middle of a visit gets it when
// it is there, and its blocks when it is not to be.
func fullWhileMaking(t *testing.T, k *keys, dir string) {
	for name, answer := range map[string]error{"made": nil, "not made": syscall.ENOSPC} {
		t.Run(name, func(t *testing.T) {
			home := filepath.Join(dir, name)
			o := small(t, k, home)
			says(t, o, "")
			if err := os.Remove(o.space.path); err != nil {
				t.Fatal(err)
			}
			m := slowMaker(o)
			looked := make(chan struct{})
			go func() { defer close(looked); o.space.look() }()
			within(t, "making a reserve", m.began)
			leave(t, dir, 0)
			var err error
			committed := make(chan struct{})
			go func() {
				defer close(committed)
				_, err = o.Commit(t.Context(), entry("1", wire.KindReservation))
			}()
			select {
			case <-committed:
				t.Errorf("it did not wait for the only room there is: %v", err)
			case <-time.After(time.Second): // it has met the full disk
			}
			m.goOn <- answer
			within(t, "looking", looked)
			within(t, "a commit", committed)
			if err != nil {
				t.Errorf("a visit under way cannot end: %v", err)
			}
			says(t, o, fault.StorageFull)
			unload(t, dir)
			if err := os.RemoveAll(home); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The power has failed while the reserve was made, and the disk is full at the next start.
func halfAReserve(t *testing.T, k *keys, dir string) {
	leave(t, dir, uint64(smallLimits().reserve)) // too little for a whole one
	o := small(t, k, dir)
	says(t, o, fault.StorageFull)
	if err := os.WriteFile(o.space.path+".new", make([]byte, smallLimits().reserve), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("there is room: %v", err)
	}
	commit(t, o, "1", wire.KindReservation)
}
