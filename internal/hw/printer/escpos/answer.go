package escpos

// Kind says what a printer's answer is.
type Kind uint8

// The kinds.
const (
	RealTime Kind = iota + 1 // answer to Status: one byte
	Auto                     // pushed because of AutoStatus: four bytes
	Passed                   // answer to Marker: one byte
	Block                    // answer to Complete, Clear, Identity: head and text without the final 00
	Pause                    // XOFF: the printer's buffer is full
	Resume                   // XON
)

// Answer is one whole answer.
type Answer struct {
	Kind Kind
	Data []byte // a copy
}

// maxBlock bounds a block: no printer answers more.
const maxBlock = 256

const (
	xon  = 0x11
	xoff = 0x13
	// separator stands inside blocks that carry values.
	separator = 0x1F
)

// Demux sorts the bytes that come back from a printer. Answers to different
// questions are mixed on one line and differ only in their bits; the first byte
// decides. A real-time answer or an automatic status may come in the middle of a
// block, which then goes on. Whatever else does not belong where it stands ends
// the answer that it interrupts and is looked at afresh, so the line is never out
// of step for longer than one answer. The zero Demux is ready.
type Demux struct {
	block []byte // an open block
	auto  []byte // an open automatic status: its bytes are contiguous
}

// Feed takes bytes and returns the answers that they complete, in order.
func (d *Demux) Feed(p []byte) []Answer {
	var out []Answer
	for _, b := range p {
		if a, ok := d.feed(b); ok {
			out = append(out, a)
		}
	}
	return out
}

func (d *Demux) feed(b byte) (Answer, bool) {
	switch b { // flow control comes between any two bytes
	case xon:
		return Answer{Kind: Resume}, true
	case xoff:
		return Answer{Kind: Pause}, true
	}
	if len(d.auto) > 0 {
		if b&0x90 == 0 {
			d.auto = append(d.auto, b)
			return d.take(&d.auto, Auto, len(d.auto) == 4)
		}
		d.auto = d.auto[:0]
	}
	if len(d.block) > 0 {
		switch {
		case b == 0:
			return d.take(&d.block, Block, true)
		case (b >= 0x20 || b == separator) && len(d.block) < maxBlock:
			d.block = append(d.block, b)
			return Answer{}, false
		case b&0x93 != 0x12 && b&0x93 != 0x10:
			d.block = d.block[:0]
		}
	}
	switch {
	case b&0x93 == 0x12:
		return Answer{Kind: RealTime, Data: []byte{b}}, true
	case b&0x93 == 0x10:
		d.auto = append(d.auto, b)
	case isBlock(b):
		d.block = append(d.block[:0], b)
	case b&0x90 == 0:
		return Answer{Kind: Passed, Data: []byte{b}}, true
	}
	return Answer{}, false
}

// take ends an answer, if it is done.
func (d *Demux) take(from *[]byte, kind Kind, done bool) (Answer, bool) {
	if !done {
		return Answer{}, false
	}
	a := Answer{Kind: kind, Data: append([]byte(nil), *from...)}
	*from = (*from)[:0]
	return a, true
}

func isBlock(b byte) bool {
	switch b {
	case 0x35, 0x37, 0x3B, 0x3D, 0x5F:
		return true
	}
	return false
}

// CompletedID is the id of the job that a tells to be printed.
func (a Answer) CompletedID() (id JobID, ok bool) {
	if a.Kind != Block || len(a.Data) != 6 || a.Data[0] != 0x37 || a.Data[1] != 0x22 {
		return id, false
	}
	copy(id[:], a.Data[2:])
	return id, true
}

// Cleared reports whether a is the answer to Clear.
func (a Answer) Cleared() bool { return a.Kind == Block && string(a.Data) == "\x37\x25" }

// Identity is the text of an answer to Identity.
func (a Answer) Identity() (text string, ok bool) {
	if a.Kind != Block || a.Data[0] != 0x5F {
		return "", false
	}
	return string(a.Data[1:]), true
}

// PaperWidth is the width of the paper in mm that an answer to AskPaperWidth gives:
// the printer's setting, no measurement.
func (a Answer) PaperWidth() (mm int, ok bool) {
	if a.Kind != Block {
		return 0, false
	}
	switch string(a.Data) {
	case "\x37\x27\x33\x1f2":
		return 58, true
	case "\x37\x27\x33\x1f6":
		return 80, true
	}
	return 0, false
}
