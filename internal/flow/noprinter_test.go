package flow

import (
	"slices"
	"testing"

	"kioskd/internal/fault"
)

// A kiosk without a printer, by configuration, has no fault for that: neither screen nor
// lights call anybody. The menu says that there will be no slip, and the result that the
// number is to be written down.
func TestAKioskWithoutAPrinter(t *testing.T) {
	for _, none := range []bool{true, false} {
		w := newWorld(t)
		w.s.set.NoPrinter = none
		w.do(PrinterIs{Fault: fault.PrinterGone})
		if got := slices.Contains(w.view().Kiosk.Faults, fault.PrinterGone); got == none || w.view().Kiosk.Printer {
			t.Errorf("none %v: faults %v", none, w.view().Kiosk.Faults)
		}
		if got := SignalOf(w.s) == SignalStaffWanted; got == none {
			t.Errorf("none %v: the lights say %s", none, SignalOf(w.s))
		}
		for _, c := range w.view().Screen.(Menu).Choices {
			want := c.Plan != PlanManage
			if slices.Contains(c.Because, fault.PrinterGone) != want || !c.Available {
				t.Errorf("none %v: %s because %v", none, c.Plan, c.Because)
			}
		}
		w.issue(PlanIssue).store("rec")
		w.do(SlipEnded{Ticket: pop[Print](w).Ticket, Outcome: SlipNot, Fault: fault.PrinterGone})
		if st := w.s.v.issue.slip; st.outcome != SlipNot || (st.because == "") != none || w.s.mayPrintAgain(st) {
			t.Errorf("none %v: the slip is %+v", none, st)
		}
		if got := SignalOf(w.s); got != SignalLookAtScreen { // there is something to write down
			t.Errorf("none %v: at the result the lights say %s", none, got)
		}
	}
}
