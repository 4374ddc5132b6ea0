package kiosk

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// refusingOutbox takes nothing while its disk is broken.
type refusingOutbox struct {
	Outbox
	broken atomic.Bool
	tries  atomic.Int64
}

func (o *refusingOutbox) Commit(ctx context.Context, e ksync.Entry) (ksync.Committed, error) {
	o.tries.Add(1)
	if o.broken.Load() {
		return ksync.Committed{}, &fault.Error{Device: "storage", Op: "commit submission", Code: fault.StorageFailed, Cause: errors.New("disk on fire")}
	}
	return o.Outbox.Commit(ctx, e)
}

func (o *refusingOutbox) EndVisit(ctx context.Context, visit string) error {
	if o.broken.Load() {
		return errors.New("disk on fire")
	}
	return o.Outbox.EndVisit(ctx, visit)
}

func record(id string) flow.Submit {
	return flow.Submit{ID: id, Slip: flow.SlipIssuance, Payload: wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &wire.Issuance{
		Time: time.Unix(1790000000, 0), IssueRef: "ref", Service: "aeon-card-waon",
	}}}
}

// What was issued is recorded as soon as the disk takes it, also when the visit is over.
func TestARefusedRecordIsStoredLater(t *testing.T) {
	inWorld(t, func(w *world) {
		outbox := &refusingOutbox{Outbox: w.k.opt.Outbox}
		outbox.broken.Store(true)
		w.k.opt.Outbox = outbox
		v := &visit{id: "0-7"}
		if fact := w.k.submit(context.Background(), context.Background(), v, record("01M8Q1EB2T9NFV5SV61HJ187QG")); fact.(flow.Committed).Fault != fault.StorageFailed {
			t.Fatalf("refused as %+v", fact)
		}
		w.k.endVisit(context.Background(), v)
		pass(10 * time.Minute)
		if n := outbox.tries.Load(); n < 15 || n > 25 {
			t.Errorf("tried %d times in ten minutes", n)
		}
		outbox.broken.Store(false)
		pass(2 * recordPauseMax)
		tries := outbox.tries.Load()
		if n, err := w.outbox.Pending(context.Background()); n != 1 || err != nil {
			t.Errorf("%d stand in the outbox: %v", n, err)
		}
		if found, err := w.outbox.Unended(context.Background(), "0-7"); len(found) != 0 || err != nil {
			t.Errorf("the visit has not ended: %v, %v", found, err)
		}
		pass(10 * time.Minute)
		if outbox.tries.Load() != tries {
			t.Error("it is stored again and again")
		}
		// What a card has signed is the shopper's decision, and not tried behind his back.
		outbox.broken.Store(true)
		e := record("01M8Q1EB2T9NFV5SV61HJ187QH")
		e.Payload = wire.Payload{Schema: wire.Schema, Kind: wire.KindReservation, Signed: &wire.Signed{Document: []byte("{}")}}
		w.k.submit(context.Background(), context.Background(), v, e)
		tries = outbox.tries.Load()
		pass(10 * time.Minute)
		if outbox.tries.Load() != tries {
			t.Error("a reservation is tried again")
		}
	})
}

// A program that ends tries once more, and tells of what it could not store.
func TestARefusedRecordAtTheEnd(t *testing.T) {
	for _, mended := range []bool{true, false} {
		inWorld(t, func(w *world) {
			outbox := &refusingOutbox{Outbox: w.k.opt.Outbox}
			outbox.broken.Store(true)
			w.k.opt.Outbox = outbox
			work, end := context.WithCancel(context.Background())
			w.k.submit(work, work, &visit{id: "0-7"}, record("01M8Q1EB2T9NFV5SV61HJ187QG"))
			outbox.broken.Store(!mended)
			end()
			pass(time.Second)
			synctest.Wait()
			n, err := w.outbox.Pending(context.Background())
			if (n == 1) != mended || err != nil {
				t.Errorf("mended %t: %d stand in the outbox: %v", mended, n, err)
			}
			if told := strings.Contains(w.log.String(), "never stored"); told == mended {
				t.Errorf("mended %t: told %t", mended, told)
			}
		})
	}
}
