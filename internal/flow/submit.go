package flow

import (
	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// submitSigned puts what the card signed into the outbox.
func (t *turn) submitSigned() {
	c := &t.v.card
	if c.unsent == nil {
		t.fail(fault.Internal, StepCard, "", 0)
		return
	}
	kind, slip := wire.KindReservation, SlipReservation
	if c.purpose == forApply {
		kind, slip = wire.KindApplication, SlipApplication
	}
	own := c.signedCopy()
	t.emit(Submit{
		Ticket: t.await(BusyStore, limitSubmit), ID: c.unsentID, Visit: t.visit, Slip: slip, Lang: t.lang,
		Payload: wire.Payload{Schema: wire.Schema, Kind: kind, Signed: &own},
	})
}

// committed: the submission stands durably in the outbox, or it does not.
func (t *turn) committed(f Committed) {
	if t.v != nil && t.mine(f.Ticket, t.v.recording.ticket) {
		t.recorded()
		return
	}
	if !t.arrived(f.Ticket) {
		return
	}
	if f.Fault != "" {
		t.fail(f.Fault, StepReading, "", 0)
		return
	}
	v := t.v
	early := v.card.early
	v.card.forget()
	sub := submission{id: f.ID, number: f.Number, delivery: DeliverySending, until: t.now.Add(ackWait)}
	if !t.line {
		sub.delivery = DeliveryQueued
	}
	if v.card.purpose == forApply {
		v.applied = sub
		t.settle(StepApplied)
		t.printIfSettled(&v.applied)
	} else {
		v.reserved = sub
		t.settle(StepReserved)
		t.printIfSettled(&v.reserved)
	}
	if early != nil {
		t.acknowledged(*early)
	}
}

// acknowledged: the hub has it. That may come at any time, also before it is known here
// that it was committed: the courier does not wait for that.
func (t *turn) acknowledged(f Acknowledged) {
	if t.v == nil || f.ID == "" {
		return
	}
	if f.ID == t.v.card.unsentID {
		t.v.card.early = &f
		return
	}
	for _, sub := range []*submission{&t.v.reserved, &t.v.applied} {
		if sub.id != f.ID {
			continue
		}
		sub.verdict = f.Verdict
		sub.delivery = DeliveryAccepted
		if !f.Verdict.Accepted {
			sub.delivery, sub.because = DeliveryRefused, f.Verdict.Code
		}
		t.touched = t.now
		t.printIfSettled(sub)
	}
}

// expireSending says "queued" when the hub did not answer in time.
func (t *turn) expireSending(sub *submission) {
	if sub.delivery == DeliverySending && t.passed(sub.until) {
		sub.delivery = DeliveryQueued
		t.touched = t.now
		t.printIfSettled(sub)
	}
}

// printIfSettled prints the slip once it is known what it must say. A refusal
// has none: there is nothing to keep.
func (t *turn) printIfSettled(sub *submission) {
	if sub.slip.outcome != "" {
		return
	}
	switch sub.delivery {
	case DeliveryAccepted, DeliveryQueued:
		t.printSubmission(sub, false)
	case DeliverySending, DeliveryRefused:
	}
}

// printBeforeLeaving prints what still waited for the hub's word: whoever goes
// early takes a slip that says "sent later", which is what is known.
func (t *turn) printBeforeLeaving() {
	for _, sub := range []*submission{&t.v.reserved, &t.v.applied} {
		if sub.delivery == DeliverySending {
			sub.delivery = DeliveryQueued
			t.printIfSettled(sub)
		}
	}
}

func (t *turn) printSubmission(sub *submission, again bool) {
	s := Slip{
		Kind: SlipReservation, Lang: t.lang, At: t.now, Number: sub.number,
		MyKeyID: string(sub.verdict.MyKeyID), Queued: sub.delivery == DeliveryQueued, Guardian: t.v.guardian,
	}
	if sub == &t.v.applied {
		s.Kind, s.Service = SlipApplication, t.v.apply.service
	}
	t.print(&sub.slip, sub.id, s, again)
}

func (t *turn) printIssuance(again bool) {
	d := &t.v.issue
	t.print(&d.slip, d.recordID, Slip{
		Kind: SlipIssuance, Lang: t.lang, At: t.now, Service: d.service, ServiceID: d.serviceID, Codes: cloneAll(d.codes),
	}, again)
}

func (t *turn) print(st *slipState, submissionID string, s Slip, again bool) {
	var k Ticket
	k, st.errand = t.errandFor(limitPrint)
	st.outcome, st.because = SlipPrinting, ""
	t.emit(Print{Ticket: k, Submission: submissionID, Reprint: again, Slip: s})
}

// mayPrintAgain: never while one prints, nor after one is known to have come
// out; the printer must be able to.
func (s *State) mayPrintAgain(st slipState) bool {
	switch st.outcome {
	case SlipNot, SlipUnknown, SlipUnconfirmed:
		return s.printer.Fault == ""
	case "", SlipPrinting, SlipPrinted:
	}
	return false
}

// mayReprint is mayPrintAgain of a submission. What was queued when its slip failed may have
// been refused since, and then there is nothing to keep: a slip would say that it was taken.
func (s *State) mayReprint(sub *submission) bool {
	return sub.delivery != DeliveryRefused && s.mayPrintAgain(sub.slip)
}

// printAgain prints once more because a person asked for it, if that may be.
func (t *turn) printAgain(may bool, how func(again bool)) {
	if may {
		t.question++
		how(true)
	}
}

// touchReserved: the reservation is made; on to apply, or home.
func (t *turn) touchReserved(f Fact) {
	sub := &t.v.reserved
	switch f.(type) {
	case Next:
		if !t.onwardToApply() {
			if sub.delivery != DeliverySending {
				t.finish("finished")
			}
			return
		}
		t.v.procedure = Apply
		if t.v.plan == PlanReserve {
			t.v.plan = PlanReserveApply
		}
		switch {
		case t.v.apply.service != "" && t.complete(): // refused before, for want of a reservation
			t.settle(StepCheck)
		case t.v.issue.done():
			t.carry()
			t.settle(StepService)
		default:
			t.settle(StepSearch)
		}
	case Another:
		t.finish("finished")
	case PrintAgain:
		t.printAgain(t.mayReprint(sub), func(again bool) { t.printSubmission(sub, again) })
	default:
	}
}

// onwardToApply: apply can follow when the reservation is taken.
func (s *State) onwardToApply() bool {
	switch s.v.reserved.delivery {
	case DeliveryAccepted, DeliveryQueued:
		return true
	case DeliverySending, DeliveryRefused:
	}
	return false
}
