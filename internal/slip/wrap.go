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

// wrap breaks text into lines at most w wide. Western words stay whole unless
// one alone is too wide; Japanese breaks between any two characters that allow it.
func (p *pen) wrap(text string, s style, w int) []string {
	var lines []string
	line := ""
	for _, u := range units(text) {
		switch joined := line + u; {
		case p.measure([]byte(strings.TrimRight(joined, " ")), s) <= w:
			line = joined
			continue
		case line != "":
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
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
		case western(r) && western(lastRune(out[last])):
			out[last] += c
		default:
			out = append(out, c)
		}
		glue = strings.ContainsRune(notLast, r)
	}
	return out
}

func western(r rune) bool { return r != ' ' && r < 0x2E80 && unicode.IsPrint(r) }

func lastRune(s string) (last rune) {
	for _, r := range s {
		last = r
	}
	return last
}
