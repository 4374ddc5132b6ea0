// Package dots holds pictures as a print head takes them: one bit a dot.
package dots

import (
	"bytes"
	"slices"
)

// Bitmap is a picture of dots, one bit each: the most significant bit is the
// leftmost dot and 1 is black, which is what a print head takes.
type Bitmap struct {
	Width  int // dots
	Height int
	Stride int // bytes a row
	Bits   []byte
}

// New gives a white bitmap.
func New(width, height int) *Bitmap {
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

// Rows lends the rows from y on, n of them, as a picture of their own.
func (b *Bitmap) Rows(y, n int) *Bitmap {
	return &Bitmap{Width: b.Width, Height: n, Stride: b.Stride, Bits: b.Bits[y*b.Stride : (y+n)*b.Stride]}
}

// Extent is how many bytes of row y there are up to the last one with ink.
func (b *Bitmap) Extent(y int) int { return len(bytes.TrimRight(b.Row(y), "\x00")) }

// Equal reports whether both show the same picture.
func (b *Bitmap) Equal(o *Bitmap) bool {
	return b.Width == o.Width && b.Height == o.Height && bytes.Equal(b.Bits, o.Bits)
}

// Strip is a run of rows that are sent in one command, each cut off after Bytes.
type Strip struct {
	Row, Rows int
	Bytes     int // of each row; at least 1, for a command draws at least that
}

// Strips cuts the picture into runs that need the fewest bytes, when each run
// costs head bytes beside its rows and must not be longer than most. What is
// white at the right end of a run is not sent, so white rows cost a byte each and
// keep their exact height on every printer: the units of feed commands differ.
func (b *Bitmap) Strips(head, most, maxRows int) []Strip {
	n := b.Height
	extent := make([]int, n)
	for y := range extent {
		extent[y] = max(1, b.Extent(y))
	}
	cost := make([]int, n+1) // of the rows before
	from := make([]int, n+1) // where the last run begins
	for end := 1; end <= n; end++ {
		cost[end] = -1
		wide := 1
		for begin := end - 1; begin >= 0 && end-begin <= maxRows; begin-- {
			wide = max(wide, extent[begin])
			rows := end - begin
			if head+rows*wide > most && rows > 1 {
				break
			}
			if c := cost[begin] + head + rows*wide; cost[end] < 0 || c < cost[end] {
				cost[end], from[end] = c, begin
			}
		}
	}
	var out []Strip
	for end := n; end > 0; end = from[end] {
		out = append(out, Strip{Row: from[end], Rows: end - from[end], Bytes: slices.Max(extent[from[end]:end])})
	}
	slices.Reverse(out)
	return out
}

// MaxRows is the highest command of a picture: a stall must not leave a large one open.
const MaxRows = 128

// small is what a command costs besides its bytes, in bytes: a printer has to begin
// anew with each, so none is cut in two to save less.
const small = 16

// Commands gives the picture as commands of at most most bytes each to emit, one by
// one; each is lent until emit returns. A command is what head writes, size bytes, and
// the rows of its strip. It ends with emit's error.
func (b *Bitmap) Commands(most, size int, head func(dst []byte, s Strip) []byte, emit func([]byte) error) error {
	buf := make([]byte, 0, most)
	defer func() { clear(buf[:cap(buf)]) }() // slips show codes
	for _, s := range b.Strips(size+small, most+small, MaxRows) {
		buf = head(buf[:0], s)
		for y := s.Row; y < s.Row+s.Rows; y++ {
			buf = append(buf, b.Row(y)[:s.Bytes]...)
		}
		if err := emit(buf); err != nil {
			return err
		}
	}
	return nil
}
