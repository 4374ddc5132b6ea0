package escpos

import "kioskd/internal/hw/printer/dots"

// rasterHead is the length of a raster command without its rows.
const rasterHead = 8

// Raster draws b as raster commands (GS v 0) of at most most bytes each, and
// gives them to emit one by one; each is lent until emit returns. White at the
// right is not sent. b is defused first ([Defuse]). It ends with emit's error.
func Raster(b *dots.Bitmap, most int, emit func([]byte) error) error {
	Defuse(b)
	return b.Commands(most, rasterHead, head, emit)
}

func head(dst []byte, s dots.Strip) []byte {
	return append(dst, gs, 'v', '0', 0, byte(s.Bytes), byte(s.Bytes>>8), byte(s.Rows), 0)
}

// Blank feeds the paper by exactly so many rows, on every printer: the units of
// feed commands differ between them, those of pictures do not.
func Blank(dst []byte, rows int) []byte {
	for rows > 0 {
		n := min(rows, dots.MaxRows)
		dst = head(dst, dots.Strip{Rows: n, Bytes: 1})
		dst = append(dst, make([]byte, n)...)
		rows -= n
	}
	return dst
}

// Defuse adds a dot wherever the rows, sent one after the other and cut off
// anywhere at the right, could hold a real-time sequence (see the package
// comment). Inside a row it widens a single dot by its right neighbour, which
// nobody sees: 10 becomes 18. A row that begins like the second byte of a sequence
// gets a dot there (04 becomes 0C), so that no end of the row before matters. It
// returns the number of changes.
func Defuse(b *dots.Bitmap) int {
	n := 0
	for y := range b.Height {
		row := b.Row(y)
		if realTime(row[0]) {
			row[0] |= 0x08
			n++
		}
		for i := 0; i+1 < len(row); i++ {
			if row[i] == dle && realTime(row[i+1]) {
				row[i] = 0x18
				n++
			}
		}
	}
	return n
}
