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
)

// Demux sorts the bytes that come back from a printer. Answers to different
// questions are mixed on one line and differ only in their bits; the first byte
// decides. Whatever does not belong where it stands ends the answer that it
// interrupts and is looked at afresh, so the line is never out of step for
// longer than one answer. The zero Demux is ready.
type Demux struct {
	buf []byte // an open Auto or Block
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
	// Flow control comes between any two bytes.
	switch b {
	case xon:
		return Answer{Kind: Resume}, true
	case xoff:
		return Answer{Kind: Pause}, true
	}
	if len(d.buf) > 0 {
		if a, done, taken := d.proceed(b); taken {
			return a, done
		}
		d.buf = d.buf[:0]
	}
	switch {
	case b&0x93 == 0x12:
		return Answer{Kind: RealTime, Data: []byte{b}}, true
	case b&0x93 == 0x10, isBlock(b):
		d.buf = append(d.buf, b)
	case b&0x90 == 0:
		return Answer{Kind: Passed, Data: []byte{b}}, true
	}
	return Answer{}, false
}

// proceed goes on with an open answer; taken is false when b is not part of it.
func (d *Demux) proceed(b byte) (a Answer, done, taken bool) {
	if isBlock(d.buf[0]) {
		switch {
		case b == 0:
			a = Answer{Kind: Block, Data: append([]byte(nil), d.buf...)}
			d.buf = d.buf[:0]
			return a, true, true
		case b < 0x20 || len(d.buf) == maxBlock:
			return Answer{}, false, false
		}
		d.buf = append(d.buf, b)
		return Answer{}, false, true
	}
	if b&0x90 != 0 {
		return Answer{}, false, false
	}
	d.buf = append(d.buf, b)
	if len(d.buf) < 4 {
		return Answer{}, false, true
	}
	a = Answer{Kind: Auto, Data: append([]byte(nil), d.buf...)}
	d.buf = d.buf[:0]
	return a, true, true
}

func isBlock(b byte) bool {
	switch b {
	case 0x35, 0x37, 0x3B, 0x3D, 0x5F:
		return true
	}
	return false
}

// Completed reports whether a is the answer to Complete(id).
func (a Answer) Completed(id JobID) bool {
	return a.Kind == Block && string(a.Data) == "\x37\x22"+string(id[:])
}

// Cleared reports whether a is the answer to Clear.
func (a Answer) Cleared() bool { return a.Kind == Block && string(a.Data) == "\x37\x25" }
