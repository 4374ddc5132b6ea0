package flow

import (
	"slices"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

func allPlans() map[Plan]bool {
	all := map[Plan]bool{}
	for _, p := range Plans() {
		all[p] = true
	}
	return all
}

// A kiosk that no hub knows says so and nothing else: not that the line is down, for
// there is none; and it counts as a demo, whatever hardware it has.
func TestWhyAKioskIsClosed(t *testing.T) {
	for _, tc := range []struct {
		code    fault.Code
		sandbox bool
		demo    bool
		faults  []fault.Code
	}{
		{"", false, false, []fault.Code{fault.LineDown}},
		{"", true, true, []fault.Code{fault.LineDown}},
		{fault.NotEnrolled, false, true, []fault.Code{fault.NotEnrolled}},
		{fault.KioskRevoked, false, false, []fault.Code{fault.KioskRevoked, fault.LineDown}},
		{fault.KioskRevoked, true, true, []fault.Code{fault.KioskRevoked, fault.LineDown}},
	} {
		w := newWorld(t).do(LineIs{}, EnrolmentIs{Fault: tc.code, Sandbox: tc.sandbox})
		v := w.view()
		if v.Kiosk.Demo != tc.demo || !slices.Equal(v.Kiosk.Faults, tc.faults) {
			t.Errorf("%q: demo %v, faults %v", tc.code, v.Kiosk.Demo, v.Kiosk.Faults)
		}
		closed := tc.code != ""
		for _, c := range v.Screen.(Menu).Choices {
			if closed && !slices.Equal(c.Because, []fault.Code{tc.code}) {
				t.Errorf("%q: %s because %v", tc.code, c.Plan, c.Because)
			}
		}
		if out := SignalOf(w.s) == SignalOutOfService; out != closed {
			t.Errorf("%q: the lights say %s", tc.code, SignalOf(w.s))
		}
		if w.putCard(1, 3); w.s.step != StepTop || len(w.out) != 0 && closed {
			t.Errorf("%q: a card is asked something: %T", tc.code, w.out)
		}
	}
}

// An enrolment whose files are gone is a fault that closes nothing.
func TestALostEnrolmentIsAFault(t *testing.T) {
	w := newWorld(t).do(EnrolmentIs{Lost: true})
	if got := w.view().Kiosk.Faults; !slices.Equal(got, []fault.Code{fault.EnrolmentLost}) {
		t.Errorf("faults %v", got)
	}
	for _, c := range w.view().Screen.(Menu).Choices {
		if !c.Available || len(c.Because) > 0 {
			t.Errorf("%s because %v", c.Plan, c.Because)
		}
	}
	if w.do(EnrolmentIs{}); len(w.view().Kiosk.Faults) > 0 {
		t.Errorf("it is there again: faults %v", w.view().Kiosk.Faults)
	}
}

// Real hardware at the hub of a demo says so, also in the middle of a visit, which
// goes on; and says no more so once it is enrolled at a real one.
func TestSandboxIsMarked(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).at(StepCard)
	for _, sandbox := range []bool{true, false} {
		if w.do(EnrolmentIs{Sandbox: sandbox}).at(StepCard); w.view().Kiosk.Demo != sandbox {
			t.Errorf("sandbox %v, and the screen says demo %v", sandbox, !sandbox)
		}
	}
}

// A visit under way is not ended by a revocation: what the card has signed is
// queued, and the slip says so; the next visit is not begun.
func TestRevokedDuringAVisit(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).at(StepCard)
	w.putCard(1, 3).at(StepPIN)
	w.do(EnrolmentIs{Fault: fault.KioskRevoked}).at(StepPIN)
	w.keys(markPIN).do(Next{}).at(StepReading)
	sign := pop[Sign](w)
	w.do(DocumentSigned{Ticket: sign.Ticket, Verified: true, Holder: markHolder, TriesLeft: 3, ID: "ID", Signed: wire.Signed{Document: []byte("d")}})
	submit := pop[Submit](w)
	w.do(Committed{Ticket: submit.Ticket, ID: submit.ID, Number: "R-1"}).at(StepReserved)
	w.wait(ackWait)
	if got := w.view().Screen.(ReservedView).Delivery; got != DeliveryQueued {
		t.Errorf("the reservation is %s", got)
	}
	slip := pop[Print](w)
	if !slip.Slip.Queued {
		t.Error("the slip does not say that it is sent later")
	}
	w.do(SlipEnded{Ticket: slip.Ticket, Outcome: SlipPrinted}, GoHome{}).at(StepGoodbye).wait(time.Minute).at(StepTop)
	if w.do(Start{Plan: PlanReserve}); w.s.step != StepTop {
		t.Error("a new visit was begun")
	}
}

// A call that the hub refuses for it is told in its own words.
func TestRevokedTellsTheShopper(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys(markPhone).do(Next{}).at(StepManagePassword)
	w.keys(markPassword).do(Next{})
	w.do(LoggedIn{Ticket: pop[LogIn](w).Ticket, Problem: Problem{Code: fault.KioskRevoked}}).at(StepTrouble)
	if code := w.view().Screen.(Trouble).Code; code != fault.KioskRevoked {
		t.Errorf("code %s", code)
	}
}
