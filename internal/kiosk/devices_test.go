package kiosk

import (
	"testing"

	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
)

func TestReaderFact(t *testing.T) {
	both := card.Reader{Name: "both", MyNumber: true, WAON: true}
	mine, waon := card.Reader{Name: "mine", MyNumber: true}, card.Reader{Name: "waon", WAON: true}
	iso := func(n uint64, on string) card.Lying { return card.Lying{Number: n, Reader: on, Tech: card.TechISO} }
	felica := func(n uint64, on string) card.Lying { return card.Lying{Number: n, Reader: on, Tech: card.TechFeliCa} }
	for _, c := range []struct {
		name  string
		state card.State
		want  flow.ReaderIs
	}{
		{"nothing", card.State{}, flow.ReaderIs{}},
		{"empty", card.State{Readers: []card.Reader{both}}, flow.ReaderIs{Ready: true, WAON: true}},
		{"one reader, My Number", card.State{Readers: []card.Reader{both}, Cards: []card.Lying{iso(4, "both")}}, flow.ReaderIs{Ready: true, WAON: true, ISO: 4}},
		{"one reader, WAON", card.State{Readers: []card.Reader{both}, Cards: []card.Lying{felica(4, "both")}}, flow.ReaderIs{Ready: true, WAON: true, FeliCa: 4}},
		{"a silent card", card.State{Readers: []card.Reader{both}, Cards: []card.Lying{{Number: 4, Reader: "both"}}}, flow.ReaderIs{Ready: true, WAON: true, ISO: 4}},
		{
			"two readers", card.State{Readers: []card.Reader{mine, waon}, Cards: []card.Lying{felica(4, "waon"), iso(5, "mine")}},
			flow.ReaderIs{Ready: true, WAON: true, ISO: 5, FeliCa: 4, Apart: true},
		},
		{
			"two readers, the wrong way round", card.State{Readers: []card.Reader{mine, waon}, Cards: []card.Lying{felica(4, "mine"), iso(5, "waon")}},
			flow.ReaderIs{Ready: true, WAON: true, ISO: 5, FeliCa: 4},
		},
		{
			"a stranger's card on the reader for payment cards", card.State{Readers: []card.Reader{mine, waon}, Cards: []card.Lying{iso(4, "waon"), iso(5, "mine")}},
			flow.ReaderIs{Ready: true, WAON: true, ISO: 5},
		},
		{
			"two of a kind", card.State{Readers: []card.Reader{both, waon}, Cards: []card.Lying{iso(4, "both"), iso(5, "waon")}},
			flow.ReaderIs{Ready: true, WAON: true, ISO: 4},
		},
		{"only the one for payment cards", card.State{Readers: []card.Reader{waon}}, flow.ReaderIs{WAON: true}},
	} {
		if got := readerFact(c.state); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// On one reader the card that was there first stays in use: the shopper is asked
// to take it away, and the other is seen as soon as that is done.
func TestTwoCardsOnOneReader(t *testing.T) {
	inWorld(t, func(w *world) {
		w.put("waon-1")
		w.touch(flow.Start{Plan: flow.PlanReserve})
		if err := w.reader.PutAlso("taro"); err != nil {
			t.Fatal(err)
		}
		if s := w.expect(flow.StepCard); s.Screen.Problem != "card_wrong_kind" {
			t.Errorf("the screen says %+v", s.Screen)
		}
		w.reader.Lift() // the upper one; the My Number card stays
		w.expect(flow.StepPIN)
	})
}
