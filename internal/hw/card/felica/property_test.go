package felica_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
)

// However a reader lies, a number that comes out stands in one of its answers,
// and errors stay silent. Answers are the right ones, damaged ones, ones of
// another moment, or noise.
func TestNumberOnlyFromAnswers(t *testing.T) {
	found := 0
	rapid.Check(t, func(r *rapid.T) {
		b := on(rapid.SampledFrom(cardtest.Ways()).Draw(r, "way"))
		cfg := felica.Config{Strategies: rapid.SliceOfN(rapid.SampledFrom(felica.StrategyNames()), 1, 4).Draw(r, "order")}
		lies := rapid.IntRange(0, 3).Draw(r, "lies in four")
		var earlier [][]byte
		b.hook = func(c []byte) []byte {
			if rapid.IntRange(0, 3).Draw(r, "lie") >= lies {
				return nil
			}
			honest := b.card.Answer(c)
			earlier = append(earlier, honest)
			switch rapid.IntRange(0, 3).Draw(r, "kind") {
			case 0:
				return append(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "noise"), 0x90, 0x00)
			case 1:
				lie := append([]byte{}, honest...)
				lie[rapid.IntRange(0, len(lie)-1).Draw(r, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
				return lie
			case 2:
				return append([]byte{}, rapid.SampledFrom(earlier).Draw(r, "earlier")...)
			default:
				return honest[rapid.IntRange(0, len(honest)-2).Draw(r, "cut"):]
			}
		}
		got, err := felica.ReadWAON(t.Context(), b.conn(), cfg)
		checkSilence(r, err)
		if err != nil {
			if got != "" {
				r.Fatalf("%q beside %v", got, err)
			}
			return
		}
		found++
		for _, a := range b.answers {
			if strings.Contains(hex.EncodeToString(a), got) {
				return
			}
		}
		r.Fatalf("%q stands in none of the answers %x", got, b.answers)
	})
	if found == 0 {
		t.Error("no number was ever found: the test shows nothing")
	}
}

// The same without any sense: every answer is noise.
func FuzzReadWAON(f *testing.F) {
	f.Add(uint8(0), []byte{})
	f.Add(uint8(2), []byte{5, 0xC0, 3, 0, 0x90, 0, 12, 0xC0, 3, 0, 0x90, 0, 0x97, 5, 1, 2, 3, 4, 5})
	f.Add(uint8(4), []byte{0, 16, 0x69, 0, 0x12, 0x34, 0x56, 0x78, 0x90, 0x13, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, order uint8, noise []byte) {
		names := felica.StrategyNames()
		b := on(cardtest.WayIDmOnly)
		b.hook = func([]byte) []byte {
			if len(noise) == 0 {
				return []byte{0x6D, 0x00}
			}
			n := min(int(noise[0]), len(noise)-1)
			a := append([]byte{}, noise[1:1+n]...)
			noise = noise[1+n:]
			return append(a, 0x90, 0x00)
		}
		synctest.Test(t, func(t *testing.T) {
			got, err := felica.ReadWAON(t.Context(), b.conn(), felica.Config{Strategies: []string{names[int(order)%len(names)]}})
			checkSilence(t, err)
			if err != nil {
				return
			}
			for _, a := range b.answers {
				if strings.Contains(hex.EncodeToString(a), got) {
					return
				}
			}
			t.Fatalf("%q stands in none of the answers %x", got, b.answers)
		})
	})
}
