package card_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"kioskd/internal/hw/card"
)

func TestTechOf(t *testing.T) {
	for _, c := range []struct {
		about, atr string
		want       card.Tech
	}{
		{"FeliCa, PC/SC part 3", "3B 8F 80 01 80 4F 0C A0 00 00 03 06 11 00 3B 00 00 00 00 42", card.TechFeliCa},
		{"FeliCa, another standard byte", "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 3B 00 00 00 00 50", card.TechFeliCa},
		{"FeliCa on an ACR122, 212k", "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 F0 11 00 00 00 00 8A", card.TechFeliCa},
		{"FeliCa on an ACR122, 424k", "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 F0 12 00 00 00 00 89", card.TechFeliCa},
		{"NFC Forum type 3", "3B 8C 80 01 04 43 FD 01 02 03 04 05 06 07 08 00", card.TechFeliCa},
		{"MIFARE 1K is a storage card too", "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A", card.TechISO},
		{"My Number, contactless", "3B 88 80 01 00 00 05 E0 B3 81 A1 00 7F", card.TechISO},
		{"My Number, contactless, other chip", "3B 88 80 01 00 4B 51 FF B3 81 D1 00 0F", card.TechISO},
		{"My Number, contact", "3B DA 13 FF 81 31 FB 46 80 12 39 2F 31 C1 73 C6 01 C0 3B", card.TechISO},
		{"My Number, contact, as OpenSC knows it", "3B E0 00 FF 81 31 FE 45 14", card.TechISO},
		{"a reader that shows the random PUPI", "3B 8C 80 01 50 12 34 56 78 00 00 00 00 33 81 81 20", card.TechISO},
		{"old basic resident card", "3B 88 80 01 00 00 14 E0 B3 81 91 00 5E", card.TechISO},
		{"inverse convention", "3F 00", card.TechISO},
		{"nothing", "", card.TechUnknown},
		{"one byte", "3B", card.TechUnknown},
		{"not an ATR", "90 00", card.TechUnknown},
	} {
		t.Run(c.about, func(t *testing.T) {
			atr, err := hex.DecodeString(strings.ReplaceAll(c.atr, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if got := card.TechOf(atr); got != c.want {
				t.Errorf("TechOf(%s) = %d, want %d", c.atr, got, c.want)
			}
		})
	}
}
