package felica_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

// Every strategy against every reader: the number is read exactly where one of
// the order fits, the order ends there, and no session stays open.
func TestOrders(t *testing.T) {
	names := felica.StrategyNames()
	reverse := slices.Clone(names)
	slices.Reverse(reverse)
	orders := [][]string{names, reverse, {"none"}, {"passthrough", "transparent", "pn532"}, {"sony", "transparent", "sonywin"}}
	for _, n := range names {
		orders = append(orders, []string{n}, []string{"none", n}, slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == n }))
	}
	for _, way := range cardtest.Ways() {
		for _, order := range orders {
			t.Run(string(way)+"/"+strings.Join(order, "+"), func(t *testing.T) {
				b := on(way)
				got, err := read(t, b.conn(), felica.Config{Strategies: order})
				if slices.ContainsFunc(order, func(s string) bool { return fits(way, s) }) {
					if got != number || err != nil {
						t.Errorf("got %q, %v; sent %v", got, err, b.sent)
					}
				} else if got != "" || fault.CodeOf(err) != fault.WAONUnreadable {
					t.Errorf("got %q, %v", got, err)
				}
				sessionEnded(t, b)
			})
		}
	}
}

// What goes over the wire in the good case, to the byte.
func TestWire(t *testing.T) {
	const (
		poll = "0600fe000000"
		ask  = "1006" + "1114c4a1b2c3d4e5" + "014f68018000" // the IDm of the second system
		us   = "5f4604a0860100"                             // 100 ms
	)
	for way, want := range map[cardtest.Way][]string{
		cardtest.WayPassthrough: {"ff00000006" + poll, "ff00000010" + ask},
		cardtest.WayPN532:       {"ff00000009" + "d44a010100fe000100", "ff00000013" + "d44001" + ask},
		cardtest.WayTransparent: {
			"ffc20000028100", "ffc20002048f020300", "ffc2000108" + "9506" + poll + "00",
			"ffc2000112" + "9510" + ask + "00", "ffc20000028200",
		},
		cardtest.WaySony: {
			"escape ff50000002810000", // refused
			"ff50000002810000", "ff50000002840000", "ff500002048f02030000",
			"ff5000010f" + us + "9506" + poll + "00", "ff50000119" + us + "9510" + ask + "00",
			"ff50000002830000", "ff50000002820000",
		},
		cardtest.WaySonyEscape: {
			"escape ff50000002810000", "escape ff50000002840000", "escape ff500002048f02030000",
			"escape ff500001000011" + us + "95820006" + poll + "000000",
			"escape ff50000100001b" + us + "95820010" + ask + "000000",
			"escape ff50000002830000", "escape ff50000002820000",
		},
		cardtest.WaySonyWin: {"ffa40001024f68", "ffb0000000"},
		cardtest.WaySCM:     {"ff40000004fe000000", "ff460101044f688000"},
	} {
		t.Run(string(way), func(t *testing.T) {
			b := on(way)
			strategy := strings.TrimSuffix(string(way), "-escape")
			if got, err := read(t, b.conn(), felica.Config{Strategies: []string{strategy}}); got != number || err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
			if want := append([]string{"ffca000000"}, want...); !slices.Equal(b.sent, want) {
				t.Errorf("sent\n%s\nwant\n%s", strings.Join(b.sent, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// Torn away before or after any exchange of any strategy, with every loss that a
// driver reports: the fault is that loss, nothing more is asked of the card, and
// no number comes out.
func TestTearEverywhere(t *testing.T) {
	for _, way := range cardtest.Ways() {
		for _, lost := range []fault.Code{fault.CardLifted, fault.ReaderGone, fault.CardMute} {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/late=%t", way, lost, late), func(t *testing.T) {
					whole := on(way)
					_, _ = read(t, whole.conn(), felica.Config{Strategies: felica.StrategyNames()})
					for at := range whole.sent {
						b := on(way)
						b.at, b.late, b.lost = at, late, lost
						got, err := read(t, b.conn(), felica.Config{Strategies: felica.StrategyNames()})
						if got == number && err == nil && at > 0 && closing(whole.sent[at]) {
							continue // the number was known: giving the reader back does not matter
						}
						if got != "" || fault.CodeOf(err) != lost {
							t.Errorf("torn at %d (%s): got %q, %v", at, whole.sent[at], got, err)
						}
						for _, s := range b.sent[at+1:] {
							// A driver that refuses escapes looks like a mute card, so one more way is tried.
							refused := lost == fault.CardMute && strings.HasPrefix(b.sent[at], "escape ")
							if !closing(s) && !refused {
								t.Errorf("torn at %d: still sent %s", at, s)
							}
						}
					}
				})
			}
		}
	}
}

// closing reports whether a command only gives the reader back.
func closing(command string) bool {
	return strings.Contains(command, "028200") || strings.Contains(command, "028300")
}

// A card that falls silent after the poll is mute; one that the reader no longer
// hears at the poll is not called anything yet.
func TestSilenceAfterPoll(t *testing.T) {
	b := on(cardtest.WayPassthrough)
	b.hook = func(c []byte) []byte {
		if len(c) > 6 && c[6] == 0x06 {
			return []byte{0x64, 0x01}
		}
		return nil
	}
	if got, err := read(t, b.conn(), felica.Config{}); got != "" || fault.CodeOf(err) != fault.CardMute {
		t.Errorf("got %q, %v", got, err)
	}
}

// Where polls do not get through, the place of the common area is asked of the
// card, and if that is not known either, the second place is tried.
func TestWithoutPoll(t *testing.T) {
	far := cardtest.NewFeliCa(idm, cardtest.WayPassthrough, cardtest.System{Code: 0x852B}, cardtest.System{Code: 0x0003},
		cardtest.System{Code: 0xFE00, Services: map[uint16][][16]byte{0x684F: {{0x69, 0x00, 0x12, 0x34, 0x56, 0x78, 0x90, 0x13}}}})
	waon := cardtest.NewWAON(idm, 0x684F, number)
	transit := cardtest.NewFeliCa(idm, cardtest.WayPassthrough, cardtest.System{Code: 0x0003})
	polls := func(code byte) bool { return code == 0x00 }
	requests := func(code byte) bool { return code == 0x00 || code == 0x0C }
	for _, c := range []struct {
		about  string
		card   cardtest.Card
		silent func(code byte) bool
		number string
		code   fault.Code
	}{
		{"the card tells the place", waon, polls, number, ""},
		{"a place farther back", far, polls, number, ""},
		{"the card does not have the area", transit, polls, "", fault.CardWrongKind},
		{"the place is guessed", waon, requests, number, ""},
		{"guessed wrong", far, requests, "", fault.WAONUnreadable},
		{"guessed, and no such place", transit, requests, "", fault.WAONUnreadable},
		{"request unknown, poll answered", transit, func(code byte) bool { return code == 0x0C }, "", fault.CardWrongKind},
	} {
		t.Run(c.about, func(t *testing.T) {
			b := &bench{card: c.card, at: -1, name: "ACS ACR1252", hook: func(cmd []byte) []byte {
				if cmd[1] == 0x00 && len(cmd) > 6 && c.silent(cmd[6]) {
					return []byte{0x64, 0x01}
				}
				return nil
			}}
			got, err := read(t, b.conn(), felica.Config{})
			if got != c.number || fault.CodeOf(err) != c.code {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	t.Run("the reader does not tell the identifier", func(t *testing.T) {
		b := on(cardtest.WayPassthrough)
		b.hook = func(cmd []byte) []byte {
			if cmd[1] == 0xCA {
				return []byte{0x6A, 0x81}
			}
			return nil
		}
		if got, err := read(t, b.conn(), felica.Config{}); got != number || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// A transit card is known for what it is by every strategy that can poll.
func TestWrongCard(t *testing.T) {
	for _, way := range cardtest.Ways() {
		want := fault.CardWrongKind
		if way == cardtest.WaySonyWin || way == cardtest.WayIDmOnly {
			want = fault.WAONUnreadable
		}
		b := &bench{card: cardtest.NewFeliCa(idm, way, cardtest.System{Code: 0x0003}), at: -1}
		if got, err := read(t, b.conn(), felica.Config{Strategies: felica.StrategyNames()}); got != "" || fault.CodeOf(err) != want {
			t.Errorf("%s: got %q, %v; want %s", way, got, err, want)
		}
		sessionEnded(t, b)
	}
}

// The session is ended although the caller has given up meanwhile.
func TestSessionEndsAfterCancel(t *testing.T) {
	for _, way := range []cardtest.Way{cardtest.WayTransparent, cardtest.WaySony, cardtest.WaySonyEscape} {
		synctest.Test(t, func(t *testing.T) {
			b := on(way)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b.hook = func(c []byte) []byte {
				if len(c) > 3 && c[3] == 0x01 { // the first exchange
					cancel()
				}
				return nil
			}
			got, err := felica.ReadWAON(ctx, b.conn(), felica.Config{Strategies: []string{strings.TrimSuffix(string(way), "-escape")}})
			if got != "" || err == nil {
				t.Errorf("%s: got %q, %v", way, got, err)
			}
			checkSilence(t, err)
			sessionEnded(t, b)
		})
	}
}
