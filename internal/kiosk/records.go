package kiosk

import (
	"context"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

// The pause before an outbox that has refused a record is asked again. It grows.
const (
	recordPause    = 100 * time.Millisecond
	recordPauseMax = time.Minute
)

// keep is for the record of an issuance that the outbox has refused. What was issued is
// issued, and the shopper has it: so, unlike what a card has signed, its record outlives the
// visit until the disk takes it. Nothing in it is personal.
//
// It stores the record, beside whatever else is done, as soon as that is possible.
func (k *Kiosk) keep(work context.Context, v *visit, entry ksync.Entry) {
	if entry.Payload.Issuance == nil {
		return
	}
	k.running.Go(func() {
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
			k.log.Warn("Cannot store the record of an issuance yet", "submission", entry.ID, "fault", fault.CodeOf(err), "error", err)
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
