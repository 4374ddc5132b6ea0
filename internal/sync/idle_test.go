package sync

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

// The log is folded into the file when nobody writes, not before, and once.
func TestIdleOutboxFoldsItsLog(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	var r rest
	now := time.Now()
	look := func() int64 {
		t.Helper()
		now = now.Add(restsEvery)
		r.look(t.Context(), o, now)
		return sizeOf(t, path+"-wal")
	}
	id := commit(t, o, "1", wire.KindReservation)
	if look() == 0 {
		t.Error("folded while somebody writes")
	}
	func() {
		rows, err := o.db.Read().QueryContext(t.Context(), "SELECT id FROM submissions")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		if !rows.Next() || rows.Err() != nil {
			t.Fatal("nothing is there", rows.Err())
		}
		commit(t, o, "2", wire.KindReservation) // which the reader does not see
		look()
		if look() == 0 {
			t.Error("folded under a reader")
		}
	}()
	if n := look(); n != 0 {
		t.Errorf("%d bytes of log when idle", n)
	}
	before := sizeOf(t, path)
	if look(); sizeOf(t, path) != before {
		t.Error("the file has changed although nobody wrote")
	}
	if n := pending(t, o); n != 2 {
		t.Errorf("%d pending", n)
	}
	if _, err := o.take(t.Context(), id); err != nil {
		t.Error(err)
	}
}

// Damage that comes while the daemon runs is found within a day, and raises the alarm.
func TestIdleOutboxIsExaminedEachDay(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	for range 20 {
		commit(t, o, "1", wire.KindReservation)
	}
	var r rest
	now := time.Now()
	look := func(later time.Duration) []fault.Code {
		t.Helper()
		now = now.Add(later)
		r.look(t.Context(), o, now)
		return o.Troubles(t.Context())
	}
	look(restsEvery)
	if codes := look(restsEvery); len(codes) > 0 {
		t.Fatalf("troubles before: %v", codes)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(4096); at < sizeOf(t, path); at += 4096 { // the headers of all pages but the first
		if _, err := f.WriteAt([]byte("nonsense"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if codes := look(checkEvery - 3*restsEvery); len(codes) > 0 {
		t.Errorf("examined too early: %v", codes)
	}
	if codes := look(3 * restsEvery); !slices.Contains(codes, fault.StorageDamaged) {
		t.Errorf("a damaged file goes unnoticed: %v", codes)
	}
	if codes := look(restsEvery); !slices.Contains(codes, fault.StorageDamaged) {
		t.Errorf("damage is forgotten: %v", codes)
	}
}

func TestWatchTendsTheFile(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		commit(t, o, "1", wire.KindReservation)
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- o.Watch(ctx, (&hubsTime{}).now) }()
		<-time.After(3 * restsEvery)
		synctest.Wait()
		if n := sizeOf(t, path+"-wal"); n != 0 {
			t.Errorf("%d bytes of log when idle", n)
		}
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
		_ = o.Close()
	})
}
