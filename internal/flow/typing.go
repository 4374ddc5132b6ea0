package flow

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kioskd/internal/secret"
)

// charset says which characters a field takes.
type charset uint8

const (
	digits    charset = iota
	letters           // half-width letters and digits
	printable         // letters, digits and ASCII signs: refused by the rule, but seen
	kana              // full-width katakana, ー and the space
	anyText           // a search word
)

// typeInto applies a key to a text of at most limit characters. Full-width and
// half-width forms are folded; characters that do not belong are dropped.
func typeInto(text string, f Fact, set charset, limit int) string {
	switch f := f.(type) {
	case Key:
		for _, r := range f.Text {
			text = typeRune(text, r, set, limit)
		}
	case Erase:
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	case Clear:
		text = ""
	default:
	}
	return text
}

func typeRune(text string, r rune, set charset, limit int) string {
	if set == kana || set == anyText {
		if changed, ok := modifyLast(text, r); ok {
			return changed
		}
	}
	for _, c := range norm.NFKC.String(string(r)) {
		c, ok := admit(c, set)
		if !ok || utf8.RuneCountInString(text) >= limit {
			continue
		}
		if c == ' ' && (text == "" || strings.HasSuffix(text, " ")) {
			continue
		}
		text += string(c)
	}
	return text
}

// typeSecret applies a key to a secret of at most limit characters.
func typeSecret(s *secret.Secret, f Fact, set charset, limit int) {
	switch f := f.(type) {
	case Key:
		for _, r := range norm.NFKC.String(f.Text) {
			if c, ok := admit(r, set); ok && s.Len() < limit {
				s.Append(byte(c))
			}
		}
	case Erase:
		s.Erase()
	case Clear:
		s.Wipe()
	default:
	}
}

// admit folds c and reports whether the set takes it.
func admit(c rune, set charset) (rune, bool) {
	switch set {
	case digits:
		return c, c >= '0' && c <= '9'
	case letters:
		return c, c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
	case printable:
		return c, c > ' ' && c < 0x7f
	case kana:
		return admitKana(c)
	case anyText:
		if k, ok := admitKana(c); ok {
			return k, true
		}
		return c, c > ' ' && c != 0x7f && c != utf8.RuneError
	}
	return c, false
}

// admitKana turns hiragana into katakana.
func admitKana(c rune) (rune, bool) {
	switch {
	case c >= 'ぁ' && c <= 'ゖ':
		return c + ('ァ' - 'ぁ'), true
	case c >= 'ァ' && c <= 'ヺ', c == 'ー', c == ' ':
		return c, true
	case c == '-', c == '‐', c == '−', c == '―':
		return 'ー', true
	}
	return c, false
}

// Keys that change the last character instead of adding one.
const (
	keyDakuten    = '゛'
	keyHandakuten = '゜'
	keySmall      = '小'
)

// marks are the forms of a kana: plain, voiced, half-voiced, small.
var marks = func() map[rune][4]rune { //nolint:gochecknoglobals // a table that never changes
	m := map[rune][4]rune{}
	for _, row := range []string{
		"カガ--", "キギ--", "クグ--", "ケゲ--", "コゴ--", "サザ--", "シジ--", "スズ--", "セゼ--", "ソゾ--",
		"タダ--", "チヂ--", "ツヅ-ッ", "テデ--", "トド--", "ハバパ-", "ヒビピ-", "フブプ-", "ヘベペ-", "ホボポ-",
		"ウヴ-ゥ", "ア--ァ", "イ--ィ", "エ--ェ", "オ--ォ", "ヤ--ャ", "ユ--ュ", "ヨ--ョ", "ワ--ヮ",
	} {
		forms := [4]rune([]rune(row))
		for _, r := range forms {
			if r != '-' {
				m[r] = forms
			}
		}
	}
	return m
}()

// modifyLast applies ゛ ゜ 小 to the last kana of text; pressed again they
// take the mark off. It reports whether r was such a key.
func modifyLast(text string, r rune) (string, bool) {
	var form int
	switch r {
	case keyDakuten, '\u3099', 'ﾞ':
		form = 1
	case keyHandakuten, '\u309a', 'ﾟ':
		form = 2
	case keySmall:
		form = 3
	default:
		return text, false
	}
	last, n := utf8.DecodeLastRuneInString(text)
	forms, ok := marks[last]
	if !ok || forms[form] == '-' {
		return text, true
	}
	to := forms[form]
	if last == to {
		to = forms[0]
	}
	return text[:len(text)-n] + string(to), true
}
