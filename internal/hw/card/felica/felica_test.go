package felica_test

import (
	"context"
	"strings"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

// laid puts c onto a running reader and connects to it.
func laid(t *testing.T, c cardtest.Card) (*cardtest.Reader, card.Conn) {
	t.Helper()
	r := cardtest.NewReader()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	r.PutCard("card", c)
	for s := range r.Watch() {
		if len(s.Cards) > 0 {
			conn, err := r.Connect(t.Context(), s.Cards[0].Number)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			return r, conn
		}
	}
	return nil, nil
}

// common is a card with these services in the common area.
func common(services map[uint16][][16]byte) *cardtest.FeliCa {
	return cardtest.NewFeliCa(idm, cardtest.WayPassthrough, cardtest.System{Code: 0x852B}, cardtest.System{Code: 0xFE00, Services: services})
}

func filled(b byte) (block [16]byte) {
	for i := range block {
		block[i] = b
	}
	return block
}

func TestReadWAON(t *testing.T) {
	const n = number
	packed := [16]byte{0x69, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x13}
	letter := [16]byte{0x69, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x1A}
	only := func(s uint16) felica.Config { return felica.Config{Services: []uint16{s}} }
	iso := cardtest.NewUnknown([]byte{0x3B, 0x80, 0x80, 0x01, 0x01})
	for _, c := range []struct {
		about  string
		card   cardtest.Card
		cfg    felica.Config
		number string
		code   fault.Code
	}{
		{"first service", cardtest.NewWAON(idm, 0x684F, n), felica.Config{}, n, ""},
		{"second service", cardtest.NewWAON(idm, 0x67CF, n), felica.Config{}, n, ""},
		{"another by configuration", cardtest.NewWAON(idm, 0x680B, n), only(0x680B), n, ""},
		{"only what is configured", cardtest.NewWAON(idm, 0x67CF, n), only(0x684F), "", fault.WAONUnreadable},
		{"neither service", cardtest.NewWAON(idm, 0x680B, n), felica.Config{}, "", fault.WAONUnreadable},
		{"first empty, second good", common(map[uint16][][16]byte{0x684F: {filled(0xFF)}, 0x67CF: {packed}}), felica.Config{}, n, ""},
		{"first not digits, second good", common(map[uint16][][16]byte{0x684F: {letter}, 0x67CF: {packed}}), felica.Config{}, n, ""},
		{"all F", common(map[uint16][][16]byte{0x684F: {filled(0xFF)}}), felica.Config{}, "", fault.WAONUnreadable},
		{"all zero", common(map[uint16][][16]byte{0x684F: {filled(0)}, 0x67CF: {filled(0)}}), felica.Config{}, "", fault.WAONUnreadable},
		{"a letter among the digits", common(map[uint16][][16]byte{0x684F: {letter}}), felica.Config{}, "", fault.WAONUnreadable},
		{"service without blocks", common(map[uint16][][16]byte{0x684F: {}}), felica.Config{}, "", fault.WAONUnreadable},
		{"number outside the common area", cardtest.NewFeliCa(idm, cardtest.WayPassthrough,
			cardtest.System{Code: 0x852B, Services: map[uint16][][16]byte{0x684F: {packed}}}, cardtest.System{Code: 0xFE00}), felica.Config{}, "", fault.WAONUnreadable},
		{"transit card", cardtest.NewFeliCa(idm, cardtest.WayPassthrough, cardtest.System{Code: 0x0003}), felica.Config{}, "", fault.CardWrongKind},
		{"reader that tells only the IDm", cardtest.NewWAON(idm, 0x684F, n).Behind(cardtest.WayIDmOnly), felica.Config{}, "", fault.WAONUnreadable},
		{"no strategy", cardtest.NewWAON(idm, 0x684F, n), felica.Config{Strategies: []string{"none"}}, "", fault.WAONUnreadable},
		{"unknown strategy", cardtest.NewWAON(idm, 0x684F, n), felica.Config{Strategies: []string{"telepathy"}}, "", fault.Internal},
		{"ISO card", iso, felica.Config{}, "", fault.CardWrongKind},
		{"My Number card", cardtest.NewJPKI(cardtest.TaroProfile()), felica.Config{}, "", fault.CardWrongKind},
	} {
		t.Run(c.about, func(t *testing.T) {
			r, conn := laid(t, c.card)
			got, err := felica.ReadWAON(t.Context(), conn, c.cfg)
			if got != c.number || fault.CodeOf(err) != c.code {
				t.Errorf("got %q, %v; want %q, %q", got, err, c.number, c.code)
			}
			checkSilence(t, err)
			if c.card == cardtest.Card(iso) && len(r.Log()) != 0 {
				t.Error("an ISO card was sent something")
			}
		})
	}
}

// The personas of the dock carry the numbers that their description shows.
func TestPersonas(t *testing.T) {
	for id, want := range map[string]string{"waon-1": "6900000000000016", "waon-2": "6900123456789013"} {
		t.Run(id, func(t *testing.T) {
			for _, p := range cardtest.Personas() {
				if p.ID != id {
					continue
				}
				c, err := p.NewCard()
				if err != nil {
					t.Fatal(err)
				}
				_, conn := laid(t, c)
				got, err := felica.ReadWAON(t.Context(), conn, felica.Config{})
				if err != nil || got != want {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
				if !luhn(got) {
					t.Errorf("%s does not pass the check digit", got)
				}
				if !strings.Contains(strings.ReplaceAll(p.About, " ", ""), want) {
					t.Errorf("description %q does not show %s", p.About, want)
				}
				return
			}
			t.Error("no such persona")
		})
	}
}

func luhn(s string) bool {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// Torn away at any exchange, the number is not made up and the fault is the card's leaving.
func TestTear(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := range 3 {
			r, conn := laid(t, cardtest.NewWAON(idm, 0x684F, number))
			if after {
				r.TearAfter(at)
			} else {
				r.TearAt(at)
			}
			got, err := felica.ReadWAON(t.Context(), conn, felica.Config{})
			if got != "" || fault.CodeOf(err) != fault.CardLifted {
				t.Errorf("torn at %d (after %t): got %q, %v", at, after, got, err)
			}
		}
	}
	r, conn := laid(t, cardtest.NewWAON(idm, 0x684F, number))
	if _, err := felica.ReadWAON(t.Context(), conn, felica.Config{}); err != nil || len(r.Log()) != 3 {
		t.Errorf("%d exchanges, %v; want 3", len(r.Log()), err)
	}
}

// The same through the reader in process, which hands escape commands on.
func TestThroughTheReader(t *testing.T) {
	for _, way := range cardtest.Ways() {
		t.Run(string(way), func(t *testing.T) {
			_, conn := laid(t, cardtest.NewWAON(idm, 0x684F, number).Behind(way))
			got, err := felica.ReadWAON(t.Context(), conn, felica.Config{Strategies: felica.StrategyNames()})
			if way == cardtest.WayIDmOnly {
				if got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
					t.Errorf("got %q, %v", got, err)
				}
			} else if got != number || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// A card that answers no frame at all is not taken for a wrong card: it may be
// the reader that says "silence" to what it does not know.
func TestSilentReader(t *testing.T) {
	for _, way := range cardtest.Ways() {
		t.Run(string(way), func(t *testing.T) {
			b := &bench{card: cardtest.NewFeliCa(idm, way), at: -1}
			got, err := read(t, b.conn(), felica.Config{Strategies: felica.StrategyNames()})
			if got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
				t.Errorf("got %q, %v", got, err)
			}
			sessionEnded(t, b)
		})
	}
}
