package kiosk

import (
	"context"
	"testing"
	"time"

	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// A visit is forgotten when nothing of it runs any more, and not while something
// does.
func TestAVisitIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		rounds := make(chan struct{}, 10)
		w.k.forget.do = func() { rounds <- struct{}{} }
		release := make(chan struct{})
		w.hub.lookup = func(context.Context, wire.Lookup) (wire.Account, error) {
			<-release // deaf to its context
			return wire.Account{}, context.Canceled
		}
		toPassword(w)
		w.touch(flow.Next{})
		if err := w.k.EndVisit(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.expect(flow.StepGoodbye)
		pass(5 * time.Second)
		w.look()
		if len(rounds) != 0 {
			t.Error("it was forgotten while a call ran that holds its password")
		}
		close(release)
		pass(5 * time.Second)
		w.look()
		if len(rounds) != forgetRounds {
			t.Errorf("forgotten in %d rounds, want %d", len(rounds), forgetRounds)
		}
	})
}

// The hub's answer to what waited comes when the visit is long over, and tells a MyKey ID:
// that is forgotten, too. Many that come together are forgotten together.
func TestALateAnswerIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		rounds := make(chan struct{}, 100)
		w.k.forget.do = func() { rounds <- struct{}{} }
		for range 20 {
			w.acks <- ksync.Acked{ID: wire.NewSubmissionID(), Verdict: wire.Verdict{Accepted: true, MyKeyID: "WAITED42"}}
		}
		pass(30 * time.Second)
		w.look()
		if n := len(rounds); n < forgetRounds || n > 2*forgetRounds {
			t.Errorf("forgotten in %d rounds, want %d, or twice as many", n, forgetRounds)
		}
		before := len(rounds)
		w.acks <- ksync.Acked{ID: wire.NewSubmissionID(), Verdict: wire.Verdict{Accepted: true, MyKeyID: "WAITED43"}}
		pass(5 * time.Second)
		w.look()
		if n := len(rounds) - before; n != forgetRounds {
			t.Errorf("the next one was forgotten in %d rounds, want %d", n, forgetRounds)
		}
	})
}
