package flow

import (
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/secret"
	"kioskd/internal/wire"
)

func TestFullVisitAsksNothingTwice(t *testing.T) {
	w := newWorld(t).issue(PlanFull)
	w.store("rec").printed()

	// The card lies there while ID and code are still on the screen.
	w.putCard(1, 3)
	w.do(Next{}).at(StepPIN)
	w.keys(markPIN).do(Next{}).at(StepReading)
	w.sign().store("res").at(StepReserved)
	w.ack("res").printed()
	if v := w.view().Screen.(ReservedView); v.Delivery != DeliveryAccepted || v.MyKeyID != markKey || !v.Onward {
		t.Fatalf("reserved: %+v", v)
	}

	w.do(Next{}).at(StepService)
	if v := w.view().Screen.(ServiceView); !v.Carried || v.Service.ID != "aeon-card-waon" {
		t.Fatalf("service: %+v", v)
	}
	w.do(Next{}).at(StepApplyTerms)
	w.readTerms().at(StepCheck)
	check := w.view().Screen.(Check)
	if !check.PINKept {
		t.Fatal("the PIN of the reservation is not used again")
	}
	w.do(Next{}).at(StepReading) // neither card nor PIN is asked for again
	app := w.out[len(w.out)-1].(Sign).Document.Application
	if app.Service != "aeon-card-waon" || app.ServiceID != markID || app.PhoneLast4 != "1234" {
		t.Fatalf("applied with %+v", app)
	}
	w.sign()
	if w.s.v.card.pin.Len() != 0 {
		t.Fatal("the PIN outlives the last signature")
	}
	w.store("app").at(StepApplied).ack("app").printed()
	if v := w.view().Screen.(AppliedView); v.Delivery != DeliveryAccepted || v.Number != "N-app" || v.Slip != SlipPrinted {
		t.Fatalf("applied: %+v", v)
	}
	w.do(Next{}).at(StepGoodbye)
	if has[EndVisit](w) == false || w.s.v != nil {
		t.Fatal("the visit was not wiped")
	}
	w.wait(goodbyeCard).at(StepTop)
}

func TestTapReplacesTyping(t *testing.T) {
	w := newWorld(t)
	w.do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms().at(StepIssueCard)
	if !w.view().Screen.(Entry).Tap {
		t.Fatal("the tap is not offered")
	}
	w.do(ReaderIs{Ready: true, WAON: true, FeliCa: 5})
	e := pop[ReadWAON](w)
	w.do(WAONSeen{Ticket: e.Ticket, Number: markID}).at(StepIssueName)

	w.do(Back{}).at(StepIssueCard)
	if got := w.view().Screen.(Entry).Text; got != markID {
		t.Fatalf("the number read is %q", got)
	}
}

func TestTapOfTheWrongCard(t *testing.T) {
	w := newWorld(t)
	w.do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms()
	w.do(ReaderIs{Ready: true, WAON: true, ISO: 5})
	if w.problem().Code != "tap_wrong_card" {
		t.Fatalf("problem %+v", w.problem())
	}
	w.lift().do(ReaderIs{Ready: true, WAON: true, FeliCa: 6})
	e := pop[ReadWAON](w)
	w.do(WAONSeen{Ticket: e.Ticket, Fault: fault.WAONUnreadable}).at(StepIssueCard)
	if w.problem().Code != "tap_unreadable" {
		t.Fatalf("problem %+v", w.problem())
	}
	w.keys(markID).do(Next{}).at(StepIssueName) // typing goes on working
}

func TestOneTimeCode(t *testing.T) {
	atCode := func(t *testing.T) *world {
		w := newWorld(t)
		w.do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms()
		w.keys(markID).do(Next{}).keys(markName).do(Next{}).keys("250203").do(Next{}).keys(markPhone).do(Next{})
		return w.sent().at(StepIssueCode)
	}
	answer := func(w *world, p Problem) {
		w.keys(markOTP)
		c := pop[CheckCode](w)
		c.Code.Wipe()
		w.do(CodeChecked{Ticket: c.Ticket, Problem: p})
	}
	for _, tc := range []struct {
		name    string
		answer  Problem
		step    StepName
		problem EntryProblem
		trouble fault.Code
	}{
		{"right", Problem{}, StepIssuePassword, EntryProblem{}, ""},
		{"wrong", Problem{Code: fault.OTPWrong, TriesLeft: 2}, StepIssueCode, EntryProblem{"otp_wrong", 2}, ""},
		{"expired", Problem{Code: fault.OTPExpired}, StepIssueCode, EntryProblem{"otp_expired", 0}, ""},
		{"exhausted", Problem{Code: fault.OTPExhausted}, StepIssueCode, EntryProblem{"otp_exhausted", 0}, ""},
		{"forgotten by the hub", Problem{Code: fault.SessionLost}, StepTrouble, EntryProblem{}, fault.SessionLost},
		{"line down", Problem{Code: fault.LineDown}, StepTrouble, EntryProblem{}, fault.LineDown},
		{"issuer down", Problem{Code: fault.IssuerDown}, StepTrouble, EntryProblem{}, fault.IssuerDown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := atCode(t)
			answer(w, tc.answer)
			w.at(tc.step)
			if w.problem() != tc.problem || w.troubleCode() != string(tc.trouble) {
				t.Fatalf("problem %+v trouble %q", w.problem(), w.troubleCode())
			}
		})
	}
	t.Run("resend after a wait", func(t *testing.T) {
		w := atCode(t)
		w.do(Resend{})
		if has[SendCode](w) {
			t.Fatal("sent again at once")
		}
		w.wait(30 * time.Second)
		if !w.view().Screen.(Entry).Resend.Allowed {
			t.Fatal("not allowed after the wait")
		}
		w.do(Resend{})
		if e := pop[SendCode](w); e.Session != "s1" {
			t.Fatalf("resend for session %q", e.Session)
		}
	})
	t.Run("expires on the screen", func(t *testing.T) {
		w := atCode(t)
		w.now = w.now.Add(299 * time.Second)
		w.do(Stay{})
		w.now = w.now.Add(2 * time.Second)
		w.keys(markOTP)
		if has[CheckCode](w) || w.problem().Code != "otp_expired" {
			t.Fatalf("an expired code was sent; problem %+v", w.problem())
		}
	})
	t.Run("back and on again sends no second message", func(t *testing.T) {
		w := atCode(t)
		w.do(Back{}).at(StepIssuePhone).do(Next{}).at(StepIssueCode)
		if has[SendCode](w) {
			t.Fatal("a second message was sent")
		}
		w.do(Back{}, Erase{}).keys("5").do(Next{})
		if e := pop[SendCode](w); e.Session != "" || e.Start.Phone != "09055501235" {
			t.Fatalf("another number: %+v", e)
		}
	})
}

func TestPIN(t *testing.T) {
	atPIN := func(t *testing.T, tries int) *world {
		w := newWorld(t)
		w.do(Start{Plan: PlanReserve}).at(StepCard)
		return w.putCard(1, tries)
	}
	fail := func(w *world, code fault.Code, left int, verified bool) {
		e := pop[Sign](w)
		e.PIN.Wipe()
		w.do(DocumentSigned{Ticket: e.Ticket, Fault: code, TriesLeft: left, Verified: verified})
	}
	t.Run("wrong, then right", func(t *testing.T) {
		w := atPIN(t, 3).at(StepPIN)
		w.keys("0000").do(Next{})
		fail(w, fault.PINWrong, 2, false)
		w.at(StepPIN)
		if v := w.view().Screen.(PINView); v.TriesLeft != 2 || v.Count != 0 || *v.Problem != (EntryProblem{"pin_wrong", 2}) {
			t.Fatalf("%+v", v)
		}
		w.keys(markPIN).do(Next{}).sign().store("r").at(StepReserved)
	})
	t.Run("the last try needs a yes", func(t *testing.T) {
		w := atPIN(t, 1).at(StepPIN)
		w.keys(markPIN).do(Next{}).at(StepLastTry)
		if has[Sign](w) {
			t.Fatal("VERIFY without a yes")
		}
		w.do(Another{}).at(StepPIN)
		w.keys(markPIN).do(Next{}).at(StepLastTry).do(Next{}).at(StepReading)
		if e := w.out[0].(Sign); e.MinTries != 1 {
			t.Fatalf("MinTries %d", e.MinTries)
		}
		fail(w, fault.PINWrong, 0, false)
		if w.at(StepTrouble).troubleCode() != "pin_blocked" {
			t.Fatal(w.troubleCode())
		}
	})
	t.Run("without a yes the card may not take the last one", func(t *testing.T) {
		w := atPIN(t, 2).keys(markPIN).do(Next{})
		if e := w.out[0].(Sign); e.MinTries != 2 {
			t.Fatalf("MinTries %d", e.MinTries)
		}
		fail(w, fault.PINTriesLow, 1, false)
		w.at(StepLastTry)
	})
	t.Run("blocked from the start", func(t *testing.T) {
		w := atPIN(t, 0).at(StepTrouble)
		if w.troubleCode() != "pin_blocked" {
			t.Fatal(w.troubleCode())
		}
		w.do(GoHome{}).at(StepGoodbye)
	})
	t.Run("three digits never reach the card", func(t *testing.T) {
		w := atPIN(t, 3).keys("739").do(Next{}).at(StepPIN)
		if has[Sign](w) || w.problem().Code != "too_short" {
			t.Fatalf("%+v", w.problem())
		}
	})
	t.Run("the answer to VERIFY was lost and the counter stands", func(t *testing.T) {
		w := atPIN(t, 3).keys(markPIN).do(Next{})
		fail(w, fault.PINUncertain, 0, false)
		w.at(StepCard).lift().putCard(2, 3).at(StepReading) // goes on by itself
		w.sign().store("r").at(StepReserved)
	})
	t.Run("the answer to VERIFY was lost and the counter fell", func(t *testing.T) {
		w := atPIN(t, 3).keys("0000").do(Next{})
		fail(w, fault.PINUncertain, 0, false)
		w.lift().putCard(2, 2).at(StepPIN)
		if w.problem() != (EntryProblem{"pin_wrong", 2}) || has[Sign](w) {
			t.Fatalf("%+v", w.problem())
		}
	})
	t.Run("lifted before VERIFY", func(t *testing.T) {
		w := atPIN(t, 3).keys(markPIN).do(Next{}).lift()
		fail(w, fault.CardLifted, 0, false)
		w.at(StepCard)
		if v := w.view().Screen.(CardView); v.Problem != fault.CardLifted {
			t.Fatalf("%+v", v)
		}
		w.putCard(2, 3).at(StepReading).sign()
	})
	t.Run("another card after the PIN asks for its PIN", func(t *testing.T) {
		w := atPIN(t, 3).keys(markPIN).lift()
		w.do(ReaderIs{Ready: true, WAON: true, ISO: 2})
		e := pop[Inspect](w)
		w.do(CardSeen{Ticket: e.Ticket, Card: 2, Holder: "someone-else", TriesLeft: 3}).at(StepPIN)
		w.do(Next{}).at(StepPIN)
		if has[Sign](w) {
			t.Fatal("a PIN was tried on another card")
		}
	})
	t.Run("a silent card is asked three times by itself, then waits for a touch", func(t *testing.T) {
		w := atPIN(t, 3).keys(markPIN).do(Next{})
		for range signAttempts - 1 {
			fail(w, fault.CardMute, 0, true)
			w.at(StepCard).seen(3)
		}
		fail(w, fault.CardMute, 0, true)
		w.at(StepTrouble).do(Next{}).at(StepCard)
	})
}

func TestWrongKindsOfCard(t *testing.T) {
	for _, code := range []fault.Code{
		fault.CardUnknown, fault.CardOld, fault.CertMissing, fault.CertExpired, fault.CertForeign, fault.CardMute, fault.CardLifted, fault.ReaderBusy,
	} {
		t.Run(string(code), func(t *testing.T) {
			w := newWorld(t).do(Start{Plan: PlanReserve}, ReaderIs{Ready: true, WAON: true, ISO: 1})
			e := pop[Inspect](w)
			w.do(CardSeen{Ticket: e.Ticket, Card: 1, Fault: code}).at(StepCard)
			if v := w.view().Screen.(CardView); v.Status != CardProblem || v.Problem != code {
				t.Fatalf("%+v", v)
			}
			if has[Inspect](w) {
				t.Fatal("the same card is asked over and over")
			}
			w.lift().putCard(2, 3).at(StepPIN)
		})
	}
	t.Run("FeliCa", func(t *testing.T) {
		w := newWorld(t).do(Start{Plan: PlanReserve}, ReaderIs{Ready: true, WAON: true, FeliCa: 1}).at(StepCard)
		if v := w.view().Screen.(CardView); v.Problem != fault.CardWrongKind {
			t.Fatalf("%+v", v)
		}
		w.lift().putCard(2, 3).at(StepPIN)
	})
	t.Run("another person in the same visit", func(t *testing.T) {
		w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r").do(Next{}).at(StepSearch)
		w.lift().do(ReaderIs{Ready: true, WAON: true, ISO: 2})
		e := pop[Inspect](w)
		w.do(CardSeen{Ticket: e.Ticket, Card: 2, Holder: "someone-else", TriesLeft: 3})
		if w.s.v.card.problem != fault.CardChanged {
			t.Fatalf("problem %q", w.s.v.card.problem)
		}
	})
}

func TestResume(t *testing.T) {
	open := func(t *testing.T) *world {
		w := newWorld(t).do(Start{Plan: PlanApply}).at(StepCard).putCard(1, 3).at(StepPIN)
		return w.keys(markPIN).do(Next{}).sign()
	}
	answer := func(w *world, p Problem, st wire.Standing) *world {
		e := pop[Inquire](w)
		return w.do(StandingIs{Ticket: e.Ticket, Problem: p, Standing: st})
	}
	t.Run("reserved", func(t *testing.T) {
		answer(open(t), Problem{}, wire.Standing{Reserved: true}).at(StepSearch)
	})
	t.Run("applied already", func(t *testing.T) {
		w := answer(open(t), Problem{}, wire.Standing{Reserved: true, Applied: true}).at(StepTrouble)
		if w.troubleCode() != "already_applied" {
			t.Fatal(w.troubleCode())
		}
		w.do(Another{}).at(StepManagePhone)
	})
	t.Run("not reserved: reserve now, PIN not asked again", func(t *testing.T) {
		w := answer(open(t), Problem{}, wire.Standing{}).at(StepTrouble)
		w.do(Another{}).at(StepReading).sign().store("r").at(StepReserved)
	})
	t.Run("hub away: taken here and checked later", func(t *testing.T) {
		answer(open(t), Problem{Code: fault.HubSlow}, wire.Standing{}).at(StepSearch)
	})
	t.Run("line down: not even asked", func(t *testing.T) {
		w := newWorld(t).do(LineIs{}, Start{Plan: PlanApply}).putCard(1, 3).keys(markPIN).do(Next{}).sign().at(StepSearch)
		if has[Inquire](w) {
			t.Fatal("asked a line that is down")
		}
	})
}

// applyTyped walks apply from the search to the check, typing everything.
func applyTyped(w *world) *world {
	w.t.Helper()
	w.at(StepSearch).keys("いおん")
	if v := w.view().Screen.(Services); v.Total == 0 || v.Query != "イオン" {
		w.t.Fatalf("search: %+v", v)
	}
	w.do(Pick{ID: "waon"}).at(StepService).do(Next{}).at(StepApplyTerms)
	w.readTerms().at(StepApplyID)
	w.keys(markID).do(Next{}).at(StepApplyCode)
	w.keys(markCode).do(Next{})
	if w.s.step == StepApplyPhone {
		w.keys("1234").do(Next{})
	}
	return w.at(StepCheck)
}

func TestApplyAfterReserve(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r").printed()
	applyTyped(w.do(Next{}))
	if m := w.leak(markCode, markPIN); m != "" {
		t.Fatalf("the check screen shows %s", m)
	}
	w.do(Pick{ID: "service_id"}).at(StepApplyID).do(Next{}).at(StepCheck) // editing comes back
	w.do(Next{})
	e := w.out[len(w.out)-1].(Sign)
	if string(e.Codes[0].Bytes()) != markCode {
		t.Fatal("the code is not in the document")
	}
	w.sign().store("a").at(StepApplied)
}

func TestQueuedWhenTheLineIsCut(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{})
	w.do(LineIs{}).sign().store("r").at(StepReserved)
	if v := w.view().Screen.(ReservedView); v.Delivery != DeliveryQueued {
		t.Fatalf("%+v", v)
	}
	if p := pop[Print](w); !p.Slip.Queued || p.Slip.Number != "N-r" {
		t.Fatalf("%+v", p)
	}
	w.ack("r")
	if v := w.view().Screen.(ReservedView); v.Delivery != DeliveryAccepted {
		t.Fatalf("%+v", v)
	}
	if has[Print](w) {
		t.Fatal("a second slip")
	}
}

func TestQueuedWhenTheHubIsSilent(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r")
	if v := w.view(); v.Nav.Next || v.Busy == nil || v.Busy.With != BusySend {
		t.Fatalf("%+v %+v", v.Nav, v.Busy)
	}
	w.wait(ackWait)
	if v := w.view().Screen.(ReservedView); v.Delivery != DeliveryQueued || !v.Onward {
		t.Fatalf("%+v", v)
	}
}

// The hub may be faster than the outbox is in telling that it has stored: what it says
// then counts as well, also where the first try to store seemed to fail.
func TestAcknowledgedBeforeCommitted(t *testing.T) {
	for name, fails := range map[string]bool{"stored": false, "stored, and not said so": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().ack("signed")
			if fails {
				w.do(Committed{Ticket: pop[Submit](w).Ticket, Fault: fault.StorageSlow}).at(StepTrouble).do(Next{})
			}
			w.store("signed").at(StepReserved)
			if v := w.view().Screen.(ReservedView); v.Delivery != DeliveryAccepted || v.MyKeyID != markKey {
				t.Errorf("reserved: %+v", v)
			}
			applyTyped(w.printed().do(Next{})).do(Next{}).sign().ack("signed").ack("another").store("signed").at(StepApplied)
			if v := w.view().Screen.(AppliedView); v.Delivery != DeliveryAccepted {
				t.Errorf("applied: %+v", v)
			}
			w.printed()
		})
	}
}

func TestRefusedApplication(t *testing.T) {
	refused := func(t *testing.T, code fault.Code) *world {
		w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign().store("r").ack("r").printed()
		applyTyped(w.do(Next{})).do(Next{}).sign().store("a")
		return w.do(Acknowledged{ID: "a", Verdict: wire.Verdict{Code: code}}).at(StepApplied)
	}
	for code, fix := range map[fault.Code]string{
		fault.AlreadyApplied: "", fault.ServiceIDWrong: "id", fault.NotReserved: "reserve", fault.DocumentRefused: "",
	} {
		t.Run(string(code), func(t *testing.T) {
			w := refused(t, code)
			v := w.view().Screen.(AppliedView)
			if v.Delivery != DeliveryRefused || v.Because != code || v.Fix != fix || v.Slip != "" {
				t.Fatalf("%+v", v)
			}
		})
	}
	t.Run("the ID is typed anew", func(t *testing.T) {
		refused(t, fault.ServiceIDWrong).do(Another{}).at(StepApplyID).do(Next{}).at(StepApplyCode).do(Next{}).at(StepCheck).do(Next{}).at(StepPIN)
	})
	t.Run("reserved, then applied again", func(t *testing.T) {
		w := refused(t, fault.NotReserved).do(Another{}).at(StepPIN)
		w.keys(markPIN).do(Next{}).sign().store("r2").ack("r2").at(StepReserved).do(Next{}).at(StepCheck)
	})
}

func TestStorageFailureKeepsTheSignature(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{}).sign()
	e := pop[Submit](w)
	w.do(Committed{Ticket: e.Ticket, Fault: fault.StorageFailed}).at(StepTrouble)
	w.do(Next{}).at(StepReading).store("r").at(StepReserved)
	if has[Sign](w) {
		t.Fatal("the card is asked to sign again")
	}
}

func TestManage(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).at(StepManagePhone).keys(markPhone).do(Next{}).at(StepManagePassword)
	w.keys(markPassword).do(Next{})
	e := pop[LogIn](w)
	if e.Phone != markPhone || string(e.Password.Bytes()) != markPassword {
		t.Fatal("logged in with something else")
	}
	e.Password.Wipe()
	w.do(LoggedIn{Ticket: e.Ticket, Problem: Problem{Code: fault.LoginWrong, TriesLeft: 4}}).at(StepManagePassword)
	if w.problem() != (EntryProblem{"login_wrong", 4}) || w.view().Screen.(Entry).Count != 0 {
		t.Fatalf("%+v", w.problem())
	}
	w.keys(markPassword).do(Next{})
	e = pop[LogIn](w)
	e.Password.Wipe()
	acc := wire.Account{Service: "aeon-card-waon", Status: wire.StatusApplied, ServiceID: markID, PointsSum: 7}
	w.do(LoggedIn{Ticket: e.Ticket, Account: acc, Codes: []Code{secret.New([]byte(markCode))}}).at(StepManage)
	if v := w.view().Screen.(ManageView); len(v.Fields) != 2 || v.Fields[1].Value != markCode || v.PointsSum != 7 {
		t.Fatalf("%+v", v)
	}
	w.s.v.manage.account.Status = wire.StatusCompleted
	if v := w.view().Screen.(ManageView); len(v.Fields) != 0 {
		t.Fatalf("ID and code are shown after completion: %+v", v)
	}
	w.do(Next{}).at(StepGoodbye)
}

func TestChildNeedsGuardian(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms()
	w.keys(markID).do(Next{}).keys(markName).do(Next{})
	w.do(SetEra{Era: EraReiwa}).keys("020401").do(Next{}).at(StepGuardian)
	w.do(Next{}).at(StepGuardian)
	w.do(Box{On: true}, Next{}).at(StepIssuePhone)

	w = newWorld(t).do(Start{Plan: PlanReserve}).at(StepCard).do(Another{}).at(StepGuardian)
	w.do(Box{On: true}, Next{}).at(StepCard).putCard(1, 3).keys(markPIN).do(Next{})
	if !w.out[0].(Sign).Document.Reservation.Guardian {
		t.Fatal("the guardian is not in the document")
	}
}

func TestSlipAgain(t *testing.T) {
	w := newWorld(t).issue(PlanIssue).store("rec")
	e := pop[Print](w)
	wipeAll(e.Slip.Codes)
	w.do(PrinterIs{Fault: fault.PaperOut}, SlipEnded{Ticket: e.Ticket, Outcome: SlipNot, Fault: fault.PaperOut})
	v := w.view().Screen.(IssuedView)
	if v.Slip != SlipNot || v.Because != fault.PaperOut || v.Again {
		t.Fatalf("%+v", v)
	}
	w.do(PrintAgain{})
	if has[Print](w) {
		t.Fatal("printed without paper")
	}
	w.do(PrinterIs{}, PrintAgain{})
	e = pop[Print](w)
	if !e.Reprint || string(e.Slip.Codes[0].Bytes()) != markCode {
		t.Fatal("the reprint carries no mark, or another code")
	}
	w.do(SlipEnded{Ticket: e.Ticket, Outcome: SlipPrinted}, PrintAgain{})
	if has[Print](w) {
		t.Fatal("a slip that came out is printed again")
	}
}

// A slip that failed while the line was down is not printed again once the hub has refused
// what it is for: it would say that it was taken.
func TestNoSlipAgainOfWhatIsRefused(t *testing.T) {
	for _, tc := range []struct {
		id    string
		again func(Screen) bool
	}{
		{"r", func(s Screen) bool { return s.(ReservedView).Again }},
		{"a", func(s Screen) bool { return s.(AppliedView).Again }},
	} {
		t.Run(tc.id, func(t *testing.T) {
			w := newWorld(t).do(Start{Plan: PlanReserve}).putCard(1, 3).keys(markPIN).do(Next{})
			if tc.id == "a" {
				w.sign().store("r").ack("r").printed()
				applyTyped(w.do(Next{})).do(Next{})
			}
			w.do(LineIs{}).sign().store(tc.id)
			e := pop[Print](w)
			w.do(SlipEnded{Ticket: e.Ticket, Outcome: SlipUnknown, Fault: fault.SlipUnknown})
			if !e.Slip.Queued || !tc.again(w.view().Screen) {
				t.Fatalf("while it is queued: %+v", w.view().Screen)
			}
			w.do(Acknowledged{ID: tc.id, Verdict: wire.Verdict{Code: fault.AlreadyApplied}})
			if tc.again(w.view().Screen) {
				t.Errorf("the slip is offered: %+v", w.view().Screen)
			}
			w.do(PrintAgain{})
			if has[Print](w) {
				t.Error("the slip is printed")
			}
		})
	}
}
