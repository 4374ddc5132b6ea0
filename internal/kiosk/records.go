package kiosk

import (
	"context"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

// The pause before an outbox that has refused a record is asked again, which grows up to
// the other one.
const (
	recordPause    = 2 * time.Second
	recordPauseMax = time.Minute
)

// records are those of issuances that the outbox has refused. What was issued is issued,
// and the shopper has it: so, unlike what a card has signed, its record outlives the visit
// until the disk takes it. Nothing in it is personal.
type records struct {
	mu   sync.Mutex
	kept map[string]struct{} // by the submission's ID
}

// begin reports whether nobody else sees to this one.
func (r *records) begin(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kept[id]; ok {
		return false
	}
	r.kept[id] = struct{}{}
	return true
}

func (r *records) end(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.kept, id)
}

// keep stores a record, beside whatever else is done, as soon as that is possible. The flow
// may try to do so as well: the same entry is stored once.
func (k *Kiosk) keep(work context.Context, v *visit, entry ksync.Entry) {
	if entry.Payload.Issuance == nil || !k.records.begin(entry.ID) {
		return
	}
	k.running.Go(func() {
		defer k.records.end(entry.ID)
		timer := time.NewTimer(recordPause)
		defer timer.Stop()
		for pause := recordPause; ; pause = min(2*pause, recordPauseMax) {
			select {
			case <-timer.C:
			case <-work.Done(): // one last time
			}
			err := k.keepOnce(work, v, entry)
			if err == nil {
				k.log.Info("Stored the record of an issuance after all", "submission", entry.ID)
				return
			}
			if work.Err() != nil {
				k.log.Error("The record of an issuance was never stored", "submission", entry.ID, "fault", fault.CodeOf(err), "alarm", true)
				return
			}
			timer.Reset(pause)
		}
	})
}

func (k *Kiosk) keepOnce(work context.Context, v *visit, entry ksync.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(work), flow.LimitOf(flow.Submit{}))
	defer cancel()
	if _, err := k.opt.Outbox.Commit(ctx, entry); err != nil {
		return err
	}
	k.opt.Kick()
	if v.ended.Load() { // when nothing stood there that could have been noted
		k.noteEnd(ctx, v)
	}
	return nil
}
