package sync

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/sqlitedb/wreck"
	"kioskd/internal/wire"
)

// transactionsIn counts what was committed to the WAL, each with a flush of its own: the
// last page of a transaction bears the size of the file.
func transactionsIn(t *testing.T, wal string) (n int) {
	t.Helper()
	b, err := os.ReadFile(wal)
	if err != nil {
		t.Fatal(err)
	}
	const head, frame = 32, 24 + wreck.PageSize
	for at := head; at+frame <= len(b); at += frame {
		if !bytes.Equal(b[at+8:at+16], b[16:24]) {
			t.Fatal("pages of before are in the way")
		}
		if binary.BigEndian.Uint32(b[at+4:]) != 0 {
			n++
		}
	}
	return n
}

// busyDisk keeps the one who writes busy, until free is called.
func busyDisk(t *testing.T, o *Outbox) (free func()) {
	t.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	var writing stdsync.WaitGroup
	writing.Go(func() {
		if err := o.write(t.Context(), func(context.Context, *sqlitedb.Tx) error {
			close(busy)
			<-release
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-busy
	return func() { close(release); writing.Wait() }
}

// Submissions that wait for the disk at the same moment cost one flush, not one each.
func TestCommitsShareATransaction(t *testing.T) {
	const visitors = 8
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		defer func() { _ = o.Close() }()
		free := busyDisk(t, o)
		var all stdsync.WaitGroup
		for range visitors {
			all.Go(func() {
				if _, err := o.Commit(t.Context(), entry("1", wire.KindReservation)); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // all of them stand in front of the writer
		before := transactionsIn(t, path+"-wal")
		free()
		all.Wait()
		if n := transactionsIn(t, path+"-wal") - before; n != 1 {
			t.Errorf("%d submissions took %d transactions", visitors, n)
		}
		if n := pending(t, o); n != visitors {
			t.Errorf("%d are stored", n)
		}
	})
}

// A disk that takes its time over one flush holds up what it has to note, not the line.
func TestTheLineDoesNotWaitForTheDisk(t *testing.T) {
	const visitors = 3 * sendersAtOnce
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		defer func() { _ = o.Close() }()
		for i := range visitors {
			commit(t, o, strconv.Itoa(i), wire.KindIssuance)
		}
		<-o.fresh // nothing new comes: the round goes to its end
		hub := newFakeHub(k)
		free := busyDisk(t, o)
		before := transactionsIn(t, path+"-wal")
		stop := run(t, NewCourier(o, hub, quiet(), CourierOptions{}))
		synctest.Wait()
		if n := len(hub.ids()); n != visitors {
			t.Errorf("the hub has %d of %d while the disk is busy", n, visitors)
		}
		free()
		synctest.Wait()
		if n := pending(t, o); n != 0 {
			t.Errorf("%d are still queued", n)
		}
		if n := transactionsIn(t, path+"-wal") - before; n != 1 {
			t.Errorf("%d acknowledgements took %d transactions", visitors, n)
		}
		stop()
	})
}

// unhurriedHub takes a moment for each submission, and for one of them until it may go on.
type unhurriedHub struct {
	*fakeHub
	held string // its ID
	free chan struct{}
}

func (h *unhurriedHub) Submit(ctx context.Context, s wire.Submission) (wire.Ack, error) {
	if s.ID == h.held {
		<-h.free
	} else {
		pass(5 * time.Millisecond)
	}
	return h.fakeHub.Submit(ctx, s)
}

// A long queue does not flush the disk for each acknowledgement. One that does not come
// holds the others up for a moment only, and where nothing else is on its way none waits.
func TestAcknowledgementsAreNotedTogether(t *testing.T) {
	const visitors = notedTogether + 6
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		defer func() { _ = o.Close() }()
		hub := &unhurriedHub{fakeHub: newFakeHub(k), free: make(chan struct{})}
		for i := range visitors {
			hub.held = commit(t, o, strconv.Itoa(i), wire.KindIssuance)
		}
		<-o.fresh // nothing new comes: the round goes to its end
		before := transactionsIn(t, path+"-wal")
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		stop := run(t, c)
		pass((visitors/sendersAtOnce+1)*5*time.Millisecond + notedWithin)
		synctest.Wait()
		if n := pending(t, o); n != 1 {
			t.Errorf("%d wait beside the one that is held up", n-1)
		}
		if n := transactionsIn(t, path+"-wal") - before; n > 2 {
			t.Errorf("%d acknowledgements took %d transactions", visitors-1, n)
		}
		close(hub.free)
		synctest.Wait()
		if n := pending(t, o); n != 0 {
			t.Errorf("%d are still queued", n)
		}
		began := time.Now()
		commit(t, o, "later", wire.KindIssuance)
		for len(c.Acks()) > 0 {
			<-c.Acks()
		}
		<-c.Acks()
		if took := time.Since(began); took > 5*time.Millisecond {
			t.Errorf("one alone took %s", took)
		}
		stop()
	})
}
