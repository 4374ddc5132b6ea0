// Package escpos encodes the small part of ESC/POS that a slip needs, and
// decodes what a printer answers.
//
// # Real-time sequences
//
// A printer acts on DLE EOT, DLE ENQ and DLE DC4 the moment they arrive, even
// inside the data of another command: a picture that happens to hold the bytes
// of "clear the buffer" would wipe its own job. Everything that carries free data
// ([Raster], [AppendQR], [AppendText]) therefore either changes the data so that
// no such sequence is left ([Defuse]) or refuses it.
package escpos

import "errors"

// Control bytes.
const (
	eot = 0x04
	enq = 0x05
	lf  = 0x0A
	dle = 0x10
	dc4 = 0x14
	esc = 0x1B
	fs  = 0x1C
	gs  = 0x1D
)

// ErrRealTime says that data holds what a printer would act on at once.
var ErrRealTime = errors.New("cannot encode: the data holds a real-time sequence")

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

// Cut feeds by rows past the cutter and cuts (GS V): partially, so that the slip
// hangs on until somebody takes it.
func Cut(rows byte) []byte { return []byte{gs, 'V', 'B', rows} }

// CutOff is Cut, but wholly: what nobody is to take along falls.
func CutOff(rows byte) []byte { return []byte{gs, 'V', 'A', rows} }

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

// What Identity asks for.
const (
	Firmware byte = 65
	Maker    byte = 66
	Model    byte = 67
	Serial   byte = 68
	Charset  byte = 69 // such as "KANJI JAPANESE"
)

// Identity asks who the printer is (GS I).
func Identity(n byte) []byte { return []byte{gs, 'I', n} }

// AskPaperWidth asks for the width of paper that the printer is set to (GS ( E,
// function 6, setting 3). Few models answer.
func AskPaperWidth() []byte { return []byte{gs, '(', 'E', 2, 0, 6, 3} }
