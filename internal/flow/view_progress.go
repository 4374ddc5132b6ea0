package flow

import "slices"

// mainLine is the row of questions of each procedure that the progress line
// counts. Steps that only some shoppers meet count as the one before them.
var mainLine = map[Procedure][]StepName{ //nolint:gochecknoglobals // a table that never changes
	Issue: {StepIssueKind, StepIssueTerms, StepIssueCard, StepIssueName, StepIssueBirth, StepIssuePhone,
		StepIssueCode, StepIssuePassword, StepIssued},
	Reserve: {StepCard, StepPIN, StepReserved},
	Apply:   {StepSearch, StepService, StepApplyTerms, StepApplyID, StepApplyCode, StepApplyPhone, StepCheck, StepApplied},
	Manage:  {StepManagePhone, StepManagePassword, StepManage},
}

// mainLine is the row of the present procedure as this visit walks it.
func (s *State) mainLine() []StepName {
	row := slices.Clone(mainLine[s.v.procedure])
	if s.v.procedure != Apply {
		return row
	}
	drop := func(names ...StepName) {
		row = slices.DeleteFunc(row, func(n StepName) bool { return slices.Contains(names, n) })
	}
	if svc, ok := s.service(); ok && !svc.PhoneLast4 {
		drop(StepApplyPhone)
	}
	if s.v.apply.carried {
		drop(StepSearch, StepApplyID, StepApplyCode, StepApplyPhone)
	}
	if s.v.plan == PlanApply {
		row = append([]StepName{StepCard, StepPIN}, row...)
	}
	return row
}

func (s *State) progress() *Progress {
	if s.v == nil {
		return nil
	}
	row := s.mainLine()
	at := slices.Index(row, s.standsAt())
	if at < 0 {
		at = 0
		// A step beside the line counts as the last one that was on it.
		for _, passed := range slices.Backward(s.v.trail) {
			if k := slices.Index(row, passed); k >= 0 {
				at = k
				break
			}
		}
	}
	return &Progress{Procedures: s.v.plan.procedures(), Procedure: s.v.procedure, At: at + 1, Of: len(row)}
}

// standsAt is the step of the line that the present one belongs to.
func (s *State) standsAt() StepName {
	switch s.step {
	case StepLastTry:
		return s.signStep(StepPIN)
	case StepReading:
		return s.signStep(StepPIN)
	case StepCard, StepPIN:
		return s.signStep(s.step)
	case StepGuardian:
		if s.v.procedure == Issue {
			return StepIssueBirth
		}
		return StepCard
	case StepTrouble:
		return s.v.trouble.retryTo
	default:
	}
	return s.step
}

// signStep: when an application is signed, card and PIN belong to the check.
func (s *State) signStep(step StepName) StepName {
	if s.v.card.purpose == forApply {
		return StepCheck
	}
	return step
}
