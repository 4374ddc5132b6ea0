// Package starprnt encodes the part of StarPRNT that a drawn slip needs, and
// decodes the status that such a printer sends. Sources: Star's manuals of Line
// Mode, Graphic Mode and StarPRNT, as far as docs/HARDWARE.md names them.
package starprnt

import "kioskd/internal/hw/printer/dots"

// Control bytes.
const (
	ack = 0x06
	etb = 0x17
	esc = 0x1B
	gs  = 0x1D
	rs  = 0x1E
)

// Init resets the modes of the printer (ESC @).
func Init() []byte { return []byte{esc, '@'} }

// AutoStatus makes the printer send its status with every change (ESC RS a).
func AutoStatus() []byte { return []byte{esc, rs, 'a', 1} }

// Status asks for the status at once (ESC ACK SOH).
func Status() []byte { return []byte{esc, ack, 1} }

// End asks for an answer once everything before it has been printed (ETB): a status
// whose counter has gone on by one. Automatic status must be on.
func End() []byte { return []byte{etb} }

// Cut feeds past the cutter and cuts partially (ESC d).
func Cut() []byte { return []byte{esc, 'd', 3} }

// CutOff is Cut, but wholly.
func CutOff() []byte { return []byte{esc, 'd', 2} }

// Identity asks for model and firmware (ESC # *).
func Identity() []byte { return []byte{esc, '#', '*', '\n', 0} }

// rasterHead is the length of a raster command without its rows.
const rasterHead = 9

// Raster draws b as raster commands (ESC GS S) of at most most bytes each, and
// gives them to emit one by one; each is lent until emit returns. White at the
// right is not sent. b is defused first ([Defuse]). It ends with emit's error.
func Raster(b *dots.Bitmap, most int, emit func([]byte) error) error {
	Defuse(b)
	return b.Commands(most, rasterHead, head, emit)
}

func head(dst []byte, s dots.Strip) []byte {
	return append(dst, esc, gs, 'S', 1, byte(s.Bytes), 0, byte(s.Rows), 0, 0)
}

// Blank feeds the paper by exactly so many rows.
func Blank(dst []byte, rows int) []byte {
	for rows > 0 {
		n := min(rows, dots.MaxRows)
		dst = head(dst, dots.Strip{Rows: n, Bytes: 1})
		dst = append(dst, make([]byte, n)...)
		rows -= n
	}
	return dst
}

// Defuse adds a dot wherever rows that follow each other could hold a sequence that
// the printer acts on at once: ESC ACK, and ESC GS which can end a document. Single
// bytes that Line Mode acts on (ENQ, EOT, CAN) cannot be kept out of a picture;
// nothing says that StarPRNT looks for them there. It returns the number of changes.
func Defuse(b *dots.Bitmap) int {
	n := 0
	for y := range b.Height {
		row := b.Row(y)
		switch row[0] {
		case ack:
			row[0], n = 0x0E, n+1
		case gs:
			row[0], n = 0x1F, n+1
		}
		for i := 0; i+1 < len(row); i++ {
			if row[i] == esc && (row[i+1] == ack || row[i+1] == gs) {
				row[i] = 0x1F
				n++
			}
		}
	}
	return n
}

// HasRealTime reports whether b holds what Defuse removes.
func HasRealTime(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == esc && (b[i+1] == ack || b[i+1] == gs) {
			return true
		}
	}
	return false
}
