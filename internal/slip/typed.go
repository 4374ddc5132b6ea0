package slip

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"rsc.io/qr"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/kanji"
)

// typed is a sheet of the printer's own characters.
type typed struct {
	kanji   *kanji.Coder
	profile printer.Profile
	emit    func(printer.Piece) error
	columns int
	// For what is wiped after each line: longer than any, so that neither moves and
	// leaves a copy behind.
	buf, folded []byte
}

var _ sheet = (*typed)(nil)

// columnDots is how wide a plain letter is.
const columnDots = 12

func newTyped(m *Maker, p printer.Profile, emit func(printer.Piece) error) *typed {
	return &typed{kanji: m.kanji, profile: p, emit: emit, columns: p.Dots / columnDots, buf: make([]byte, 0, 1024), folded: make([]byte, 0, 1024)}
}

// face is how a line is set.
type face struct {
	align printer.Align
	bold  bool
	size  int
	mark  string // stands at the end, reversed
}

// line sets one line, which is lent to the driver and wiped then.
func (t *typed) line(text []byte, f face) error {
	defer t.wipe()
	t.folded = t.kanji.Fold(t.folded[:0], text)
	t.buf = t.kanji.Encode(t.buf[:0], t.folded)
	spans := []printer.Span{{Text: t.buf, Bold: f.bold, Size: f.size}}
	if f.mark != "" {
		mark := printer.Span{Text: t.encode(" " + f.mark + " "), Reverse: true}
		gap := t.columns - len(t.buf) - len(mark.Text)
		if gap < 1 { // a line of its own
			if err := t.emit(printer.Line{Align: printer.Right, Spans: []printer.Span{mark}}); err != nil {
				return err
			}
		} else {
			spans = append(spans, printer.Span{Text: bytes.Repeat([]byte(" "), gap)}, mark)
		}
	}
	return t.emit(printer.Line{Align: f.align, Spans: spans})
}

func (t *typed) wipe() {
	clear(t.buf[:cap(t.buf)])
	clear(t.folded[:cap(t.folded)])
}

func (t *typed) encode(text string) []byte {
	return t.kanji.Encode(nil, t.kanji.Fold(nil, []byte(text)))
}

// wrap breaks text into lines of at most w columns.
func (t *typed) wrap(text string, w int) []string {
	folded := string(t.kanji.Fold(nil, []byte(text)))
	upTo := make([]int, len(folded)+1) // columns before each character
	for i, r := range folded {
		upTo[i+utf8.RuneLen(r)] = upTo[i] + t.kanji.ColumnsOf(r)
	}
	return wrap(folded, w, 2, func(begin, end int) int { return upTo[end] - upTo[begin] })
}

// para sets text with what stands before its first line; the others are indented
// as far.
func (t *typed) para(before, text string, f face) error {
	indent := t.kanji.Columns(before)
	for _, l := range t.wrap(text, t.columns-indent) {
		if err := t.line([]byte(before+l), f); err != nil {
			return err
		}
		before = strings.Repeat(" ", indent)
	}
	return nil
}

func (t *typed) rule() error { return t.line([]byte(strings.Repeat("─", t.columns/2)), face{}) }

func (t *typed) blank() error { return t.line(nil, face{}) }

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, do := range steps {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func (t *typed) header(programme, title, staff, mark string) error {
	size := 2
	if 2*t.kanji.Columns(title) > t.columns {
		size = 1
	}
	return first(
		func() error { return t.line([]byte(programme), face{bold: true, mark: mark}) },
		func() error { return t.line([]byte(title), face{bold: true, size: size}) },
		func() error {
			if staff == "" {
				return nil
			}
			return t.line([]byte(staff), face{})
		},
	)
}

// panel stands between rules.
func (t *typed) panel(figures ...figure) error {
	if err := t.rule(); err != nil {
		return err
	}
	for _, f := range figures {
		if err := t.line([]byte(f.label), face{align: printer.Centre}); err != nil {
			return err
		}
		if err := t.figure(f.text); err != nil {
			return err
		}
	}
	return t.rule()
}

// figure sets a number as large as it fits, on several lines if it has to.
func (t *typed) figure(text []byte) error {
	f := face{align: printer.Centre, bold: true, size: 2}
	if 2*len(text) > t.columns {
		f.size = 1
	}
	for len(text) > t.columns {
		if err := t.line(text[:t.columns], f); err != nil {
			return err
		}
		text = text[t.columns:]
	}
	return t.line(text, f)
}

func (t *typed) row(name, text string) error {
	if t.kanji.Columns(name)+2+t.kanji.Columns(text) <= t.columns {
		return t.para(name+"  ", text, face{})
	}
	return first(
		func() error { return t.line([]byte(name), face{}) },
		func() error { return t.para("  ", text, face{bold: true}) },
	)
}

func (t *typed) heading(text string) error {
	return first(t.blank, func() error { return t.para("■ ", text, face{bold: true}) })
}

func (t *typed) steps(texts ...string) error {
	for i, text := range texts {
		if err := t.para(fmt.Sprintf("%d. ", i+1), text, face{}); err != nil {
			return err
		}
	}
	return nil
}

func (t *typed) notice(text string) error {
	return first(t.blank, func() error { return t.para("※ ", text, face{bold: true}) })
}

func (t *typed) paragraph(text string, _ bool) error { return t.para("", text, face{}) }

// code is drawn by the printer, or for it: at the left then, for every byte on the
// white side of it would take its time on a slow line.
func (t *typed) code(content, caption string) error {
	beside := face{align: printer.Centre}
	if !t.profile.QR {
		beside = face{}
	}
	return first(
		t.blank,
		func() error {
			if t.profile.QR {
				return t.emit(printer.QR{Content: content, Module: module})
			}
			return t.picture(content)
		},
		t.blank,
		func() error {
			for _, l := range t.wrap(caption, t.columns) {
				if err := t.line([]byte(l), beside); err != nil {
					return err
				}
			}
			return nil
		},
	)
}

func (t *typed) picture(content string) error {
	c, err := qr.Encode(content, qr.M)
	if err != nil {
		return fmt.Errorf("cannot make QR code: %w", err)
	}
	size := c.Size * module
	b := dots.New(t.profile.Dots, size)
	const left = quiet
	for y := range size {
		for x := range size {
			if c.Black(x/module, y/module) {
				b.Set(left+x, y)
			}
		}
	}
	return t.emit(printer.Picture{Bitmap: b})
}

func (t *typed) footer(text string) error {
	return first(t.rule, func() error { return t.para("", text, face{}) })
}
