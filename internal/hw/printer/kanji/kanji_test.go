package kanji_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"

	"kioskd/internal/hw/printer/kanji"
)

func TestFold(t *testing.T) {
	tests := map[string]string{
		"申込の控え ABC 123": "申込の控え ABC 123",
		"髙島屋 﨑陽軒":       "高島屋 崎陽軒",
		"①㈱№":           "(1)(株)No.",
		"café":          "cafe",
		"9:00–17:00":    "9:00-17:00",
		"10〜12時":        "10～12時",
		"カード(WAON)ｶﾞ":   "カード(WAON)ｶﾞ",
		"\u0010\u0004":  "〓〓",
		"한":             "〓",
		"😀":             "〓",
		"全角ＡＢＣ、。「」ー々〆":  "全角ＡＢＣ、。「」ー々〆",
	}
	f := kanji.NewCoder()
	for in, want := range tests {
		got := string(f.Fold(nil, []byte(in)))
		if got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		sjis := f.Encode(nil, []byte(got))
		if len(sjis) != f.Columns(got) {
			t.Errorf("%q: %d bytes for %d columns", got, len(sjis), f.Columns(got))
		}
		back, err := japanese.ShiftJIS.NewDecoder().Bytes(sjis)
		if err != nil || string(back) != got {
			t.Errorf("%q comes back as %q, %v", got, back, err)
		}
	}
}

// FuzzFold: whatever the text, what is sent holds no control character, no broken
// pair, and each character is as wide as its bytes.
func FuzzFold(f *testing.F) {
	f.Add("髙﨑①㈱ ABC\x10\x04\xff")
	c := kanji.NewCoder()
	f.Fuzz(func(t *testing.T, text string) {
		folded := c.Fold(nil, []byte(text))
		if !utf8.Valid(folded) {
			t.Fatal("no UTF-8")
		}
		if again := c.Fold(nil, folded); string(again) != string(folded) {
			t.Fatalf("folding again changes %q to %q", folded, again)
		}
		sjis := c.Encode(nil, folded)
		if len(sjis) != c.Columns(string(folded)) {
			t.Fatalf("%d bytes for %d columns of %q", len(sjis), c.Columns(string(folded)), folded)
		}
		for _, b := range sjis {
			if b < 0x20 || b == 0x7F {
				t.Fatalf("% x holds a control character", sjis)
			}
		}
		back, err := japanese.ShiftJIS.NewDecoder().Bytes(sjis)
		if err != nil || bytes.ContainsRune(back, utf8.RuneError) {
			t.Fatalf("% x is broken: %v", sjis, err)
		}
	})
}
