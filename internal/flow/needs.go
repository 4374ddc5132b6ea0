package flow

import "kioskd/internal/fault"

// need says how much a plan depends on a device.
type need uint8

const (
	notNeeded need = iota
	optional       // the visit goes on without it and says so
	required       // without it the plan is not offered
)

// needs is the one table of which plan needs which device.
var needs = map[Plan]struct{ reader, line, printer, storage need }{ //nolint:gochecknoglobals // a table that never changes
	PlanFull:    {reader: required, line: required, printer: optional, storage: required},
	PlanIssue:   {reader: optional, line: required, printer: optional, storage: required},
	PlanReserve: {reader: required, line: optional, printer: optional, storage: required},
	PlanApply:   {reader: required, line: optional, printer: optional, storage: required},
	PlanManage:  {reader: notNeeded, line: required, printer: notNeeded, storage: notNeeded},
}

// Plans lists the plans in the order of the top screen.
func Plans() []Plan { return []Plan{PlanFull, PlanIssue, PlanReserve, PlanApply, PlanManage} }

// procedures of a plan, in order.
func (p Plan) procedures() []Procedure {
	switch p {
	case PlanFull:
		return []Procedure{Issue, Reserve, Apply}
	case PlanIssue:
		return []Procedure{Issue}
	case PlanReserve:
		return []Procedure{Reserve}
	case PlanReserveApply:
		return []Procedure{Reserve, Apply}
	case PlanApply:
		return []Procedure{Apply}
	case PlanManage:
		return []Procedure{Manage}
	}
	return nil
}

// offer says whether plan p can be started now, and what is missing for it.
func (s *State) offer(p Plan) (available bool, because []fault.Code) {
	if s.enrol != "" { // whatever else is missing: nothing real can be begun here
		return false, []fault.Code{s.enrol}
	}
	available = true
	because = []fault.Code{}
	n := needs[p]
	miss := func(is bool, how need, code fault.Code) {
		if is || how == notNeeded {
			return
		}
		because = append(because, code)
		if how == required {
			available = false
		}
	}
	miss(s.reader.Ready, n.reader, fault.ReaderGone)
	miss(s.line, n.line, fault.LineDown)
	miss(s.printer.Fault == "", n.printer, s.printer.Fault)
	// Room is held back for a visit that is under way, so that it can go on.
	miss(s.storage == "" || s.v != nil, n.storage, s.storage)
	return available, because
}
