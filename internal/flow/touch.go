package flow

import "slices"

// touch handles every touch: first what works everywhere, then the overlay,
// then the step.
func (t *turn) touch(f Fact) {
	if t.overlay == OverlayIdle {
		// Whoever touches is there. The touch was made before the question could
		// be read, so it does nothing else; only "finish" is meant as it says.
		t.overlay = OverlayNone
		t.question++
		t.touched = t.now
		if _, home := f.(GoHome); home {
			t.end("left")
		}
		return
	}
	t.touched = t.now
	if t.everywhere(f) {
		return
	}
	if t.overlay == OverlayHome {
		t.homeAsked(f)
		return
	}
	if t.overlay != OverlayNone {
		return // an overlay covers the screen
	}
	if t.v != nil && t.v.pending != nil {
		t.touchWaiting(f)
		return
	}
	t.touchStep(f)
}

// button calls staff, as the key on the screen does, also under the idle warning:
// the first press of a call shows that somebody is there.
func (t *turn) button() {
	if t.staff {
		return
	}
	t.touched = t.now
	t.staff = true
	t.cover(OverlayStaff)
}

// everywhere handles what every screen offers; it reports whether f was that.
func (t *turn) everywhere(f Fact) bool {
	switch f := f.(type) {
	case SetLang:
		if slices.Contains(t.set.Langs, f.Lang) && f.Lang != t.lang {
			t.lang = f.Lang
		}
		if t.overlay == OverlayLanguage {
			t.cover(OverlayNone)
		}
	case SetSize:
		t.look.Size = min(max(f.Size, 0), 3)
	case SetContrast:
		switch f.Contrast {
		case ContrastNormal, ContrastHigh, ContrastDark:
			t.look.Contrast = f.Contrast
		}
	case SetVolume:
		t.look.Volume = min(max(f.Volume, 0), 3)
	case CallStaff:
		t.staff = f.On
		switch {
		case f.On:
			t.cover(OverlayStaff)
		case t.overlay == OverlayStaff:
			t.cover(OverlayNone)
		}
	case Open:
		switch f.Overlay {
		case OverlayLanguage, OverlayDisplay, OverlayStaff:
			t.cover(f.Overlay)
		default:
		}
	case Close, Stay:
		if t.overlay != OverlayNone {
			t.cover(OverlayNone)
		}
	case GoHome:
		t.goHome()
	default:
		return false
	}
	return true
}

// cover lays an overlay over the screen, or takes it away.
func (t *turn) cover(k OverlayKind) {
	if t.overlay != k {
		t.overlay = k
		t.question++
	}
}

// goHome ends the visit; it asks first where something would be lost.
func (t *turn) goHome() {
	switch {
	case t.v == nil:
		if t.step != StepTop {
			t.top()
		}
		t.cover(OverlayNone)
	case t.storing(): // a moment: then the screen says what became of it
	case t.overlay == OverlayHome, t.nothingToLose():
		t.leave()
	default:
		t.cover(OverlayHome)
	}
}

func (t *turn) homeAsked(f Fact) {
	switch f.(type) {
	case Next:
		if !t.storing() {
			t.leave()
		}
	case Back, Another:
		t.cover(OverlayNone)
	default:
	}
}

// storing: something is on its way into the outbox, and what is shown or printed
// next depends on it. The record of an issuance that is tried again does not
// hold anybody up.
func (s *State) storing() bool {
	slip := s.v.issue.slip
	slipWaits := slip.outcome == SlipPrinting && !slip.on()
	return s.v.pending != nil && s.v.pending.with == BusyStore || s.v.recording.on() && slipWaits
}

// leave ends the visit. Where nothing was typed yet there is nothing to say
// goodbye for.
func (t *turn) leave() {
	fresh := t.hardlyBegun()
	t.end(t.leavingWord())
	if fresh {
		t.top()
	}
}

// hardlyBegun: this is the first question of the visit and nothing is typed.
func (s *State) hardlyBegun() bool {
	v := s.v
	if len(v.trail) != 1 || v.trail[0] != StepTop {
		return false
	}
	switch s.step {
	case StepIssueKind:
		return true
	case StepManagePhone:
		return v.manage.phone == ""
	case StepCard:
		return v.card.number == 0 && v.card.pin.Len() == 0
	default:
	}
	return false
}

// nothingToLose: the procedure is complete, or hardly begun.
func (t *turn) nothingToLose() bool {
	switch t.step {
	case StepIssueKind, StepApplied, StepManage, StepManagePhone:
		return true
	case StepReserved:
		return t.v.plan == PlanReserve
	case StepIssued:
		return t.v.plan == PlanIssue
	case StepTrouble:
		return t.v.trouble.retryTo == "" && t.v.trouble.other == ""
	default:
	}
	return t.hardlyBegun()
}

// leavingWord says how the visit ended: finished, or left in the middle.
func (t *turn) leavingWord() string {
	switch t.step {
	case StepApplied, StepReserved, StepIssued, StepManage:
		return "finished"
	default:
	}
	return "left"
}

// touchWaiting: while an answer is awaited only the way out works, and only for
// waits that may be abandoned.
func (t *turn) touchWaiting(f Fact) {
	if _, back := f.(Back); back && t.mayAbandon() {
		with := t.v.pending.with
		t.endWait()
		t.problemHere("", 0)
		if with == BusyStanding {
			t.openApply() // not known now: checked when the application is sent
		}
	}
}

// mayAbandon reports whether the present wait is long enough and harmless
// enough to be given up. A card at work and a write to disk are not.
func (s *State) mayAbandon() bool {
	p := s.v.pending
	if p == nil || !s.passed(p.since.Add(SlowAfter)) {
		return false
	}
	switch p.with {
	case BusySMS, BusyOTP, BusyIssue, BusyLogin, BusyStanding:
		return true
	case BusyCard, BusyStore, BusySend:
		return false
	}
	return false
}

// back goes to the previous question; what was typed there is still there.
func (t *turn) back() {
	v := t.v
	if len(v.trail) == 0 {
		if t.step != StepTop {
			t.goHome()
		}
		return
	}
	to := v.trail[len(v.trail)-1]
	if to == StepTop {
		t.goHome()
		return
	}
	if to == StepCheck { // what stands there is whole: half an edit is none
		t.undoEdit()
	}
	v.trail = v.trail[:len(v.trail)-1]
	t.leaveForms()
	v.procedure = procedureOf(to, v)
	t.show(to)
}

// leaveForms drops secrets that belong to the step being left.
func (t *turn) leaveForms() {
	switch t.step {
	case StepPIN, StepLastTry, StepCard:
		t.forgetPIN()
	default:
	}
}

// procedureOf is the procedure that a step belongs to within the visit.
func procedureOf(step StepName, v *visit) Procedure {
	switch step {
	case StepIssueKind, StepIssueTerms, StepIssueCard, StepIssueName, StepIssueBirth,
		StepIssuePhone, StepIssueCode, StepIssuePassword, StepIssued:
		return Issue
	case StepReserved:
		return Reserve
	case StepSearch, StepService, StepApplyTerms, StepApplyID, StepApplyCode, StepApplyPhone, StepCheck, StepApplied:
		return Apply
	case StepManagePhone, StepManagePassword, StepManage:
		return Manage
	case StepTop, StepRecovered, StepGuardian, StepCard, StepPIN, StepLastTry, StepReading, StepTrouble, StepGoodbye:
	}
	return v.procedure
}

// problemHere stands a problem beside the field of the screen; "" removes it.
func (t *turn) problemHere(code string, n int) {
	if code == "" {
		t.v.problem = nil
		return
	}
	t.v.problem = &EntryProblem{Code: code, N: n}
}

// touchStep hands a touch to the step on screen.
func (t *turn) touchStep(f Fact) {
	if t.v == nil {
		t.touchOutside(f)
		return
	}
	if _, back := f.(Back); back && t.step != StepTrouble && t.step != StepLastTry {
		if t.mayGoBack() {
			t.back()
		}
		return
	}
	switch t.step {
	case StepIssueKind, StepIssueTerms, StepIssueCard, StepIssueName, StepIssueBirth, StepGuardian,
		StepIssuePhone, StepIssueCode, StepIssuePassword, StepIssued:
		t.touchIssue(f)
	case StepCard, StepPIN, StepLastTry, StepReading:
		t.touchCard(f)
	case StepReserved:
		t.touchReserved(f)
	case StepSearch, StepService, StepApplyTerms, StepApplyID, StepApplyCode, StepApplyPhone, StepCheck, StepApplied:
		t.touchApply(f)
	case StepManagePhone, StepManagePassword, StepManage:
		t.touchManage(f)
	case StepTrouble:
		t.touchTrouble(f)
	case StepTop, StepRecovered, StepGoodbye:
	}
}

// touchOutside: top, recovered and goodbye have no visit.
func (t *turn) touchOutside(f Fact) {
	switch f := f.(type) {
	case Start:
		if t.step == StepTop {
			t.begin(f.Plan)
		}
	case Next:
		switch t.step {
		case StepRecovered: // whoever has read it goes on in this language
			lang := t.lang
			t.top()
			t.lang = lang
		case StepGoodbye:
			t.top()
		default:
		}
	default:
	}
}

// mayGoBack: not out of a step that works, and not behind what cannot be undone.
func (s *State) mayGoBack() bool {
	if s.v == nil || len(s.v.trail) == 0 {
		return false
	}
	switch s.step {
	case StepReading, StepTrouble, StepLastTry, StepIssued, StepReserved, StepApplied, StepManage:
		return false
	default:
	}
	return true
}
