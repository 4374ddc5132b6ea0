package flow

import (
	"strings"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// atCheck walks reserve and apply to the check screen, typing everything.
func atCheck(t *testing.T) *world {
	t.Helper()
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r").printed()
	return applyTyped(w.do(Next{}))
}

func TestAnEditThatIsLeftChangesNothing(t *testing.T) {
	w := atCheck(t)
	w.do(Pick{ID: "service_id"}, Clear{}).keys("99").do(Back{}).at(StepCheck)
	w.do(Next{})
	if e := pop[Sign](w); e.Document.Application.ServiceID != markID {
		t.Fatalf("signed with %q", e.Document.Application.ServiceID)
	}
	w = atCheck(t)
	w.do(Pick{ID: "code"}, Clear{}).keys("1").do(Back{}).at(StepCheck).do(Next{})
	e := pop[Sign](w)
	if string(e.Codes[0].Bytes()) != markCode {
		t.Fatal("signed with half a code")
	}
}

func TestStoringAgainDoublesNothing(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign()
	first := pop[Submit](w)
	w.wait(limitSubmit + grace).at(StepTrouble)
	if w.troubleCode() != "storage_slow" {
		t.Fatal(w.troubleCode())
	}
	w.do(Next{}).at(StepReading)
	if again := pop[Submit](w); again.ID != first.ID || first.ID == "" {
		t.Fatalf("first %q, then %q", first.ID, again.ID)
	}
}

// Whoever carries out effects brings a refused record into the outbox. The shopper has ID
// and code, and neither the slip nor the way home waits for it.
func TestARefusedRecordHoldsUpNothing(t *testing.T) {
	w := newWorld(t).issue(PlanFull)
	first := pop[Submit](w)
	w.do(GoHome{}, GoHome{}).at(StepIssued) // not before the slip is on its way
	w.do(Committed{Ticket: first.Ticket, Fault: fault.StorageFailed})
	w.printed()
	w.do(GoHome{}, GoHome{}).at(StepGoodbye)
	if has[Submit](w) {
		t.Fatal("it is submitted twice")
	}
}

func TestStaffEndAfterTheOutboxHasSpoken(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign()
	w.do(StaffEnds{}).at(StepReading).store("r").at(StepGoodbye)
	if p := pop[Print](w); p.Submission != "r" {
		t.Fatalf("%+v", p)
	}
}

func TestNoWayBackToAnEndThatIsNone(t *testing.T) {
	w := atCheck(t).do(Next{}).sign().store("a")
	w.do(Acknowledged{ID: "a", Verdict: wire.Verdict{Code: fault.ServiceIDWrong}}).at(StepApplied)
	w.do(Another{}).at(StepApplyID).do(Back{}).at(StepCheck)

	w = atCheck(t).do(Next{}).sign().store("a")
	w.do(Acknowledged{ID: "a", Verdict: wire.Verdict{Code: fault.NotReserved}})
	w.do(Another{}).at(StepPIN).do(Back{}).at(StepCheck)
}

func TestASlowInquiryCanBeGivenUp(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanApply}).putCard(1, 3).keys(markPIN).do(Next{}).sign().at(StepReading)
	w.do(Back{}).at(StepReading)
	w.wait(SlowAfter).do(Back{}).at(StepSearch)
}

func TestOneVisitIsOnePersonWithPhonesToo(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}, ReaderIs{Ready: true, WAON: true, ISO: 1})
	phone := func(card uint64, holder string) Sign {
		e := pop[Inspect](w)
		w.do(CardSeen{Ticket: e.Ticket, Card: card, TriesLeft: 3}).at(StepPIN).keys(markPIN).do(Next{})
		s := pop[Sign](w)
		s.PIN.Wipe()
		w.do(DocumentSigned{Ticket: s.Ticket, Verified: true, Holder: holder, ID: "x", Signed: wire.Signed{Document: []byte(`{}`)}})
		return s
	}
	phone(1, "A")
	w.store("r").ack("r").printed()
	applyTyped(w.do(Next{})).lift().do(Next{}).at(StepCard).do(ReaderIs{Ready: true, WAON: true, ISO: 2})
	if s := phone(2, "B"); s.Holder != "A" {
		t.Fatalf("signed for %q", s.Holder)
	}
	w.at(StepCard)
	if w.s.v.card.problem != fault.CardChanged || has[Submit](w) {
		t.Fatalf("problem %q", w.s.v.card.problem)
	}
}

func TestACardThatLiesThereIsUsed(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}, Another{}).at(StepGuardian).putCard(1, 3)
	w.do(Box{On: true}, Next{}).at(StepPIN)

	w.keys(markPIN).do(Next{})
	e := pop[Sign](w)
	w.do(DocumentSigned{Ticket: e.Ticket, Fault: fault.CardRefused, Verified: true}).at(StepTrouble)
	if has[Inspect](w) {
		w.seen(3)
	}
	w.do(Next{}).at(StepReading)
}

func TestALostResendIsNoLastResend(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms()
	w.keys(markID).do(Next{}).keys(markName).do(Next{}).keys("250203").do(Next{}).keys(markPhone).do(Next{})
	w.sent().wait(30 * time.Second).do(Resend{})
	e := pop[SendCode](w)
	w.do(CodeSent{Ticket: e.Ticket, Problem: Problem{Code: fault.OTPNoResend, RetryAfter: 20 * time.Second}}).at(StepIssueCode)
	if r := w.view().Screen.(Entry).Resend; w.problem().Code != "otp_wait" || r.Left == 0 || r.InMS != 20000 {
		t.Fatalf("%+v %+v", w.problem(), r)
	}
	w.wait(20 * time.Second).do(Resend{})
	pop[SendCode](w)
}

func TestTriesOfAnotherCardAreNoWrongPIN(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{})
	e := pop[Sign](w)
	w.do(DocumentSigned{Ticket: e.Ticket, Fault: fault.PINUncertain}).lift()
	w.do(ReaderIs{Ready: true, WAON: true, ISO: 2})
	i := pop[Inspect](w)
	w.do(CardSeen{Ticket: i.Ticket, Card: 2, Holder: "someone-else", TriesLeft: 2}).at(StepPIN)
	if w.problem().Code != "" {
		t.Fatalf("%+v", w.problem())
	}
}

func TestAWrongPINWithoutACounterIsCounted(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{})
	e := pop[Sign](w)
	w.do(DocumentSigned{Ticket: e.Ticket, Fault: fault.PINWrong, TriesLeft: -1}).at(StepCard).seen(2).at(StepPIN)
	if v := w.view().Screen.(PINView); v.TriesLeft != 2 || v.Problem == nil || *v.Problem != (EntryProblem{"pin_wrong", 2}) {
		t.Fatalf("%+v", v)
	}
}

func TestAFlappingCardKeepsNoVisitOpen(t *testing.T) {
	w := newWorld(t).issue(PlanIssue).store("rec").printed()
	for n := range uint64(200) {
		w.do(ReaderIs{Ready: true, WAON: true, FeliCa: n + 1}).lift().wait(20 * time.Second)
		if w.s.step == StepTop {
			return
		}
	}
	t.Fatalf("still at %s", w.s.step)
}

func TestADeafDriverIsGivenUp(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}, ReaderIs{Ready: true, WAON: true, ISO: 1})
	pop[Inspect](w)
	w.wait(limitInspect + grace).at(StepCard)
	if v := w.view().Screen.(CardView); v.Problem != fault.CardMute {
		t.Fatalf("%+v", v)
	}
}

func TestGoodbyeTellsOfASlipOnlyWhereThereIsOne(t *testing.T) {
	slip := func(w *world) bool { return w.at(StepGoodbye).view().Screen.(Goodbye).Slip }
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r")
	e := pop[Print](w)
	w.do(SlipEnded{Ticket: e.Ticket, Outcome: SlipNot, Fault: fault.PaperOut}, Another{})
	if slip(w) {
		t.Error("a slip that was not printed")
	}
	w = newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r").printed().do(Another{})
	if !slip(w) {
		t.Error("a slip that was printed is not told of")
	}
}

func TestWipeZeroesWhatTheCardSigned(t *testing.T) {
	w := atCheck(t).do(Next{})
	e := pop[Sign](w)
	doc := []byte(`{"codes":["` + markCode + `"]}`)
	w.do(DocumentSigned{Ticket: e.Ticket, Verified: true, Holder: markHolder, ID: "a", Signed: wire.Signed{Document: doc}})
	s := pop[Submit](w)
	w.do(Committed{Ticket: s.Ticket, ID: "a", Number: "N"})
	if strings.Contains(string(doc), markCode) {
		t.Error("the codes stay in memory after the document was stored")
	}
}

// Half of what was typed anew is none of it: what stands on the check screen is whole.
func TestHalfAnEditIsUndone(t *testing.T) {
	whole := func(w *world) {
		t.Helper()
		w.at(StepCheck)
		for _, row := range w.view().Screen.(Check).Rows {
			if row.Key == "service_id" && row.Value != markID || row.Key == "code" && row.Masked != len(markCode) {
				t.Errorf("%+v", row)
			}
		}
	}
	refused := func() *world {
		w := atCheck(t).do(Next{}).sign().store("a")
		return w.do(Acknowledged{ID: "a", Verdict: wire.Verdict{Code: fault.ServiceIDWrong}}, Another{}).at(StepApplyID)
	}
	whole(refused().do(Clear{}).keys("99").do(Back{}))
	whole(refused().do(Next{}).at(StepApplyCode).do(Clear{}).keys("1").do(Back{}).at(StepApplyID).do(Back{}))
	whole(atCheck(t).do(Pick{ID: "code"}).at(StepApplyCode).do(Clear{}).keys("1").do(Back{}))
	whole(atCheck(t).do(Pick{ID: "service"}).at(StepSearch).do(Pick{ID: "aeon-card-waon"}).at(StepService).do(Back{}).at(StepSearch).do(Back{}))

	carried := atCheck(t)
	carried.s.v.apply.carried = true // as after an issuance in this visit
	whole(carried.do(Pick{ID: "service"}, Pick{ID: "aeon-card-waon"}).at(StepService).do(Back{}, Back{}))
	if !carried.s.v.apply.carried {
		t.Error("what was issued can be edited")
	}

	// All of it was typed anew: now that stands there, and Back leads to its fields.
	w := refused().do(Next{}).at(StepApplyCode).do(Clear{}).keys(markCode).do(Next{}).at(StepCheck)
	whole(w)
	w.do(Back{}).at(StepApplyCode).do(Back{}).at(StepApplyID).do(Back{})
	if w.s.step == StepCheck {
		t.Error("the fields lead back beyond themselves")
	}
}

func TestTheCheckScreenLeadsToWhatIsMissing(t *testing.T) {
	w := atCheck(t)
	w.s.v.apply.codes[0].Erase() // as issued by a hub that knows another catalogue
	if !w.view().Nav.Next {
		t.Fatal("dark, and no word why")
	}
	w.do(Next{}).at(StepApplyCode)
	if has[Sign](w) || w.problem().Code == "" {
		t.Fatalf("%+v", w.problem())
	}
	w.do(Clear{}).keys(markCode).do(Next{}).at(StepCheck).do(Next{}).at(StepReading)
}
