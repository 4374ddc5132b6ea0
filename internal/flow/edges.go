package flow

import "slices"

// edge is one way forward. Back (along the trail), Home and the idle end lead
// from every step of a visit and are not listed.
type edge struct {
	to    StepName
	label string
}

// edges is the one table of ways forward: no other move is possible, and
// docs/STATES.md is drawn from it.
var edges = map[StepName][]edge{ //nolint:gochecknoglobals // a table that never changes
	StepTop: {
		{StepIssueKind, "start full / issue"},
		{StepCard, "start reserve / apply"},
		{StepManagePhone, "start manage"},
		{StepRecovered, "found after a restart"},
	},
	StepRecovered: {},

	StepIssueKind:     {{StepIssueTerms, "pick"}},
	StepIssueTerms:    {{StepIssueCard, "read and ticked"}},
	StepIssueCard:     {{StepIssueName, "typed or tapped"}},
	StepIssueName:     {{StepIssueBirth, "typed"}},
	StepIssueBirth:    {{StepIssuePhone, "typed"}, {StepGuardian, "under 15"}},
	StepGuardian:      {{StepIssuePhone, "guardian confirms, issue"}, {StepCard, "guardian confirms, reserve / apply"}},
	StepIssuePhone:    {{StepIssueCode, "message sent"}, {StepIssuePassword, "code was right before"}, {StepTrouble, "fault"}},
	StepIssueCode:     {{StepIssuePassword, "code right"}, {StepTrouble, "fault"}},
	StepIssuePassword: {{StepIssued, "issued"}, {StepTrouble, "fault"}},
	StepIssued:        {{StepCard, "go on to reserve"}, {StepPIN, "card lies there"}, {StepTrouble, "PIN blocked"}},

	StepCard: {
		{StepPIN, "card identified"},
		{StepReading, "PIN of this visit is still good"},
		{StepLastTry, "one try left"},
		{StepTrouble, "card cannot be used"},
		{StepGuardian, "a guardian acts for a child"},
	},
	StepPIN: {
		{StepReading, "four digits"},
		{StepLastTry, "one try left"},
		{StepCard, "card taken away"},
		{StepTrouble, "PIN blocked"},
	},
	StepLastTry: {{StepReading, "yes, use the last try"}, {StepPIN, "no"}, {StepCard, "card taken away"}, {StepTrouble, "PIN blocked meanwhile"}},
	StepReading: {
		{StepReserved, "reservation stored"},
		{StepApplied, "application stored"},
		{StepSearch, "reserved earlier, or not known"},
		{StepPIN, "PIN wrong"},
		{StepLastTry, "one try left"},
		{StepCard, "card taken away"},
		{StepTrouble, "fault"},
	},

	StepReserved: {
		{StepService, "go on, service known from issue"},
		{StepSearch, "go on to apply"},
		{StepCheck, "back to an application that lacked the reservation"},
	},

	StepSearch:     {{StepService, "pick"}},
	StepService:    {{StepApplyTerms, "next"}, {StepSearch, "another service"}},
	StepApplyTerms: {{StepApplyID, "read and ticked"}, {StepCheck, "all carried from issue"}},
	StepApplyID:    {{StepApplyCode, "typed or tapped"}, {StepCheck, "edited"}},
	StepApplyCode:  {{StepApplyCode, "next code"}, {StepApplyPhone, "typed"}, {StepCheck, "typed, or edited"}},
	StepApplyPhone: {{StepCheck, "typed"}},
	StepCheck: {
		{StepReading, "apply: PIN of this visit is still good"},
		{StepPIN, "apply"},
		{StepCard, "apply, no card there"},
		{StepLastTry, "apply, one try left"},
		{StepTrouble, "PIN blocked"},
		{StepApplyID, "edit"},
		{StepApplyCode, "edit"},
		{StepApplyPhone, "edit"},
		{StepSearch, "edit the service"},
	},
	StepApplied: {
		{StepApplyID, "refused: ID or code wrong"},
		{StepCard, "refused: reserve first"},
		{StepPIN, "refused: reserve first, card lies there"},
		{StepTrouble, "refused: reserve first, PIN blocked"},
	},

	StepManagePhone:    {{StepManagePassword, "typed"}},
	StepManagePassword: {{StepManage, "logged in"}, {StepTrouble, "fault"}},
	StepManage:         {},

	StepTrouble: {
		{StepIssuePhone, "again"},
		{StepIssueCode, "again"},
		{StepIssueCard, "correct the details"},
		{StepIssuePassword, "again"},
		{StepCard, "again"},
		{StepReading, "again, or reserve now"},
		{StepLastTry, "reserve now, one try left"},
		{StepPIN, "reserve now"},
		{StepManagePhone, "to the management page"},
		{StepManagePassword, "again"},
		{StepTrouble, "reserve now, PIN blocked"},
	},
	StepGoodbye: {{StepTop, "after a few seconds"}},
}

// MayFollow reports whether to can follow from by going forward.
func MayFollow(from, to StepName) bool {
	return slices.ContainsFunc(edges[from], func(e edge) bool { return e.to == to })
}
