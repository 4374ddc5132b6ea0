// Package sliptest gives virtual printers the characters that a Japanese one has in
// its memory, so that typed slips can be looked at.
package sliptest

import (
	"image"
	"sync"

	ximage "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/slip/font"
)

// rows is the height of a cell; letters are half as wide as they are high.
const rows = 24

// ROM implements printertest.ROM with the built-in faces.
type ROM struct {
	mu            sync.Mutex
	regular, bold ximage.Face
}

// NewROM makes a ROM.
func NewROM() (*ROM, error) {
	regular, err := face(font.Regular(), 22)
	if err != nil {
		return nil, err
	}
	bold, err := face(font.Bold(), 22)
	if err != nil {
		return nil, err
	}
	return &ROM{regular: regular, bold: bold}, nil
}

func face(file []byte, size float64) (ximage.Face, error) {
	f, err := opentype.Parse(file)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
}

// Glyph implements printertest.ROM.
func (r *ROM) Glyph(c rune, bold bool) *dots.Bitmap {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.regular
	if bold {
		from = r.bold
	}
	width := rows
	if c < 0x80 || c >= 0xFF61 && c <= 0xFF9F {
		width = rows / 2
	}
	advance, ok := from.GlyphAdvance(c)
	if !ok {
		return nil
	}
	// A letter that is too wide for its cell is squeezed into it.
	drawn := max(width, advance.Ceil())
	cell := image.NewAlpha(image.Rect(0, 0, drawn, rows))
	d := ximage.Drawer{Dst: cell, Src: image.Opaque, Face: from, Dot: fixed.P(0, 19)}
	d.Dot.X = (fixed.I(drawn) - advance) / 2
	d.DrawString(string(c))
	out := dots.New(width, rows)
	for y := range rows {
		for x := range width {
			left, right := x*drawn/width, max((x+1)*drawn/width, x*drawn/width+1)
			darkest := uint8(0)
			for i := left; i < right; i++ {
				darkest = max(darkest, cell.AlphaAt(i, y).A)
			}
			if darkest >= 0x70 {
				out.Set(x, y)
			}
		}
	}
	return out
}
