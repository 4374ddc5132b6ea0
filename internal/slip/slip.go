// Package slip lays out the slip (控え) that a shopper takes home, in pieces that
// the printer's driver takes one by one, from top to bottom.
//
// There are two ways. A drawn slip is pictures, text and all: it looks the same on
// every printer and needs no characters from a printer's memory. A typed one is
// lines of the printer's own Japanese characters: a twentieth of the bytes, for slow
// serial lines. Which one it is, the printer's profile says.
//
// The QR code stands beside the text that explains it where it is drawn. A printer
// that draws it itself (profile QR) can only put it on lines of its own; it is sharp
// then, and takes a fraction of the bytes.
//
// The code holds the reception number, or the service ID on an issuance, as
// plain text. It never holds a security code.
//
// A [Maker] is immutable and may be used from several goroutines.
package slip

import (
	"errors"
	"fmt"
	"iter"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/kanji"
	"kioskd/internal/lang"
)

// Place is where the kiosk stands, for the foot of the slip.
type Place struct {
	Store string
	Kiosk string // the terminal; may be empty
	Phone string // where a shopper asks; may be empty
}

// Maker makes slips.
type Maker struct {
	catalogue *catalogue.Catalogue
	texts     *lang.Texts
	place     Place
	fonts     *fonts
	kanji     *kanji.Coder
}

// New makes a Maker with the built-in faces.
func New(c *catalogue.Catalogue, t *lang.Texts, p Place) (*Maker, error) {
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	return &Maker{catalogue: c, texts: t, place: p, fonts: f, kanji: kanji.NewCoder()}, nil
}

// MinDots and MaxDots are the narrowest and widest paper that a slip fits.
const (
	MinDots = 384
	MaxDots = 832
)

// ErrWidth says that the paper is too narrow or too wide.
var ErrWidth = errors.New("cannot lay out slip: the paper must have 384 to 832 dots")

// errLeft says that nobody takes any more pieces.
var errLeft = errors.New("the slip was left off")

// Draw gives the pieces of a slip for a printer. reprint adds the mark 再発行. What
// it gives is lent until the next piece and wiped then: an issuance shows its codes.
// s must not change meanwhile.
func (m *Maker) Draw(s flow.Slip, reprint bool) printer.Drawing {
	return func(p printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			err := m.draw(s, reprint, p, func(piece printer.Piece) error {
				if !yield(piece, nil) {
					return errLeft
				}
				return nil
			})
			if err != nil && !errors.Is(err, errLeft) {
				yield(nil, fmt.Errorf("cannot lay out slip: %w", err))
			}
		}
	}
}

func (m *Maker) draw(s flow.Slip, reprint bool, p printer.Profile, emit func(printer.Piece) error) error {
	if p.Dots < MinDots || p.Dots > MaxDots {
		return ErrWidth
	}
	l := &layout{m: m, s: s, lang: s.Lang}
	if p.Text && m.typeable(s.Lang) {
		l.sheet = newTyped(m, p, emit)
	} else {
		l.sheet = newDrawn(m, l.labels(), p, emit)
	}
	return l.draw(reprint)
}

// typeable says whether a printer with Japanese characters has all that a language
// needs.
func (m *Maker) typeable(lang string) bool { return lang == "ja" || lang == "en" }
