package kiosk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/flow"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

// deaf is a connection that only counts how often it was closed.
type deaf struct{ closed int }

func (*deaf) Transmit(context.Context, []byte) ([]byte, error) { return nil, errors.New("deaf") }
func (*deaf) ATR() []byte                                      { return nil }
func (*deaf) Reader() string                                   { return "deaf" }
func (d *deaf) Close() error                                   { d.closed++; return nil }

// Whatever a visit keeps is closed once, and belongs to one insertion.
func TestOpenCardsAreClosed(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	var c cards
	first, second, third := &deaf{}, &deaf{}, &deaf{}
	c.keep(&openCard{number: 7, conn: first}, []byte("der"), log)
	if c.certificate(7) == nil || c.certificate(8) != nil {
		t.Error("a certificate belongs to one insertion")
	}
	if _, ok := c.take(8); ok {
		t.Error("another insertion's card was given away")
	}
	c.keep(&openCard{number: 8, conn: second}, nil, log)
	if first.closed != 1 || c.certificate(7) != nil {
		t.Error("the earlier card is still kept")
	}
	if _, ok := c.left(8); ok {
		t.Error("a card that lies there has left")
	}
	if o, ok := c.left(0); !ok {
		t.Error("a card that has left is kept")
	} else {
		o.close(log)
	}
	c.end(log)
	c.keep(&openCard{number: 9, conn: third}, []byte("late"), log) // identified after the end
	if second.closed != 1 || third.closed != 1 || c.certificate(9) != nil {
		t.Errorf("closed %d and %d times", second.closed, third.closed)
	}
}

func commands(r *cardtest.Reader) []string {
	var list []string
	for _, e := range r.Log() {
		list = append(list, e.Command)
	}
	return list
}

// The card is read while the shopper still reads or types: four commands are left
// after the last digit, and one that takes the PIN back.
func TestFourCommandsAfterThePIN(t *testing.T) {
	inWorld(t, func(w *world) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.reader.ClearLog()
		w.touch(flow.Next{})
		w.look()
		want := []string{
			"00 20 00 80", "00 20 00 80 (4 bytes)", "00 A4 02 0C 0017", "80 2A 00 80 (51 bytes) Le 256", "00 A4 04 0C A0000001510000",
		}
		if got := commands(w.reader); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// A wrong PIN leaves the card open for the next one.
func TestWrongPINKeepsTheCardOpen(t *testing.T) {
	inWorld(t, func(w *world) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("9999")
		w.touch(flow.Next{})
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.reader.ClearLog()
		w.touch(flow.Next{})
		w.look()
		if got := commands(w.reader); len(got) != 5 || got[0] != "00 20 00 80" {
			t.Errorf("%q", got)
		}
	})
}

// The card is free for the next visit as soon as the visit ends, however it ends.
func TestCardIsLetGo(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"home":   func(w *world) { w.touch(flow.GoHome{}, flow.GoHome{}) },
		"staff":  func(w *world) { _ = w.k.EndVisit(context.Background()) },
		"idle":   func(w *world) { pass(5 * time.Minute) },
		"lifted": func(w *world) { w.reader.Lift(); w.look(); w.put("taro") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.touch(flow.Start{Plan: flow.PlanReserve})
				w.put("taro")
				w.expect(flow.StepPIN)
				end(w)
				w.look()
				if name == "lifted" {
					w.expect(flow.StepPIN)
					return
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				conn, err := w.reader.Connect(ctx, w.reader.State().Cards[0].Number)
				if err != nil {
					t.Fatalf("somebody still holds the card: %v", err)
				}
				_ = conn.Close()
			})
		})
	}
}

// A reader that is reached by escape commands alone is reached by the kiosk too.
func TestEscapeReachesTheReader(t *testing.T) {
	inWorld(t, func(w *world) {
		const number = "6900123456789013"
		w.k.opt.WAON = felica.Config{Strategies: []string{"sony"}}
		w.reader.PutCard("waon", cardtest.NewWAON([8]byte{0x01, 0x14, 0xC4, 1, 2, 3, 4, 5}, 0x684F, number).Behind(cardtest.WaySonyEscape))
		w.look()
		fact := w.k.readWAON(context.Background(), flow.ReadWAON{Card: w.reader.State().Cards[0].Number})
		if seen, ok := fact.(flow.WAONSeen); !ok || seen.Number != number || seen.Fault != "" {
			t.Errorf("%+v", fact)
		}
	})
}

// The log of what is said to a card never holds what is said.
func TestTraceHoldsNoSecret(t *testing.T) {
	inWorld(t, func(w *world) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.touch(flow.Next{})
		w.look()
		log := w.log.String()
		for _, must := range []string{"00 20 00 80 (4 bytes)", "00 A4 04 0C D392F000260100000001", "(256 bytes) 9000"} {
			if !strings.Contains(log, must) {
				t.Errorf("the trace lacks %q", must)
			}
		}
		for _, never := range []string{"1234", "31323334", "31 32 33 34"} {
			if strings.Contains(log, never) {
				t.Errorf("the log holds %q", never)
			}
		}
	})
}
