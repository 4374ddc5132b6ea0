package printer

import (
	"iter"

	"kioskd/internal/hw/printer/dots"
)

// Piece is one part of a slip: a Picture, a QR or a Line. Slips are handed over in
// pieces, from top to bottom, so that paper moves while the rest is still drawn.
type Piece interface{ piece() }

// Picture is some rows of dots, at the left edge of the paper.
type Picture struct{ *dots.Bitmap }

// QR is a QR code that the printer draws itself, in the middle of the paper. Only
// for a Profile with QR.
type QR struct {
	Content string // plain ASCII, at most 200 characters
	Module  int    // dots a module: 1..8
}

// Line is a line of characters from the printer's own memory. Only for a Profile
// with Text.
type Line struct {
	Align Align
	Spans []Span
}

// Span is characters of one look.
type Span struct {
	Text    []byte // Shift_JIS (package kanji)
	Bold    bool
	Size    int // times as wide and high as plain characters; 0 is 1
	Reverse bool
}

// Align is where a line stands on the paper.
type Align uint8

// The places.
const (
	Left Align = iota
	Centre
	Right
)

func (Picture) piece() {}
func (QR) piece()      {}
func (Line) piece()    {}

// Drawing draws a slip for a printer of this profile. It may be called and left
// off at any time, but only by one goroutine at a time; each piece is lent until
// the next one is asked for. An error ends it.
type Drawing func(p Profile) iter.Seq2[Piece, error]

// Job is one slip.
type Job struct {
	ID   string // for logs; no personal data
	Draw Drawing
}
