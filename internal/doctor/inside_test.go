package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/pcsc"
)

// Every fault of the card group has words of its own; they come first in All.
func TestEveryCardFaultHasASentence(t *testing.T) {
	all := fault.All()
	group := all[:slices.Index(all, fault.PrinterGone)]
	if len(group) < 15 {
		t.Fatalf("only %d faults of cards", len(group))
	}
	unknown := sentenceOf("none")
	for _, code := range group {
		if s := sentenceOf(code); s == unknown || s.wrong == "" || s.remedy == "" {
			t.Errorf("%s has no sentence", code)
		}
	}
	for code := range cardSentences() {
		if !slices.Contains(group, code) {
			t.Errorf("the sentence of %s is not of a card", code)
		}
	}
}

func TestFindingOf(t *testing.T) {
	cause := errors.New("card answered 6F00")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&fault.Error{Code: fault.CardRefused, Cause: cause, Hint: "no reason"}, "card answered 6F00 (no reason)"},
		{&fault.Error{Code: fault.CardRefused, Cause: cause}, "card answered 6F00"},
		{&fault.Error{Code: fault.CardRefused, Hint: "no reason"}, "no reason"},
		{cause, "card answered 6F00"},
		{fmt.Errorf("cannot sign: %w", cause), "cannot sign: card answered 6F00"},
		{&fault.Error{Code: fault.CardMute, Hint: "outer", Cause: fmt.Errorf("cannot transmit: %w",
			&fault.Error{Code: fault.CardMute, Cause: cause, Hint: "inner"})}, "card answered 6F00 (inner)"},
		{&fault.Error{Code: fault.CardMute, Hint: "outer", Cause: &fault.Error{Code: fault.CardMute}}, "outer"},
	} {
		if got := finding(c.err); got.Cause != c.want || got.Wrong == "" || got.Remedy == "" {
			t.Errorf("%v: %+v", c.err, got)
		}
	}
}

// A connection that is examined carries no PIN, whatever a dialogue may do.
func TestMeterRefusesPIN(t *testing.T) {
	m := &meter{}
	m.begin(stepIdentify)
	conn := m.wrap(deaf{})
	if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80, 4, '1', '2', '3', '4'}); fault.CodeOf(err) != fault.Internal {
		t.Errorf("sent: %v", err)
	}
	if m.current().Exchanges != 0 {
		t.Error("it was counted")
	}
	if _, err := conn.Transmit(t.Context(), []byte{0x00, 0x20, 0x00, 0x80}); err != nil {
		t.Error(err)
	}
	if _, ok := conn.(card.Escaper); ok {
		t.Error("a connection without escape commands has got some")
	}
	if s := m.current(); s.Exchanges != 1 || s.Out != 4 || s.In != 2 {
		t.Errorf("%+v", s)
	}
}

type deaf struct{}

func (deaf) Transmit(context.Context, []byte) ([]byte, error) { return []byte{0x63, 0xC3}, nil }
func (deaf) ATR() []byte                                      { return nil }
func (deaf) Reader() string                                   { return "" }
func (deaf) Close() error                                     { return nil }

func TestAwait(t *testing.T) {
	serves := card.Reader{Name: "r", MyNumber: true}
	for name, c := range map[string]struct {
		from time.Duration // when the card lies there; negative: never
		wait time.Duration
		took time.Duration
		lies bool
	}{
		"lies there already":        {0, 0, 0, true},
		"pcscd needs a moment":      {700 * time.Millisecond, 0, 800 * time.Millisecond, true},
		"never":                     {-1, 0, noticed, false},
		"never, though waited for":  {-1, 10 * time.Second, 10 * time.Second, false},
		"laid down while waited":    {5 * time.Second, 10 * time.Second, 5 * time.Second, true},
		"a short wait is no hurry":  {1200 * time.Millisecond, time.Millisecond, 1200 * time.Millisecond, true},
		"too late for a short wait": {3 * time.Second, 2 * time.Second, 2 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				sights, err := Await(t.Context(), c.wait, func() ([]pcsc.Sight, error) {
					return []pcsc.Sight{
						{Name: "not served", Card: true},
						{Name: "r", Served: serves, Card: c.from >= 0 && time.Since(start) >= c.from},
					}, nil
				})
				if took := time.Since(start); err != nil || took != c.took {
					t.Errorf("took %s, want %s: %v", took, c.took, err)
				}
				if len(sights) != 2 || sights[1].Card != c.lies {
					t.Errorf("%+v", sights)
				}
			})
		})
	}
}

func TestAwaitEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("no pcscd")
		start := time.Now()
		if _, err := Await(t.Context(), time.Minute, func() ([]pcsc.Sight, error) { return nil, gone }); !errors.Is(err, gone) || time.Since(start) != 0 {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		hang := make(chan struct{})
		defer close(hang)
		hangs := func() ([]pcsc.Sight, error) { <-hang; return nil, nil }
		if _, err := Await(t.Context(), 0, hangs); fault.CodeOf(err) != fault.ReaderGone || time.Since(start) != lookLimit {
			t.Errorf("a pcscd that hangs: %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Await(ctx, 0, hangs); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if _, err := Await(ctx, time.Minute, func() ([]pcsc.Sight, error) { return nil, nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
