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
// no last line holds a single character. Words, katakana words and kanji compounds
// stay whole unless one alone is too wide.
func (p *pen) wrap(text string, s style, w int) []string {
	lines := p.fill(text, s, w)
	if len(lines) < 2 {
		return lines
	}
	// The narrowest width that needs no further line.
	low, high := w/2, w
	for high-low > s.size/4 {
		if mid := (low + high) / 2; len(p.fill(text, s, mid)) == len(lines) {
			high = mid
		} else {
			low = mid
		}
	}
	even := p.fill(text, s, high)
	// Only as even as the last line needs to be half full: lines stay long.
	for try := w; try > high; try -= s.size {
		got := p.fill(text, s, try)
		if len(got) == len(lines) && 2*p.measure([]byte(got[len(got)-1]), s) >= try {
			return got
		}
	}
	return even
}

// fill breaks text into lines that are as full as they can be.
func (p *pen) fill(text string, s style, w int) []string {
	var lines []string
	line := ""
	for _, u := range units(text) {
		switch joined := line + u; {
		case p.measure([]byte(strings.TrimRight(joined, " ")), s) <= w:
			line = joined
			continue
		case line != "":
			lines = append(lines, strings.TrimRight(line, " "))
		}
		u = strings.TrimLeft(u, " ")
		for p.measure([]byte(u), s) > w {
			head := p.head(u, s, w)
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
func (p *pen) head(u string, s style, w int) string {
	end := 0
	for i, r := range u {
		next := i + len(string(r))
		if end > 0 && p.measure([]byte(u[:next]), s) > w {
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
		case script(r) == kanji && unicode.IsDigit(lastRune(out[last])): // 17時
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
	kanji
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
		return kanji
	}
	return none
}

func lastRune(s string) (last rune) {
	for _, r := range s {
		last = r
	}
	return last
}
