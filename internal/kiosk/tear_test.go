package kiosk

import (
	"context"
	"fmt"
	"testing"

	"kioskd/internal/flow"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/underrace"
)

// The card is torn away at every single command of a reservation, before and
// after the card has carried it out; with the right PIN and after a wrong one; a
// plastic card and phones. Each time it is put back, and the visit goes on where
// it was: the PIN is asked for again only if it was wrong, a try is gone only if
// the card has compared a wrong PIN, and one reservation stands in the outbox.
func TestTearAtEveryCommand(t *testing.T) {
	for _, persona := range []string{"taro", "long", "phone", "iphone"} {
		for _, pins := range [][]string{{"1234"}, {"9999", "1234"}} {
			whole := tornVisit(t, persona, pins, -1, false)
			if whole.commands < 14 {
				t.Fatalf("%s: only %d commands", persona, whole.commands)
			}
			for at := 0; at < whole.commands; at += underrace.Stride(10) {
				for _, after := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%d pins/at %d/after %t", persona, len(pins), at, after), func(t *testing.T) {
						got := tornVisit(t, persona, pins, at, after)
						most := whole.asked
						if persona == "phone" || persona == "iphone" {
							most++ // nobody can tell whether it is the same phone: its certificate is behind the PIN
						}
						if got.asked < whole.asked || got.asked > most {
							t.Errorf("the PIN was asked for %d times, without a tear %d times", got.asked, whole.asked)
						}
						// Once more only where the right PIN was compared and its answer, or
						// what came of it, was lost.
						if most := whole.compared + 1; got.compared > most || got.wrong > len(pins)-1 {
							t.Errorf("the card compared %d PINs (%d wrong), at most %d (%d) were due", got.compared, got.wrong, most, len(pins)-1)
						}
					})
				}
			}
		}
	}
}

type tornResult struct {
	commands int // that the card was sent
	asked    int // how often the PIN was typed
	compared int // PINs, by the card
	wrong    int // of them
}

// tornVisit makes a reservation with the card torn away once. Whoever is asked for
// the card puts it (back).
func tornVisit(t *testing.T, persona string, pins []string, at int, after bool) (got tornResult) {
	t.Helper()
	inWorld(t, func(w *world) {
		if after {
			w.reader.TearAfter(at)
		} else {
			w.reader.TearAt(at)
		}
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.reader.ClearLog()
		for range 12 {
			switch s := w.look(); s.Screen.Step {
			case string(flow.StepCard):
				if w.reader.Persona() != "" {
					t.Fatalf("the card lies there and is asked for: %+v", s)
				}
				w.put(persona)
			case string(flow.StepPIN):
				if w.reader.Persona() == "" { // torn away while the screen was read
					w.put(persona)
					continue
				}
				w.keys(pins[min(got.asked, len(pins)-1)])
				got.asked++
				w.touch(flow.Next{})
			case string(flow.StepReserved):
				list, err := w.outbox.List(context.Background())
				if err != nil || len(list) != 1 {
					t.Fatalf("%d submissions, %v", len(list), err)
				}
				card, _ := w.reader.Card(persona).(*cardtest.JPKI)
				got.commands, got.compared, got.wrong = len(w.reader.Log()), card.Verifications(), card.Misses()
				if card.TriesLeft() != 3 || card.Strayed() {
					t.Errorf("%d tries left, strayed %t", card.TriesLeft(), card.Strayed())
				}
				return
			default:
				t.Fatalf("stands at %s (%s)", s.Screen.Step, s.Screen.Code)
			}
		}
		t.Fatal("comes to no end")
	})
	return got
}
