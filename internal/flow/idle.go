package flow

import (
	"time"

	"kioskd/internal/fault"
)

// idleWarn is how long the present step may stand untouched before the warning;
// 0 = for ever.
func (s *State) idleWarn() time.Duration {
	switch {
	case s.v == nil:
		return 0
	case s.staff:
		return idleLong
	}
	switch s.step {
	case StepIssueTerms, StepApplyTerms, StepIssueCode, StepTrouble, StepReserved, StepIssued, StepGuardian:
		return max(idleLong, s.set.IdleWarn)
	default:
	}
	return s.set.IdleWarn
}

// working reports whether something runs that an idle end must not cut: an
// answer, a card or a slip.
func (s *State) working() bool {
	if s.v == nil {
		return false
	}
	v := s.v
	for _, st := range v.slips() {
		if st.outcome == SlipPrinting {
			return true
		}
	}
	return v.pending != nil ||
		v.reserved.delivery == DeliverySending && s.step == StepReserved ||
		v.applied.delivery == DeliverySending && s.step == StepApplied
}

// timers lists every moment at which the present state changes by itself.
func (s *State) timers() []time.Time {
	var at []time.Time
	add := func(when time.Time) { at = append(at, when) }
	switch s.step {
	case StepGoodbye:
		add(s.goodbyeEnd())
	case StepRecovered:
		add(s.entered.Add(foundFor))
	case StepTop:
		if s.lookChanged() || s.overlay != OverlayNone {
			add(s.touched.Add(lookResetAfter))
		}
		if s.staff {
			add(s.touched.Add(staffCallFor))
		}
	default:
	}
	if s.v == nil {
		return at
	}
	if p := s.v.pending; p != nil {
		add(p.since.Add(SpinnerAfter))
		add(p.since.Add(SlowAfter))
		add(p.since.Add(p.limit + grace))
	}
	for _, e := range []errand{s.v.inspecting, s.v.tapping, s.v.recording, s.v.issue.slip.errand, s.v.reserved.slip.errand, s.v.applied.slip.errand} {
		if e.on() {
			add(e.due)
		}
	}
	if s.v.reserved.delivery == DeliverySending {
		add(s.v.reserved.until)
	}
	if s.v.applied.delivery == DeliverySending {
		add(s.v.applied.until)
	}
	if s.step == StepIssueCode {
		add(s.v.issue.resendAt)
		add(s.v.issue.expires)
	}
	if s.step == StepTrouble && s.v.trouble.wait > 0 {
		add(s.entered.Add(s.v.trouble.wait))
	}
	if warn := s.idleWarn(); warn > 0 && !s.working() {
		if s.overlay == OverlayIdle {
			add(s.touched.Add(warn + s.set.IdleCount))
		} else {
			add(s.touched.Add(warn))
		}
	}
	return at
}

// Wake is when the next Tick is due; false when time changes nothing.
func (s State) Wake() (time.Time, bool) {
	var first time.Time
	for _, at := range s.timers() {
		if at.After(s.now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// passed reports whether when has come.
func (s *State) passed(when time.Time) bool { return !s.now.Before(when) }

// expire does what time alone does.
func (t *turn) expire() {
	switch t.step {
	case StepGoodbye:
		if t.passed(t.goodbyeEnd()) {
			t.top()
		}
	case StepRecovered:
		if t.passed(t.entered.Add(foundFor)) {
			t.top()
		}
	case StepTop:
		if t.staff && t.passed(t.touched.Add(staffCallFor)) {
			t.staff = false
		}
		if (t.lookChanged() || t.overlay != OverlayNone) && t.passed(t.touched.Add(lookResetAfter)) {
			t.overlay = OverlayNone
			t.resetLook()
			t.question++
		}
	default:
	}
	if t.v == nil {
		return
	}
	t.expireWait()
	t.expireErrands()
	t.expireSending(&t.v.reserved)
	t.expireSending(&t.v.applied)
	t.expireIdle()
}

// expireWait gives up on an answer that is long overdue.
func (t *turn) expireWait() {
	p := t.v.pending
	if p == nil || !t.passed(p.since.Add(p.limit+grace)) {
		return
	}
	t.endWait()
	t.overdue(p.with)
}

// expireErrands gives up on what runs beside the steps and does not come back.
func (t *turn) expireErrands() {
	v := t.v
	late := func(e errand) bool { return e.on() && t.passed(e.due) }
	if late(v.tapping) {
		v.tapping = errand{}
	}
	if late(v.inspecting) {
		t.cardSeen(CardSeen{Ticket: Ticket{t.visit, v.inspecting.ticket}, Card: t.reader.ISO, Fault: fault.CardMute})
	}
	if late(v.recording) {
		t.recorded()
	}
	for _, st := range v.slips() {
		if late(st.errand) {
			st.errand, st.outcome, st.because = errand{}, SlipUnknown, fault.SlipUnknown
			t.touched = t.now
		}
	}
}

// expireIdle warns, and then ends the visit.
func (t *turn) expireIdle() {
	warn := t.idleWarn()
	if warn == 0 || t.working() {
		return
	}
	switch {
	case t.overlay == OverlayIdle && t.passed(t.touched.Add(warn+t.set.IdleCount)):
		t.end("idle")
	case t.overlay != OverlayIdle && t.passed(t.touched.Add(warn)):
		// The countdown is always shown in full, however late the tick comes.
		t.touched = t.now.Add(-warn)
		t.overlay = OverlayIdle
		t.question++
	}
}

// goodbyeEnd is when the top screen comes back: later while a card still lies
// there, so that its owner is reminded.
func (s *State) goodbyeEnd() time.Time {
	if s.reader.occupied() {
		return s.entered.Add(goodbyeCard)
	}
	return s.entered.Add(goodbyeFor)
}

func (s *State) lookChanged() bool {
	return s.lang != s.set.Langs[0] || s.look != Look{Size: 1, Contrast: ContrastNormal, Volume: 2}
}
