package printertest

import (
	"golang.org/x/text/encoding/japanese"

	"kioskd/internal/hw/printer/dots"
)

// Cells and the default line spacing (a sixth of an inch), in dots.
const (
	cellRows = 24
	spacing  = 34
)

// look is how the characters that follow are printed.
type look struct {
	bold, reverse bool
	wide, high    int
}

// cell is one character on the line that is open.
type cell struct {
	look
	char  rune
	glyph *dots.Bitmap // nil: blank
	width int
}

// text is the state of character printing.
type text struct {
	look
	align byte
	kanji bool // FS &
	sjis  bool // two bytes a character in Shift_JIS (FS C 1), with or without FS &
	lead  byte
	line  []cell
}

func freshText() text { return text{look: look{wide: 1, high: 1}} }

// letter takes a byte of text.
func (m *machine) letter(b byte) {
	t := &m.text
	if !t.kanji && !t.sjis {
		m.strays++ // slips use no characters outside kanji mode
	}
	if t.lead != 0 {
		pair := []byte{t.lead, b}
		t.lead = 0
		r := []rune(decode(pair))
		m.put(r[0], 24)
		return
	}
	if t.sjis && (b >= 0x81 && b <= 0x9F || b >= 0xE0 && b <= 0xFC) {
		if m.model.NoKanji {
			m.put('?', 12) // some sign of a foreign code page
			return
		}
		t.lead = b
		return
	}
	m.put(rune(b), 12)
}

func decode(b []byte) string {
	out, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err != nil || len(out) == 0 {
		return "〓"
	}
	return string(out)
}

// put adds a character to the open line; a full line is printed first.
func (m *machine) put(r rune, width int) {
	t := &m.text
	used := width * t.wide
	for _, c := range t.line {
		used += c.width * c.wide
	}
	if used > m.dots {
		m.flushLine()
	}
	t.line = append(t.line, cell{look: t.look, char: r, glyph: m.rom.Glyph(r, t.bold), width: width})
}

// flushLine prints the open line and feeds by the line spacing.
func (m *machine) flushLine() {
	t := &m.text
	width, high := 0, 1
	for _, c := range t.line {
		width += c.width * c.wide
		high = max(high, c.high)
	}
	strip := dots.New(m.dots, high*cellRows)
	x := 0
	switch t.align {
	case 1:
		x = (m.dots - width) / 2
	case 2:
		x = m.dots - width
	}
	for _, c := range t.line {
		for y := range c.high * cellRows {
			for i := range c.width * c.wide {
				black := c.glyph != nil && c.glyph.Black(i/c.wide, y/c.high)
				if black != c.reverse {
					strip.Set(x+i, strip.Height-c.high*cellRows+y)
				}
			}
		}
		x += c.width * c.wide
	}
	m.write(t.line)
	t.line = nil
	for y := range strip.Height {
		m.print(strip.Row(y))
	}
	m.feed(max(0, spacing-strip.Height))
}

// write keeps a line as text.
func (m *machine) write(line []cell) {
	if m.transcript == nil {
		return
	}
	text := make([]rune, len(line))
	for i, c := range line {
		text[i] = c.char
	}
	m.transcript.lines = append(m.transcript.lines, string(text))
}
