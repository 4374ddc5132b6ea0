// Package escpos encodes the small part of ESC/POS that a slip needs, and
// decodes what a printer answers.
//
// # Real-time sequences
//
// A printer acts on DLE EOT, DLE ENQ and DLE DC4 the moment they arrive, even
// inside the data of another command: a picture that happens to hold the bytes
// of "clear the buffer" would wipe its own job. Everything that carries free
// data ([AppendRaster], [AppendQR]) therefore either changes the data so that no
// such sequence is left ([Bitmap.Defuse]) or refuses it, and [Commands] refuses a
// job that holds one.
//
// # Use
//
// A job is made of [AppendRaster], [AppendQR] and [AppendFeed] only. The driver
// takes it apart again with [Commands], so that it can pace the printer and ask
// for status between two commands, never inside one.
package escpos

import (
	"errors"
	"fmt"
)

// Control bytes.
const (
	eot = 0x04
	enq = 0x05
	dle = 0x10
	dc4 = 0x14
	esc = 0x1B
	gs  = 0x1D
)

// BandRows is the height of one raster command. At 72 bytes a row two bands are
// 3,456 bytes: they fit the smallest receive buffer in the field (4 KB) and leave
// room for a real-time command, and a stall never leaves a large command open.
const BandRows = 24

// MaxRows is the highest raster command that Commands lets through.
const MaxRows = 128

// MaxQR is the longest content of a QR code. It keeps the high length byte 0,
// so that the length itself cannot look like a real-time sequence.
const MaxQR = 200

// Errors of the encoder and of Commands.
var (
	ErrRealTime = errors.New("cannot encode: the data holds a real-time sequence")
	ErrQR       = errors.New("cannot encode QR code: the content is empty, too long or not plain ASCII")
	ErrForeign  = errors.New("cannot read job: it holds a command that a job must not hold")
)

func realTime(second byte) bool { return second == eot || second == enq || second == dc4 }

// HasRealTime reports whether a printer would act on something in b at once.
func HasRealTime(b []byte) bool {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == dle && realTime(b[i+1]) {
			return true
		}
	}
	return false
}

// Init resets the modes of the printer (ESC @).
func Init() []byte { return []byte{esc, '@'} }

// Cut feeds by rows of the last picture out past the cutter and cuts (GS V).
func Cut(rows byte) []byte { return []byte{gs, 'V', 'B', rows} }

// Marker asks for an answer once everything before it has left the receive
// buffer (GS r).
func Marker() []byte { return []byte{gs, 'r', 1} }

// JobID names one job in a completion request: four bytes 20..7E.
type JobID [4]byte

// NewJobID gives the id of job n; ids repeat after 95^4 jobs.
func NewJobID(n uint32) JobID {
	var id JobID
	for i := len(id) - 1; i >= 0; i-- {
		id[i] = byte(0x20 + n%95)
		n /= 95
	}
	return id
}

// Complete asks for an answer once everything before it has been printed
// (GS ( H, function 48).
func Complete(id JobID) []byte {
	return []byte{gs, '(', 'H', 6, 0, '0', '0', id[0], id[1], id[2], id[3]}
}

// Status asks for one real-time status byte (DLE EOT), n = 1..4.
func Status(n int) []byte { return []byte{dle, eot, byte(n)} }

// Clear drops what waits in the printer and leaves the error state (DLE DC4,
// function 8). The answer is a block "37 25 00". Modes survive: send Init after it.
func Clear() []byte { return []byte{dle, dc4, 8, 1, 3, 0x14, 1, 6, 2, 8} }

// AutoStatus makes the printer report changes of its state by itself (GS a):
// on or offline, error, paper.
func AutoStatus() []byte { return []byte{gs, 'a', 0x0E} }

// Identity asks who the printer is (GS I): 66 maker, 67 model, 65 firmware.
func Identity(n byte) []byte { return []byte{gs, 'I', n} }

// AppendFeed feeds the paper by n rows (ESC J).
func AppendFeed(dst []byte, n int) []byte {
	for n > 0 {
		step := min(n, 0xFF)
		dst = append(dst, esc, 'J', byte(step))
		n -= step
	}
	return dst
}

// AppendRaster draws b in bands (GS v 0), at most 2,040 dots wide. It defuses b first.
func AppendRaster(dst []byte, b *Bitmap) []byte {
	b.Defuse()
	for y := 0; y < b.Height; y += BandRows {
		rows := min(BandRows, b.Height-y)
		dst = append(dst, gs, 'v', '0', 0, byte(b.Stride), 0, byte(rows), 0)
		dst = append(dst, b.Bits[y*b.Stride:(y+rows)*b.Stride]...)
	}
	return dst
}

// Level is the error correction of a QR code.
type Level byte

// The levels: 7, 15, 25 and 30 percent.
const (
	L Level = '0' + iota
	M
	Q
	H
)

// AppendQR lets the printer draw a QR code itself (GS ( k), module dots a
// module. The quiet zone is the caller's job.
func AppendQR(dst []byte, content string, module int, level Level) ([]byte, error) {
	if content == "" || len(content) > MaxQR || module < 1 || module > 16 || level < L || level > H {
		return dst, ErrQR
	}
	for i := range len(content) {
		if content[i] < 0x20 || content[i] > 0x7E {
			return dst, ErrQR
		}
	}
	start := []byte{gs, '(', 'k'}
	dst = append(append(dst, start...), 4, 0, '1', 'A', '2', 0)
	dst = append(append(dst, start...), 3, 0, '1', 'C', byte(module))
	dst = append(append(dst, start...), 3, 0, '1', 'E', byte(level))
	dst = append(append(dst, start...), byte(len(content)+3), 0, '1', 'P', '0')
	dst = append(dst, content...)
	return append(append(dst, start...), 3, 0, '1', 'Q', '0'), nil
}

// Commands takes a job apart. The parts share data's memory. It fails with
// ErrForeign for anything that AppendRaster, AppendQR and AppendFeed do not
// write, and with ErrRealTime when a part holds a real-time sequence.
func Commands(data []byte) ([][]byte, error) {
	if HasRealTime(data) {
		return nil, ErrRealTime
	}
	var out [][]byte
	for at := 0; at < len(data); {
		n := commandLen(data[at:])
		if n == 0 || n > len(data)-at {
			return nil, fmt.Errorf("%w: at byte %d", ErrForeign, at)
		}
		out = append(out, data[at:at+n:at+n])
		at += n
	}
	return out, nil
}

// commandLen gives the length of the command at the start of b, 0 when it is foreign or cut short.
func commandLen(b []byte) int {
	switch {
	case len(b) >= 3 && b[0] == esc && b[1] == 'J':
		return 3
	case len(b) >= 8 && b[0] == gs && b[1] == 'v' && b[2] == '0' && b[3] == 0:
		width, rows := int(b[4])|int(b[5])<<8, int(b[6])|int(b[7])<<8
		if width == 0 || width > 0xFF || rows == 0 || rows > MaxRows {
			return 0
		}
		return 8 + width*rows
	case len(b) >= 6 && b[0] == gs && b[1] == '(' && b[2] == 'k' && b[4] == 0 && b[5] == '1':
		return 5 + int(b[3])
	}
	return 0
}
