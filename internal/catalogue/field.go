package catalogue

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Why an entry does not fit its field; each is the end of a text key
// "problem.<code>".
const (
	ProblemCharset    = "charset"
	ProblemTooShort   = "too_short"
	ProblemTooLong    = "too_long"
	ProblemCheckDigit = "check_digit"
)

// Fold brings what a person typed into the form that the field takes:
// full-width forms become half-width, spaces and dashes between groups go. It
// removes nothing else: what does not belong there is for Problem to say.
func (f Field) Fold(text string) string {
	folded := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || isDash(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(strings.ToValidUTF8(text, "\ufffd")))
	return norm.NFKC.String(folded) // what a space had kept apart may compose now
}

// isDash finds what Japanese keyboards give where a dash was meant, beside the
// dashes of Unicode: minus, the long vowel, the box line.
func isDash(r rune) bool { return r == '\u2212' || r == 'ー' || r == '─' }

// Problem says what is wrong with a folded entry, or "".
func (f Field) Problem(text string) string { return f.ProblemBytes([]byte(text)) }

// ProblemBytes is Problem for a secret: it keeps no copy.
func (f Field) ProblemBytes(b []byte) string {
	for _, c := range b {
		if !f.takes(c) {
			return ProblemCharset
		}
	}
	switch {
	case len(b) < f.Min:
		return ProblemTooShort
	case len(b) > f.Max:
		return ProblemTooLong
	case f.Check == "luhn" && !Luhn(b):
		return ProblemCheckDigit
	}
	return ""
}

func (f Field) takes(c byte) bool {
	switch {
	case c >= '0' && c <= '9':
		return true
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return f.Charset == Letters
	}
	return false
}

// Luhn reports whether the last digit is the check digit of those before it.
func Luhn[T ~string | ~[]byte](digits T) bool {
	if len(digits) < 2 {
		return false
	}
	sum, ok := luhnSum(digits, 0)
	return ok && sum%10 == 0
}

// LuhnDigit gives the check digit that belongs after payload, or 0 when that
// holds something else than digits.
func LuhnDigit[T ~string | ~[]byte](payload T) byte {
	sum, ok := luhnSum(payload, 1)
	if !ok {
		return 0
	}
	return byte('0' + (10-sum%10)%10)
}

// luhnSum adds up from the right, where position from has the weight of that
// distance from the check digit.
func luhnSum[T ~string | ~[]byte](digits T, from int) (int, bool) {
	sum := 0
	for i := range len(digits) {
		c := digits[len(digits)-1-i]
		if c < '0' || c > '9' {
			return 0, false
		}
		d := int(c - '0')
		if (i+from)%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum, true
}
