package flow

import (
	"time"

	"kioskd/internal/fault"
)

// View draws the state. It is pure; Seq and Since are set by the kiosk.
func View(s State) Snapshot {
	return Snapshot{
		V: SnapshotVersion, Lang: s.lang, Look: s.look,
		Screen: s.screen(), Progress: s.progress(), Overlay: s.overlayView(), Busy: s.busy(),
		Kiosk: s.kioskView(), Deadline: s.deadline(),
		Nav: Nav{Back: s.navBack(), Home: s.step != StepTop, Next: s.navNext()},
	}
}

// screen draws the step. It is exhaustive over the steps.
func (s *State) screen() Screen {
	switch s.step {
	case StepTop:
		return s.menu()
	case StepRecovered:
		return Recovered{Kind: "recovered", Step: s.step, Items: s.found}
	case StepIssueKind:
		return s.issuers()
	case StepIssueTerms:
		return s.issueTerms()
	case StepIssueCard, StepIssueName, StepIssuePhone, StepIssueCode, StepIssuePassword,
		StepApplyID, StepApplyCode, StepApplyPhone, StepManagePhone, StepManagePassword:
		return s.entry()
	case StepIssueBirth:
		return s.birthView()
	case StepGuardian:
		return Consent{Kind: "consent", Step: s.step, Ticked: s.v.guardian}
	case StepIssued:
		return s.issuedView()
	case StepCard, StepReading:
		return s.cardView()
	case StepPIN:
		return s.pinView()
	case StepLastTry:
		return LastTry{Kind: "last_try", Step: s.step, Purpose: s.v.procedure}
	case StepReserved:
		return s.reservedView()
	case StepSearch:
		return s.searchView()
	case StepService:
		return s.serviceView()
	case StepApplyTerms:
		return s.applyTerms()
	case StepCheck:
		return s.checkView()
	case StepApplied:
		return s.appliedView()
	case StepManage:
		return s.manageView()
	case StepTrouble:
		return s.troubleView()
	case StepGoodbye:
		return Goodbye{Kind: "goodbye", Step: s.step, Reason: s.leaving, Slip: s.slipTaken}
	}
	return s.menu()
}

func (s *State) menu() Menu {
	m := Menu{Kind: "menu", Step: StepTop, Choices: []MenuChoice{}}
	for _, p := range Plans() {
		ok, because := s.offer(p)
		m.Choices = append(m.Choices, MenuChoice{Plan: p, Available: ok, Because: because})
	}
	return m
}

func (s *State) troubleView() Trouble {
	tr := s.v.trouble
	left := time.Duration(0)
	if tr.wait > 0 {
		left = max(0, s.entered.Add(tr.wait).Sub(s.now))
	}
	return Trouble{
		Kind: "trouble", Step: s.step, Code: tr.code, Retry: tr.retryTo != "", Other: tr.other,
		Wait: int((left + time.Second - 1) / time.Second), Kept: tr.kept && tr.retryTo != "",
	}
}

func (s *State) overlayView() *Overlay {
	if s.overlay == OverlayNone {
		return nil
	}
	o := &Overlay{Kind: s.overlay}
	if s.overlay == OverlayLanguage {
		o.Langs = s.set.Langs
	}
	return o
}

func (s *State) busy() *Busy {
	var (
		with  BusyWith
		since time.Time
		limit time.Duration
	)
	switch {
	case s.v == nil:
		return nil
	case s.v.pending != nil:
		with, since, limit = s.v.pending.with, s.v.pending.since, s.v.pending.limit
	case s.step == StepReserved && s.v.reserved.delivery == DeliverySending:
		with, since, limit = BusySend, s.v.reserved.until.Add(-ackWait), ackWait
	case s.step == StepApplied && s.v.applied.delivery == DeliverySending:
		with, since, limit = BusySend, s.v.applied.until.Add(-ackWait), ackWait
	default:
		return nil
	}
	return &Busy{With: with, SinceMS: ms(s.now.Sub(since)), LimitMS: ms(limit), Slow: s.passed(since.Add(SlowAfter))}
}

func (s *State) kioskView() KioskView {
	k := KioskView{
		Name: s.set.Name, Phone: s.set.Phone, Demo: s.set.Demo || s.sandbox || s.enrol == fault.NotEnrolled, Layout: s.set.Layout, Langs: s.set.Langs,
		Line: s.line, Reader: s.reader.Ready, Card: s.reader.occupied(), Printer: s.printer.Fault == "", Staff: s.staff,
		Faults: []fault.Code{},
	}
	if s.enrol != "" {
		k.Faults = append(k.Faults, s.enrol)
	}
	if s.enrolLost {
		k.Faults = append(k.Faults, fault.EnrolmentLost)
	}
	if !k.Reader {
		k.Faults = append(k.Faults, fault.ReaderGone)
	}
	if !k.Line && s.enrol != fault.NotEnrolled { // without a hub there is no line to it
		k.Faults = append(k.Faults, fault.LineDown)
	}
	switch {
	case s.set.NoPrinter:
	case !k.Printer:
		k.Faults = append(k.Faults, s.printer.Fault)
	case s.printer.Low:
		k.Faults = append(k.Faults, fault.PaperLow)
	}
	if s.storage != "" {
		k.Faults = append(k.Faults, s.storage)
	}
	return k
}

func (s *State) deadline() *Deadline {
	until := func(why DeadlineWhy, at time.Time, total time.Duration) *Deadline {
		return &Deadline{Why: why, LeftMS: max(0, ms(at.Sub(s.now))), TotalMS: ms(total)}
	}
	switch {
	case s.overlay == OverlayIdle:
		return until(DeadlineIdle, s.touched.Add(s.idleWarn()+s.set.IdleCount), s.set.IdleCount)
	case s.step == StepGoodbye:
		return until(DeadlineGoodbye, s.goodbyeEnd(), goodbyeFor)
	case s.step == StepIssueCode:
		return until(DeadlineCode, s.v.issue.expires, 0)
	}
	return nil
}

func (s *State) navBack() bool {
	switch {
	case s.v == nil:
		return false
	case s.v.pending != nil:
		return s.mayAbandon()
	case s.step == StepLastTry:
		return true
	}
	return s.mayGoBack()
}

// navNext reports whether the primary button may be pressed. A field that is
// not complete keeps it dark.
func (s *State) navNext() bool {
	if s.v == nil {
		return s.step == StepRecovered || s.step == StepGoodbye
	}
	v := s.v
	if v.pending != nil {
		return false
	}
	switch s.step {
	case StepIssueTerms, StepApplyTerms, StepGuardian:
		return s.boxTicked()
	case StepIssueCard, StepIssueName, StepIssuePhone, StepIssueCode, StepIssuePassword,
		StepApplyID, StepApplyCode, StepApplyPhone, StepManagePhone, StepManagePassword:
		return s.entry().Complete
	case StepIssueBirth:
		return len(v.issue.birth) == birthLen(v.issue.era)
	case StepPIN:
		return v.card.pin.Len() == pinLen
	case StepIssued, StepLastTry, StepService, StepManage, StepCheck:
		return true
	case StepReserved:
		return v.reserved.delivery != DeliverySending
	case StepApplied:
		return v.applied.delivery != DeliverySending
	case StepTrouble:
		return v.trouble.retryTo != "" && s.passed(s.entered.Add(v.trouble.wait))
	case StepTop, StepRecovered, StepIssueKind, StepCard, StepReading, StepSearch, StepGoodbye:
	}
	return false
}

func (s *State) boxTicked() bool {
	switch s.step {
	case StepIssueTerms:
		return s.v.issue.terms.ticked
	case StepApplyTerms:
		return s.v.apply.terms.ticked
	default:
	}
	return s.v.guardian
}

func ms(d time.Duration) int64 { return d.Milliseconds() }
