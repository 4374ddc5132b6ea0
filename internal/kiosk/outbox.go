package kiosk

import (
	"context"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer"
	ksync "kioskd/internal/sync"
)

// Outbox is where submissions stand until the hub has acknowledged them.
type Outbox interface {
	// Commit stores submission, slip job and audit entry in one transaction.
	Commit(ctx context.Context, entry ksync.Entry) (ksync.Committed, error)
	// SlipSending notes that a submission's slip is about to reach the printer.
	SlipSending(ctx context.Context, id string) error
	// SlipEnded notes what became of a submission's slip.
	SlipEnded(ctx context.Context, id string, state ksync.SlipState) error
	// EndVisit notes that the end of a visit was reached.
	EndVisit(ctx context.Context, visit string) error
	// Unended lists the submissions of visits that earlier runs did not end, and of
	// the named ones of this run, until they are Told.
	Unended(ctx context.Context, wiped ...string) ([]ksync.Found, error)
	// Told notes that a screen has shown these.
	Told(ctx context.Context, found []ksync.Found) error
	// Note writes into the audit log.
	Note(ctx context.Context, event ksync.AuditEvent, subject, detail string) error
}

// submit answers Submit.
func (k *Kiosk) submit(ctx, work context.Context, v *visit, e flow.Submit) flow.Fact {
	payload := e.Payload
	if payload.Issuance != nil {
		record := *payload.Issuance // the flow keeps its own
		record.Kiosk, _ = k.opt.Identity()
		record.Time = record.Time.UTC().Truncate(time.Second)
		payload.Issuance = &record
	}
	entry := ksync.Entry{ID: e.ID, Visit: v.id, Payload: payload, Slip: string(e.Slip), Lang: e.Lang}
	done, err := k.opt.Outbox.Commit(ctx, entry)
	if err != nil {
		k.keep(work, v, entry)
		code := faultOf(err, fault.StorageFailed)
		if code == fault.Internal {
			code = fault.StorageFailed // nothing was stored, whatever the reason
		}
		if ctx.Err() != nil {
			code = fault.StorageSlow // cut off in the middle: nobody knows
		}
		k.log.Error("Cannot store a submission", "kind", e.Payload.Kind, "fault", code, "error", err)
		return flow.Committed{Ticket: e.Ticket, Fault: code}
	}
	k.opt.Kick()
	return flow.Committed{Ticket: e.Ticket, ID: done.ID, Number: done.Number}
}

// endVisit notes the end of a visit, after everything it stored.
func (k *Kiosk) endVisit(ctx context.Context, v *visit) {
	v.stores.Wait()
	v.ended.Store(true)
	k.noteEnd(ctx, v)
}

func (k *Kiosk) noteEnd(ctx context.Context, v *visit) {
	if err := k.opt.Outbox.EndVisit(ctx, v.id); err != nil {
		k.log.Warn("Cannot note the end of a visit", "fault", fault.CodeOf(err))
	}
}

// print answers Print. What became of the slip is noted even when the daemon
// ends meanwhile: what is not noted counts as unknown at the next start.
func (k *Kiosk) print(ctx context.Context, e flow.Print) flow.Fact {
	ended := flow.SlipEnded{Ticket: e.Ticket}
	if e.Reprint && e.Submission != "" {
		k.journal.put(note{event: ksync.AuditReprinted, subject: e.Submission})
	}
	k.note(ctx, e.Submission, k.opt.Outbox.SlipSending)
	result, err := k.opt.Printer.Print(ctx, printer.Job{ID: e.Submission, Draw: k.opt.Draw(e.Slip, e.Reprint)})
	ended.Outcome = outcome(result)
	if err != nil {
		ended.Fault = faultOf(err, fault.SlipUnknown)
	}
	if ended.Fault == fault.Internal {
		k.log.Error("Cannot draw a slip", "kind", e.Slip.Kind, "error", err)
	}
	k.note(ctx, e.Submission, func(ctx context.Context, id string) error {
		return k.opt.Outbox.SlipEnded(ctx, id, ksync.SlipState(result))
	})
	return ended
}

// note writes into the outbox where the slip of a submission stands. That the
// note fails does not stop the slip.
func (k *Kiosk) note(ctx context.Context, submission string, write func(context.Context, string) error) {
	if submission == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := write(ctx, submission); err != nil {
		k.log.Warn("Cannot note where a slip stands", "fault", fault.CodeOf(err))
	}
}
