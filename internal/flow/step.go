package flow

import (
	"fmt"
	"slices"
	"time"

	"kioskd/internal/fault"
)

// Step takes one event and returns the new state and what must be done now, in
// this order. It owns the state it is given. Facts that the present step does
// not expect change nothing.
func Step(s State, e Event) (State, []Effect) {
	if e.At.After(s.now) {
		s.now = e.At
	}
	t := &turn{State: &s}
	t.expire()
	t.take(e.Fact)
	t.cardMoves()
	t.endLater()
	return s, t.out
}

// turn is one run of Step: the state being changed and the effects so far.
type turn struct {
	*State
	out []Effect
}

func (t *turn) emit(e Effect) { t.out = append(t.out, e) }

// next draws a ticket.
func (t *turn) next() Ticket {
	t.ticket++
	return Ticket{Visit: t.visit, N: t.ticket}
}

// mine reports whether an answer belongs to the present visit and is the one
// with number n.
func (t *turn) mine(k Ticket, n uint64) bool {
	return t.v != nil && k.Visit == t.visit && k.N == n && n != 0
}

// errandFor sends for something beside the steps.
func (t *turn) errandFor(limit time.Duration) (Ticket, errand) {
	k := t.next()
	return k, errand{ticket: k.N, due: t.now.Add(limit + grace)}
}

// await draws the ticket of the one answer that the shopper waits for.
func (t *turn) await(with BusyWith, limit time.Duration) Ticket {
	k := t.next()
	t.v.pending = &pending{ticket: k.N, with: with, since: t.now, limit: limit}
	return k
}

// arrived reports whether k answers what is being waited for, and ends the wait.
func (t *turn) arrived(k Ticket) bool {
	if t.v == nil || t.v.pending == nil || !t.mine(k, t.v.pending.ticket) {
		return false
	}
	t.endWait()
	return true
}

// endWait ends a wait: the idle clock starts anew and touches meant for the
// screen before the answer are stale.
func (t *turn) endWait() {
	t.v.pending = nil
	t.touched = t.now
	t.question++
}

// take sorts facts. It is exhaustive over the sealed set.
func (t *turn) take(f Fact) {
	switch f := f.(type) {
	case Start, Next, Back, Key, Erase, Clear, Pick, Turn, Box, SetEra, Resend, PrintAgain, Another,
		Open, Close, SetLang, SetSize, SetContrast, SetVolume, CallStaff, GoHome, Stay:
		t.touch(f)
	case StaffEnds:
		if t.v != nil {
			t.finish("staff")
		} else {
			t.end("staff")
		}
	case ButtonPressed:
		t.button()
	case ReaderIs:
		t.readerIs(f)
	case PrinterIs:
		t.printer = f
	case LineIs:
		t.line = f.Up
	case StorageIs:
		t.storage = f.Fault
	case EnrolmentIs:
		t.enrol, t.sandbox, t.enrolLost = f.Fault, f.Sandbox, f.Lost
	case CardSeen:
		t.cardSeen(f)
	case WAONSeen:
		t.waonSeen(f)
	case DocumentSigned:
		t.documentSigned(f)
	case Committed:
		t.committed(f)
	case Acknowledged:
		t.acknowledged(f)
	case SlipEnded:
		t.slipEnded(f)
	case CodeSent:
		t.codeSent(f)
	case CodeChecked:
		t.codeChecked(f)
	case IDIssued:
		t.idIssued(f)
	case LoggedIn:
		t.loggedIn(f)
	case StandingIs:
		t.standingIs(f)
	case Found:
		t.foundAtStart(f)
	case Tick: // expire has done it
	}
}

// show puts a step on the screen.
func (t *turn) show(to StepName) {
	t.step = to
	t.overlay = OverlayNone
	t.entered, t.touched = t.now, t.now
	t.question++
	if t.v != nil {
		t.v.problem = nil
		t.v.arrivals = 0
	}
}

// forward goes on to a step and remembers the way back. A move that the table
// of edges does not know is a defect.
func (t *turn) forward(to StepName) {
	t.mustFollow(to)
	t.v.trail = append(t.v.trail, t.step)
	t.show(to)
}

// replace goes on to a step so that Back skips the present one: steps that pass
// by themselves (the card, reading) and troubles.
func (t *turn) replace(to StepName) {
	t.mustFollow(to)
	t.show(to)
}

// settle goes on to a step from which there is no way back, because something
// has happened that cannot be undone.
func (t *turn) settle(to StepName) {
	t.mustFollow(to)
	t.v.trail = nil
	t.show(to)
}

func (t *turn) mustFollow(to StepName) {
	if !MayFollow(t.step, to) {
		panic(fmt.Sprintf("flow: no way from %s to %s", t.step, to))
	}
}

// fail shows a fault on a screen of its own. retryTo is where Next leads.
func (t *turn) fail(code fault.Code, retryTo StepName, other string, wait time.Duration) {
	if code == "" {
		code = fault.Internal
	}
	t.v.trouble = trouble{code: code, retryTo: retryTo, other: other, wait: wait, kept: true}
	t.replace(StepTrouble)
}

// begin starts a visit.
func (t *turn) begin(p Plan) {
	if ok, _ := t.offer(p); !ok {
		return
	}
	t.visit++
	t.v = &visit{plan: p, procedure: p.procedures()[0]}
	t.v.card.triesAt = -1
	t.v.issue.era = EraShowa
	if t.lang != "ja" {
		t.v.issue.era = EraWestern
	}
	switch p {
	case PlanFull, PlanIssue:
		t.forward(StepIssueKind)
	case PlanReserve:
		t.sign(forReserve)
	case PlanApply:
		t.sign(forResume)
	case PlanManage:
		t.forward(StepManagePhone)
	default:
	}
}

// end wipes the visit and says goodbye.
func (t *turn) end(reason string) {
	if t.v == nil {
		if t.step != StepTop {
			t.top()
		}
		return
	}
	t.printBeforeLeaving()
	slip := t.slipCameOut()
	n := t.visit
	t.v.wipe()
	t.v = nil
	t.staff = false
	t.leaving, t.slipTaken = reason, slip
	t.show(StepGoodbye)
	t.emit(EndVisit{Visit: n})
}

// top shows the top screen as it is for the next shopper.
func (t *turn) top() {
	t.leaving = ""
	t.found = nil
	t.resetLook()
	t.show(StepTop)
}

// finish ends the visit as soon as that loses nothing.
func (t *turn) finish(reason string) { t.v.ending = reason }

// endLater ends a visit that was told to end, as soon as nothing of it is on its
// way into the outbox.
func (t *turn) endLater() {
	if t.v != nil && t.v.ending != "" && !t.storing() {
		t.end(t.v.ending)
	}
}

// slipCameOut: there is a slip of this visit to be taken along, or there will be.
func (s *State) slipCameOut() bool {
	for _, st := range s.v.slips() {
		switch st.outcome {
		case SlipPrinted, SlipUnconfirmed, SlipPrinting, SlipUnknown:
			return true
		case "", SlipNot:
		}
	}
	return false
}

// foundAtStart shows what an interrupted visit left behind.
func (t *turn) foundAtStart(f Found) {
	if len(f.Submissions) == 0 || t.v != nil || t.step != StepTop {
		return
	}
	t.found = f.Submissions
	if slices.Contains(t.set.Langs, f.Lang) {
		t.lang = f.Lang
	}
	t.replace(StepRecovered)
}

// slipOf answers to a slip's ticket.
func (t *turn) slipEnded(f SlipEnded) {
	if t.v == nil {
		return
	}
	for _, st := range t.v.slips() {
		if t.mine(f.Ticket, st.ticket) {
			st.errand, st.outcome, st.because = errand{}, f.Outcome, f.Fault
			if t.set.NoPrinter { // the number is to be written down, and nothing is wrong
				st.because = ""
			}
			t.touched = t.now
			return
		}
	}
}
