package flow

import (
	"testing"

	"kioskd/internal/fault"
)

// Cards of both kinds at once, or in the wrong order, on one reader or on two.
func TestBothKindsOfCard(t *testing.T) {
	problem := func(w *world) fault.Code { return w.view().Screen.(CardView).Problem }
	t.Run("the payment card is left on the one reader", func(t *testing.T) {
		w := newWorld(t).do(ReaderIs{Ready: true, WAON: true, FeliCa: 1}, Start{Plan: PlanReserve}).at(StepCard)
		if problem(w) != fault.CardWrongKind {
			t.Errorf("%q is said", problem(w))
		}
		w.do(ReaderIs{Ready: true, WAON: true}).putCard(2, 3).at(StepPIN)
	})
	t.Run("the payment card is left on a reader of its own", func(t *testing.T) {
		left := ReaderIs{Ready: true, WAON: true, FeliCa: 1, Apart: true}
		w := newWorld(t).do(left, Start{Plan: PlanReserve}).at(StepCard)
		if problem(w) != "" {
			t.Errorf("%q is said of a card that is in nobody's way", problem(w))
		}
		left.ISO = 2
		w.do(left)
		w.seen(3).at(StepPIN)
	})
	t.Run("the payment card is laid where the My Number card is asked for", func(t *testing.T) {
		w := newWorld(t).do(Start{Plan: PlanReserve}).at(StepCard)
		w.do(ReaderIs{Ready: true, WAON: true, FeliCa: 1, Apart: true})
		if problem(w) != fault.CardWrongKind {
			t.Errorf("%q is said", problem(w))
		}
	})
	t.Run("the My Number card lies there already when the payment card is tapped", func(t *testing.T) {
		w := newWorld(t).do(ReaderIs{Ready: true, WAON: true, ISO: 1}, Start{Plan: PlanFull})
		w.seen(3).do(Pick{ID: "aeon-card-waon"}).readTerms().at(StepIssueCard)
		w.do(ReaderIs{Ready: true, WAON: true, ISO: 1, FeliCa: 2, Apart: true})
		if w.problem().Code != "" {
			t.Errorf("problem %+v", w.problem())
		}
		e := pop[ReadWAON](w)
		if e.Card != 2 {
			t.Errorf("card %d is read", e.Card)
		}
		w.do(WAONSeen{Ticket: e.Ticket, Number: markID}).at(StepIssueName)
	})
	t.Run("no reader for payment cards: the tap is not offered", func(t *testing.T) {
		w := newWorld(t).do(ReaderIs{Ready: true}, Start{Plan: PlanFull}, Pick{ID: "aeon-card-waon"}).readTerms().at(StepIssueCard)
		if w.view().Screen.(Entry).Tap {
			t.Error("a tap is offered that nothing can read")
		}
	})
	t.Run("only a reader for payment cards: what needs the My Number card is not offered", func(t *testing.T) {
		w := newWorld(t).do(ReaderIs{WAON: true})
		for _, p := range []Plan{PlanFull, PlanReserve, PlanApply} {
			if ok, because := w.s.offer(p); ok || because[0] != fault.ReaderGone {
				t.Errorf("%s: %t, %v", p, ok, because)
			}
		}
	})
}
