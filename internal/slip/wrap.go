package slip

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Characters that must not begin or end a line (the short form of kinsoku).
const (
	notFirst = "、。，．,.)）」』】〕！？!?：；:;・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々〜～%％"
	notLast  = "(（「『【〔"
)

// wrap breaks text into lines at most w wide and of about equal length, so that
// no last line holds a single character. Words, katakana words and han compounds
// stay whole unless one alone is too wide.
func (p *pen) wrap(text string, s style, w int) []string {
	return wrap(text, w, s.size, func(begin, end int) int { return p.measure([]byte(text[begin:end]), s) })
}

// ruler tells how wide a stretch of the text is.
type ruler func(begin, end int) int

// part is a stretch of the text.
type part struct{ begin, end int }

// wrap is pen.wrap for text of any measure, em wide a character.
func wrap(text string, w, em int, measure ruler) []string {
	if whole := strings.TrimRight(text, " "); measure(0, len(whole)) <= w {
		if whole == "" {
			return nil
		}
		return []string{whole}
	}
	best := even(text, w, em, measure)
	lines := make([]string, len(best))
	for i, l := range best {
		lines[i] = text[l.begin:l.end]
	}
	return lines
}

func even(text string, w, em int, measure ruler) []part {
	cuts := units(text)
	lines := fill(text, cuts, w, measure)
	if len(lines) < 2 {
		return lines
	}
	// The narrowest width that needs no further line.
	low, high := w/2, w
	for high-low > max(em/4, 1) {
		if mid := (low + high) / 2; len(fill(text, cuts, mid, measure)) == len(lines) {
			high = mid
		} else {
			low = mid
		}
	}
	// Only as even as the last line needs to be half full: lines stay long.
	for try := w; try > high; try -= em {
		got := fill(text, cuts, try, measure)
		if last := got[len(got)-1]; len(got) == len(lines) && 2*measure(last.begin, last.end) >= try {
			return got
		}
	}
	return fill(text, cuts, high, measure)
}

// fill breaks text into lines that are as full as they can be, at most w wide by
// measure. It may break at cuts.
func fill(text string, cuts []int, w int, measure ruler) []part {
	lines := make([]part, 0, 4)
	trim := func(begin, end int) int { return begin + len(strings.TrimRight(text[begin:end], " ")) }
	begin, end := 0, 0 // of the line
	for _, cut := range cuts {
		if measure(begin, trim(begin, cut)) <= w {
			end = cut
			continue
		}
		if end > begin {
			lines = append(lines, part{begin, trim(begin, end)})
		}
		begin = cut - len(strings.TrimLeft(text[end:cut], " "))
		for measure(begin, cut) > w {
			next := begin + head(text[begin:cut], begin, w, measure)
			lines = append(lines, part{begin, next})
			begin = next
		}
		end = cut
	}
	if last := trim(begin, end); last > begin {
		lines = append(lines, part{begin, last})
	}
	return lines
}

// head is the length of the longest start of u, at least one character, that is w
// wide. u begins at from.
func head(u string, from, w int, measure ruler) int {
	end := 0
	for i := range u {
		_, size := utf8.DecodeRuneInString(u[i:])
		next := i + size
		if end > 0 && measure(from, from+next) > w {
			break
		}
		end = next
	}
	return end
}

// units gives the ends of the pieces that a line must not break.
func units(text string) []int {
	out := make([]int, 0, len(text)/3+1)
	glue := false          // the next character belongs to the last piece
	begin, kind := 0, none // of the last piece; the script of its last character
	digit := false
	for at, r := range text {
		now := script(r)
		switch {
		case at == 0:
		case glue, r == ' ', strings.ContainsRune(notFirst, r):
		case now != none && now == kind && at-begin < longest:
		case now == han && digit: // 17時
		case kind == han && unicode.Is(unicode.Hiragana, r): // 使う, 係員が
		default:
			out = append(out, at)
			begin = at
		}
		glue = strings.ContainsRune(notLast, r)
		kind, digit = now, unicode.IsDigit(r)
	}
	return append(out, len(text))
}

// longest is how many bytes of one script stay together at most.
const longest = 48

type scripts uint8

const (
	none scripts = iota // breaks anywhere: hiragana, symbols
	western
	katakana
	han
)

// script says what a character holds together with: words and numbers, foreign
// words, compounds.
func script(r rune) scripts {
	switch {
	case r == ' ':
		return none
	case r < 0x2E80:
		return western
	case unicode.Is(unicode.Katakana, r), r == 'ー':
		return katakana
	case unicode.Is(unicode.Han, r):
		return han
	}
	return none
}
