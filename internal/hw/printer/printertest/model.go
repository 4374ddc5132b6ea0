package printertest

import "kioskd/internal/hw/printer/dots"

// Model is what make of printer the virtual one is.
type Model struct {
	Star       bool // it speaks StarPRNT, not ESC/POS
	Dots       int
	Buffer     int    // bytes of its receive buffer
	Maker      string // "": it does not say who it is
	Name       string
	Speed      int  // rows a second that its head prints; 0: no time passes
	Dumb       bool // it answers no question about its state
	NoMarker   bool // it does not answer GS r
	NoComplete bool // it does not answer GS ( H
	NoClear    bool // it does not know DLE DC4 8
	NoCutter   bool
	NoQR       bool
	NoKanji    bool
}

// Epson is a current printer of 80 mm that knows everything.
func Epson() Model { return Model{Dots: 576, Buffer: BufferSize, Maker: "VIRTUAL", Name: "SLIP-80"} }

// Clone is a cheap one: state and GS r, no more.
func Clone() Model {
	return Model{Dots: 576, Buffer: BufferSize, NoComplete: true, NoClear: true, NoQR: true, NoKanji: true}
}

// Star is a printer that speaks StarPRNT.
func Star() Model {
	return Model{Star: true, Dots: 576, Buffer: BufferSize, Maker: "VIRTUAL", Name: "STAR-80"}
}

// BufferSize is the receive buffer: the smallest in the field.
const BufferSize = 4096

// HeadSpeed is 150 mm a second at 8 dots a mm: a printer of middling speed.
const HeadSpeed = 1200

// ROM is the characters in a printer's memory.
type ROM interface {
	// Glyph is a character in a cell of 24 rows, 24 dots wide or 12 for narrow ones;
	// nil where it has none.
	Glyph(r rune, bold bool) *dots.Bitmap
}

// boxes is a ROM for tests that do not look at the characters: every one is a frame.
type boxes struct{}

// Glyph implements ROM.
func (boxes) Glyph(r rune, _ bool) *dots.Bitmap {
	if r == ' ' || r == '　' {
		return nil
	}
	w := 24
	if r < 0x80 {
		w = 12
	}
	b := dots.New(w, 24)
	for y := 2; y < 22; y++ {
		for x := 1; x < w-1; x++ {
			if y == 2 || y == 21 || x == 1 || x == w-2 {
				b.Set(x, y)
			}
		}
	}
	return b
}
