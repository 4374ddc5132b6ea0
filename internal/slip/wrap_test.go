package slip

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func newTestPen(t testing.TB) *pen {
	t.Helper()
	f, err := loadFonts()
	if err != nil {
		t.Fatal(err)
	}
	return newPen(f, 576)
}

func TestWrap(t *testing.T) {
	p := newTestPen(t)
	tests := []struct {
		text string
		w    int
	}{
		{"申込が終わるまで、「管理ページ」で電話番号とパスワードを入力すると、IDとコードを確かめられます。", 300},
		{"Until your application is complete, the management page shows ID and code.", 300},
		{"ひのでカード(WAON一体型)", 200},
		{"「「「あ」」」、。、。", 60},
		{"supercalifragilisticexpialidocious", 120},
		{"あ", 1},
		{"", 100},
		{"   ", 100},
	}
	for _, tt := range tests {
		lines := p.wrap(tt.text, body, tt.w)
		if got, want := strings.Join(strings.Fields(strings.Join(lines, "")), ""), strings.Join(strings.Fields(tt.text), ""); got != want {
			t.Errorf("%q: lines hold %q", tt.text, got)
		}
		for i, l := range lines {
			if p.measure([]byte(l), body) > tt.w && utf8.RuneCountInString(l) > 1 {
				t.Errorf("%q: line %q is wider than %d", tt.text, l, tt.w)
			}
			first, _ := utf8.DecodeRuneInString(l)
			if i > 0 && tt.w > 100 && strings.ContainsRune(notFirst, first) {
				t.Errorf("%q: line %q begins with %q", tt.text, l, first)
			}
		}
	}
	if lines := p.wrap("後日でもできます。マイナンバーカードと4けたの暗証番号をお持ちください。", body, 478); utf8.RuneCountInString(lines[len(lines)-1]) < 4 {
		t.Errorf("the last line is all but empty: %q", lines)
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("申込が 終わるまで、(AEON) 0120-000-001", 200)
	f.Add("\xff\xfe(", 1)
	fonts, err := loadFonts()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, w int) {
		text = strings.ToValidUTF8(text[:min(len(text), 200)], "?")
		w = 1 + (w%600+600)%600
		lines := newPen(fonts, 576).wrap(text, body, w)
		squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := squeeze(strings.Join(lines, "")); got != squeeze(text) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestGrouped(t *testing.T) {
	tests := []struct {
		text   string
		groups []int
		want   string
	}{
		{"6900123456780042", []int{4, 4, 4, 4}, "6900 1234 5678 0042"},
		{"123456789", []int{4, 4}, "1234 5678 9"},
		{"1234", []int{4}, "1234"},
		{"1234", nil, "1234"},
		{"1234", []int{0, 2}, "1234"},
		{"", []int{2}, ""},
	}
	for _, tt := range tests {
		if got := string(grouped([]byte(tt.text), tt.groups)); got != tt.want {
			t.Errorf("grouped(%s, %v) = %q, want %q", tt.text, tt.groups, got, tt.want)
		}
	}
}
