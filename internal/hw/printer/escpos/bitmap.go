package escpos

import "bytes"

// Bitmap is a picture of dots, one bit each: the most significant bit is the
// leftmost dot and 1 is black, which is what a print head takes.
type Bitmap struct {
	Width  int // dots
	Height int
	Stride int // bytes a row
	Bits   []byte
}

// NewBitmap gives a white bitmap.
func NewBitmap(width, height int) *Bitmap {
	stride := (width + 7) / 8
	return &Bitmap{Width: width, Height: height, Stride: stride, Bits: make([]byte, stride*height)}
}

// Black reports the dot at x, y. Outside the picture all is white.
func (b *Bitmap) Black(x, y int) bool {
	if x < 0 || y < 0 || x >= b.Width || y >= b.Height {
		return false
	}
	return b.Bits[y*b.Stride+x/8]&(0x80>>(x%8)) != 0
}

// Set makes the dot at x, y black.
func (b *Bitmap) Set(x, y int) {
	if x < 0 || y < 0 || x >= b.Width || y >= b.Height {
		return
	}
	b.Bits[y*b.Stride+x/8] |= 0x80 >> (x % 8)
}

// Row lends the bytes of row y.
func (b *Bitmap) Row(y int) []byte { return b.Bits[y*b.Stride : (y+1)*b.Stride] }

// Equal reports whether both show the same picture.
func (b *Bitmap) Equal(o *Bitmap) bool {
	return b.Width == o.Width && b.Height == o.Height && bytes.Equal(b.Bits, o.Bits)
}

// Defuse flips one dot wherever a row run would hold a real-time sequence (see
// the package comment). It widens an existing single dot by its right
// neighbour, which nobody sees: 10 becomes 18. It returns the number of changes.
//
// Rows follow each other without a gap on the wire, so a sequence can begin at
// the end of one row and end at the start of the next.
func (b *Bitmap) Defuse() int {
	n := 0
	for i := 0; i+1 < len(b.Bits); i++ {
		if b.Bits[i] == dle && realTime(b.Bits[i+1]) {
			b.Bits[i] = 0x18
			n++
		}
	}
	return n
}
