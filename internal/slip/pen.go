package slip

import (
	"image"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"kioskd/internal/hw/printer/dots"
)

// threshold turns coverage into a dot. A little under one half: thin strokes
// of small characters stay closed on thermal paper.
const threshold = 0x74

// pen draws on paper that grows downwards. What it draws is taken off strip by
// strip, so it holds no more than one block of a slip.
type pen struct {
	faces  faces
	width  int
	stride int
	bits   []byte
	y      int // where the next block begins
}

func newPen(f *fonts, width int) *pen {
	return &pen{
		faces: faces{fonts: f, open: map[style]font.Face{}, wide: map[glyph]fixed.Int26_6{}}, width: width, stride: (width + 7) / 8,
		bits: make([]byte, 0, (width+7)/8*400),
	}
}

// take gives what has been drawn, as high as the pen has come, to do, and begins
// anew below it. The picture is wiped afterwards.
func (p *pen) take(do func(*dots.Bitmap) error) error {
	if p.y == 0 {
		return nil
	}
	p.reach(p.y)
	defer func() {
		clear(p.bits)
		p.bits, p.y = p.bits[:0], 0
	}()
	return do(&dots.Bitmap{Width: p.width, Height: p.y, Stride: p.stride, Bits: p.bits[:p.y*p.stride]})
}

// reach makes the paper at least y high.
func (p *pen) reach(y int) {
	need := y * p.stride
	switch {
	case need <= len(p.bits):
	case need <= cap(p.bits):
		p.bits = p.bits[:need] // what lies beyond was wiped
	default:
		more := make([]byte, need, 2*need)
		copy(more, p.bits)
		clear(p.bits)
		p.bits = more
	}
}

func (p *pen) dot(x, y int, black bool) {
	if x < 0 || y < 0 || x >= p.width {
		return
	}
	p.reach(y + 1)
	at, mask := y*p.stride+x/8, byte(0x80)>>(x%8)
	if black {
		p.bits[at] |= mask
	} else {
		p.bits[at] &^= mask
	}
}

// box fills a rectangle.
func (p *pen) box(x, y, w, h int) { p.round(x, y, w, h, 0, true) }

// round fills a rectangle with round corners.
func (p *pen) round(x, y, w, h, r int, black bool) {
	for j := range h {
		for i := range w {
			dx, dy := max(r-i, i-(w-1-r), 0), max(r-j, j-(h-1-r), 0)
			if dx*dx+dy*dy <= r*r {
				p.dot(x+i, y+j, black)
			}
		}
	}
}

// frame draws the outline of a rectangle with round corners.
func (p *pen) frame(x, y, w, h, r, thick int) {
	p.round(x, y, w, h, r, true)
	p.round(x+thick, y+thick, w-2*thick, h-2*thick, max(r-thick, 0), false)
}

// measure gives the width of text in dots.
func (p *pen) measure(text []byte, s style) int {
	var w fixed.Int26_6
	n := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		w += p.faces.advance(s, r)
		n++
	}
	return w.Ceil() + max(n-1, 0)*s.track
}

// line writes one line with its top at y. Text is bytes, not a string, so that
// a security code leaves no copy behind.
func (p *pen) line(x, y int, text []byte, s style, black bool) {
	face := p.faces.face(s)
	dot := fixed.P(x, y+(s.lead()+s.size*74/100)/2)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		dr, mask, mp, adv, ok := face.Glyph(dot, r)
		if !ok {
			continue
		}
		if alpha, ok := mask.(*image.Alpha); ok {
			p.glyph(dr, alpha, mp, black)
		}
		dot.X += adv + fixed.I(s.track)
	}
}

func (p *pen) glyph(dr image.Rectangle, mask *image.Alpha, mp image.Point, black bool) {
	for y := dr.Min.Y; y < dr.Max.Y; y++ {
		row := mask.PixOffset(mp.X, mp.Y+y-dr.Min.Y)
		for x := dr.Min.X; x < dr.Max.X; x++ {
			if mask.Pix[row+x-dr.Min.X] >= threshold {
				p.dot(x, y, black)
			}
		}
	}
}

// fit gives the largest style not above s in which text is at most w wide.
func (p *pen) fit(text []byte, s style, w int) style {
	for s.size > 20 && p.measure(text, s) > w {
		s.size -= 2
		s.track = max(s.track-1, 0)
	}
	return s
}

// para writes text in as many lines as it needs, from the pen's y on, and moves the pen.
func (p *pen) para(x, w int, text string, s style) {
	for _, l := range p.wrap(text, s, w) {
		p.line(x, p.y, []byte(l), s, true)
		p.y += s.lead()
	}
}
