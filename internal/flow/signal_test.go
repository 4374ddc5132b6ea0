package flow

import (
	"testing"

	"kioskd/internal/fault"
)

func TestSignals(t *testing.T) {
	slip := func(w *world, o SlipOutcome, c fault.Code) *world {
		return w.do(SlipEnded{Ticket: pop[Print](w).Ticket, Outcome: o, Fault: c})
	}
	tests := map[string]struct {
		w    *world
		want Signal
	}{
		"idle":                        {newWorld(t), SignalIdle},
		"idle, no paper":              {newWorld(t).do(PrinterIs{Fault: fault.PaperOut}), SignalStaffWanted},
		"idle, hot head":              {newWorld(t).do(PrinterIs{Fault: fault.HeadHot}), SignalIdle},
		"idle, roll ends soon":        {newWorld(t).do(PrinterIs{Low: true}), SignalIdle},
		"staff called":                {newWorld(t).do(CallStaff{On: true}), SignalStaffWanted},
		"waits for the card":          {newWorld(t).do(Start{Plan: PlanReserve}), SignalPutCard},
		"issued, slip prints":         {newWorld(t).issue(PlanIssue).store("rec"), SignalWorking},
		"issued, slip came out":       {slip(newWorld(t).issue(PlanIssue).store("rec"), SlipPrinted, ""), SignalDone},
		"issued, slip unconfirmed":    {slip(newWorld(t).issue(PlanIssue).store("rec"), SlipUnconfirmed, ""), SignalDone},
		"issued, slip did not come":   {slip(newWorld(t).issue(PlanIssue).store("rec"), SlipNot, fault.PaperOut), SignalLookAtScreen},
		"issued, nobody knows of it":  {slip(newWorld(t).issue(PlanIssue).store("rec"), SlipUnknown, fault.SlipUnknown), SignalLookAtScreen},
		"reader and line away":        {newWorld(t).do(ReaderIs{}, LineIs{}), SignalOutOfService},
		"reader, line, printer away":  {newWorld(t).do(ReaderIs{}, LineIs{}, PrinterIs{Fault: fault.PrinterGone}), SignalOutOfService},
		"left in the middle":          {newWorld(t).do(Start{Plan: PlanManage}).keys("090").do(GoHome{}).at(StepGoodbye), SignalIdle},
		"a visit that lacks no paper": {newWorld(t).do(Start{Plan: PlanManage}, PrinterIs{Fault: fault.PaperOut}), SignalIdle},
	}
	for name, tt := range tests {
		if got := SignalOf(tt.w.s); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
