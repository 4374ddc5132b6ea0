// Package slip lays out the slip (控え) that a shopper takes home and turns it
// into printer bytes.
//
// A slip is drawn as one picture, text and QR code alike. So it looks the same
// on every printer, needs no characters from a printer's memory, and the QR code
// can stand beside the text that explains it; a printer that draws the code
// itself (GS ( k) can only put it on lines of its own, and clones disagree about
// its size. At a whole number of dots a module the picture is as sharp.
//
// The code holds the reception number, or the service ID on an issuance, as
// plain text. It never holds a security code.
//
// A [Maker] is immutable and may be used from several goroutines.
package slip

import (
	"errors"
	"fmt"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/lang"
)

// Place is where the kiosk stands, for the foot of the slip.
type Place struct {
	Store string
	Kiosk string
}

// Maker makes slips.
type Maker struct {
	catalogue *catalogue.Catalogue
	texts     *lang.Texts
	place     Place
	fonts     *fonts
}

// New makes a Maker with the built-in faces.
func New(c *catalogue.Catalogue, t *lang.Texts, p Place) (*Maker, error) {
	f, err := loadFonts()
	if err != nil {
		return nil, err
	}
	return &Maker{catalogue: c, texts: t, place: p, fonts: f}, nil
}

// MinDots is the narrowest paper that a slip fits.
const MinDots = 384

// ErrWidth says that the paper is too narrow or too wide.
var ErrWidth = errors.New("cannot lay out slip: the paper must have 384 to 832 dots")

// Encode makes the bytes of printer.Job.Data. reprint adds the mark 再発行. The
// bytes of an issuance show its codes: the caller clears them after printing.
func (m *Maker) Encode(s flow.Slip, dots int, reprint bool) ([]byte, error) {
	b, err := m.Render(s, dots, reprint)
	if err != nil {
		return nil, err
	}
	defer clear(b.Bits)
	return escpos.AppendRaster(make([]byte, 0, len(b.Bits)+len(b.Bits)/50+64), b), nil
}

// Render draws the slip.
func (m *Maker) Render(s flow.Slip, dots int, reprint bool) (*escpos.Bitmap, error) {
	if dots < MinDots || dots > 832 {
		return nil, ErrWidth
	}
	l := &layout{m: m, s: s, pen: newPen(m.fonts, dots), lang: s.Lang}
	if err := l.draw(reprint); err != nil {
		return nil, fmt.Errorf("cannot lay out slip: %w", err)
	}
	b := l.pen.picture()
	b.Defuse() // here, so that the picture is exactly what is printed
	return b, nil
}
