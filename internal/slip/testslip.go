package slip

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"kioskd/internal/flow"
	"kioskd/internal/hw/printer"
)

// Trial is what a test slip says of itself.
type Trial struct {
	At      time.Time
	Printer string // who it says it is; may be empty
	Line    string // how it is reached; may be empty
}

// Test gives the pieces of a test slip: it shows whether the width is right, every
// language, QR codes in each way that the printer has, and whether fine and dark
// parts come out. It is for technicians, so its own words are English.
func (m *Maker) Test(t Trial) printer.Drawing {
	return func(p printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			err := m.test(t, p, func(piece printer.Piece) error {
				if !yield(piece, nil) {
					return errLeft
				}
				return nil
			})
			if err != nil && !errors.Is(err, errLeft) {
				yield(nil, fmt.Errorf("cannot lay out test slip: %w", err))
			}
		}
	}
}

func (m *Maker) test(t Trial, p printer.Profile, emit func(printer.Piece) error) error {
	if p.Dots < MinDots || p.Dots > MaxDots {
		return ErrWidth
	}
	rows := [][2]string{
		{"profile", p.Name}, {"language", string(p.Language)}, {"paper", strconv.Itoa(p.Dots) + " dots"},
		{"printer", t.Printer}, {"line", t.Line},
	}
	labels := m.texts.Langs()
	for _, r := range rows {
		labels = append(labels, r[0])
	}
	s := &trial{Maker: m, profile: p, drawn: newDrawn(m, labels, p, emit), typed: newTyped(m, p, emit)}
	at := t.At.In(flow.Tokyo).Format("2006-01-02 15:04")
	return first(
		func() error { return s.drawn.header("kioskd doctor printer", "Test slip", at, "") },
		func() error { return s.rows(rows) },
		s.ruler, s.languages, s.characters, s.codes, s.fine, s.dark,
		func() error { return s.drawn.footer("End of the test slip. The paper is cut below.") },
	)
}

// trial is a test slip that is being drawn.
type trial struct {
	*Maker
	profile printer.Profile
	drawn   *drawn
	typed   *typed
}

// rows are labels and values, as far as there are any.
func (s *trial) rows(list [][2]string) error {
	for _, r := range list {
		if r[1] == "" {
			continue
		}
		if err := s.drawn.row(r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// The marks of the ruler, in dots. Most heads have 8 dots a millimetre.
const (
	tickEach = 8
	tickHalf = 40
	tickFull = 80
	arrow    = 20
)

// ruler goes across the whole paper. The tips of the arrows are its outermost dots:
// where a tip is missing, the head has fewer dots than the profile says; where much
// white is left beside one, it may have more.
func (s *trial) ruler() error {
	if err := s.drawn.heading("Ruler, in dots: both arrows must have their tips"); err != nil {
		return err
	}
	p, w := s.drawn.pen, s.profile.Dots
	for i := range 2*arrow + 1 {
		from := max(i-arrow, arrow-i) // the middle row reaches the edge
		p.box(from, p.y+i, arrow+1-from, 1)
		p.box(w-1-arrow, p.y+i, arrow+1-from, 1)
	}
	last := strconv.Itoa(w - 1)
	p.line(arrow+12, p.y+4, []byte("0"), label, true)
	p.line(w-arrow-12-p.measure([]byte(last), label), p.y+4, []byte(last), label, true)
	s.drawn.gap(2*arrow + 7)
	p.box(0, p.y, w, 2)
	for x := 0; x < w; x += tickEach {
		length := 8
		switch {
		case x%tickFull == 0:
			length = 26
			n := []byte(strconv.Itoa(x))
			wide := p.measure(n, small)
			p.line(min(max(x-wide/2, 0), w-wide), p.y+28, n, small, true)
		case x%tickHalf == 0:
			length = 16
		}
		p.box(x, p.y, 1, length)
	}
	p.box(w-1, p.y, 1, 26)
	s.drawn.gap(28 + small.lead())
	return s.drawn.done()
}

// languages are drawn, every one that the screen has.
func (s *trial) languages() error {
	if err := s.drawn.heading("Every language, drawn"); err != nil {
		return err
	}
	for _, lang := range s.texts.Langs() {
		if err := s.drawn.row(lang, s.texts.T(lang, "slip.issuance.keep")); err != nil {
			return err
		}
	}
	return nil
}

// characters are the printer's own, where slips are printed with them.
func (s *trial) characters() error {
	if !s.profile.Text {
		return nil
	}
	if err := s.drawn.heading("With the printer's own characters"); err != nil {
		return err
	}
	for _, lang := range s.texts.Langs() {
		if !s.typeable(lang) {
			continue
		}
		if err := s.typed.para(lang+"  ", s.texts.T(lang, "slip.issuance.keep"), face{}); err != nil {
			return err
		}
	}
	return nil
}

// codes come in each way.
func (s *trial) codes() error {
	byUs := *s.drawn
	byUs.profile.QR = false
	if err := first(
		func() error { return s.drawn.heading("A phone must read each QR code") },
		func() error { return byUs.code("kioskd test slip: drawn", "This one is drawn by kioskd.") },
	); err != nil || !s.profile.QR {
		return err
	}
	return s.drawn.code("kioskd test slip: by the printer", "This one is drawn by the printer itself.")
}

// fine is lines of 1 to 4 dots, upright and lying.
func (s *trial) fine() error {
	if err := s.drawn.heading("Lines of 1, 2, 3 and 4 dots"); err != nil {
		return err
	}
	const blocks = 8
	high := min(48, s.drawn.inner()/blocks-8)
	p := s.drawn.pen
	for i, x := range s.columns(blocks) {
		thick := i/2 + 1
		for at := 0; at < high; at += 2 * thick {
			if i%2 == 0 {
				p.box(x+at, p.y, min(thick, high-at), high)
			} else {
				p.box(x, p.y+at, high, min(thick, high-at))
			}
		}
	}
	s.drawn.gap(high + 8)
	return s.drawn.done()
}

// columns are the left ends of n blocks across the paper.
func (s *trial) columns(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = s.drawn.margin() + i*s.drawn.inner()/n
	}
	return out
}

// dark is five shades, and a bar of all dots at once: a weak power supply shows in it.
func (s *trial) dark() error {
	if err := s.drawn.heading("Shades, and every dot at once"); err != nil {
		return err
	}
	// Dots of a cell of 4 by 4, in the order in which they become black.
	order := [4][4]int{{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}}
	const high = 56
	p := s.drawn.pen
	columns := s.columns(5)
	for i, black := range []int{2, 4, 8, 12, 16} {
		for y := range high {
			for x := range s.drawn.inner() / len(columns) {
				if order[y%4][x%4] < black {
					p.dot(columns[i]+x, p.y+y, true)
				}
			}
		}
	}
	s.drawn.gap(high + 12)
	p.box(0, p.y, s.profile.Dots, 24)
	s.drawn.gap(24 + 8)
	return s.drawn.done()
}
