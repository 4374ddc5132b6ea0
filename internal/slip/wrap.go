package slip

import (
	"strings"
	"unicode"
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
	return wrap(text, w, s.size, func(line string) int { return p.measure([]byte(line), s) })
}

// wrap is pen.wrap for text of any measure, em wide a character.
func wrap(text string, w, em int, measure func(string) int) []string {
	lines := fill(text, w, measure)
	if len(lines) < 2 {
		return lines
	}
	// The narrowest width that needs no further line.
	low, high := w/2, w
	for high-low > max(em/4, 1) {
		if mid := (low + high) / 2; len(fill(text, mid, measure)) == len(lines) {
			high = mid
		} else {
			low = mid
		}
	}
	even := fill(text, high, measure)
	// Only as even as the last line needs to be half full: lines stay long.
	for try := w; try > high; try -= em {
		got := fill(text, try, measure)
		if len(got) == len(lines) && 2*measure(got[len(got)-1]) >= try {
			return got
		}
	}
	return even
}

// fill breaks text into lines that are as full as they can be, at most w wide by
// measure.
func fill(text string, w int, measure func(string) int) []string {
	var lines []string
	line := ""
	for _, u := range units(text) {
		switch joined := line + u; {
		case measure(strings.TrimRight(joined, " ")) <= w:
			line = joined
			continue
		case line != "":
			lines = append(lines, strings.TrimRight(line, " "))
		}
		u = strings.TrimLeft(u, " ")
		for measure(u) > w {
			head := head(u, w, measure)
			lines = append(lines, head)
			u = u[len(head):]
		}
		line = u
	}
	if line = strings.TrimRight(line, " "); line != "" {
		lines = append(lines, line)
	}
	return lines
}

// head is the longest start of u, at least one character, that is w wide.
func head(u string, w int, measure func(string) int) string {
	end := 0
	for i, r := range u {
		next := i + len(string(r))
		if end > 0 && measure(u[:next]) > w {
			break
		}
		end = next
	}
	return u[:end]
}

// units cuts text into pieces that a line must not break.
func units(text string) []string {
	var out []string
	glue := false // the next character belongs to the last piece
	for _, r := range text {
		c := string(r)
		last := len(out) - 1
		switch {
		case last < 0:
			out = append(out, c)
		case glue, strings.ContainsRune(notFirst, r), r == ' ':
			out[last] += c
		case script(r) != none && script(r) == script(lastRune(out[last])) && len(out[last]) < longest:
			out[last] += c
		case script(r) == han && unicode.IsDigit(lastRune(out[last])): // 17時
			out[last] += c
		default:
			out = append(out, c)
		}
		glue = strings.ContainsRune(notLast, r)
	}
	return out
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

func lastRune(s string) (last rune) {
	for _, r := range s {
		last = r
	}
	return last
}
