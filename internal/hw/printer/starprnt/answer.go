package starprnt

import "strings"

// Report is one status of the printer.
type Report struct {
	Cover, Offline          bool
	Cutter, Broken, Hot     bool
	PaperOut, NearEnd       bool
	Counter                 int // of End, 0..31
	mechanical, overflowing bool
}

// Failed reports an error that the other fields do not name.
func (r Report) Failed() bool { return r.mechanical || r.overflowing }

// Answer is one whole answer.
type Answer struct {
	Report   *Report // a status
	Identity string  // else: model and firmware, "" = something unknown
}

// maxText bounds an identity.
const maxText = 256

// Demux sorts the bytes that come back. A status begins with a byte that no other
// byte of it can be; whatever does not belong where it stands ends the answer that it
// interrupts, so the line is never out of step for longer than one answer. The zero
// Demux is ready.
type Demux struct {
	frame []byte // an open status
	text  []byte // an open identity
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
	if len(d.frame) > 0 {
		if b&0x91 == 0 {
			d.frame = append(d.frame, b)
			if len(d.frame) < coded(d.frame[0]) {
				return Answer{}, false
			}
			a := Answer{Report: parse(d.frame)}
			d.frame = d.frame[:0]
			return a, a.Report != nil
		}
		d.frame = d.frame[:0]
	}
	if len(d.text) > 0 {
		switch {
		case b == 0 && len(d.text) > 3:
			a := Answer{Identity: identity(d.text)}
			d.text = d.text[:0]
			return a, a.Identity != ""
		case len(d.text) < maxText && b != esc:
			d.text = append(d.text, b)
			return Answer{}, false
		}
		d.text = d.text[:0]
	}
	switch {
	case b == esc:
		d.text = append(d.text, b)
	case b&0x91 == 1 && coded(b) >= shortest:
		d.frame = append(d.frame, b)
	}
	return Answer{}, false
}

// shortest is the length of a status without a counter.
const shortest = 7

// coded is a number as a status codes it: bits 1 to 3, then 5 and 6.
func coded(b byte) int { return int(b>>1&7 | b>>2&0x18) }

func parse(f []byte) *Report {
	bit := func(i int, mask byte) bool { return len(f) > i && f[i]&mask != 0 }
	r := &Report{
		Cover: bit(2, 0x20), Offline: bit(2, 0x48),
		Hot: bit(3, 0x40), Broken: bit(3, 0x20), Cutter: bit(3, 0x08), mechanical: bit(3, 0x04),
		overflowing: bit(4, 0x40), PaperOut: bit(5, 0x08), NearEnd: bit(5, 0x06),
	}
	if len(f) > 7 {
		r.Counter = coded(f[7])
	}
	return r
}

// identity reads ESC # * , text LF.
func identity(b []byte) string {
	text, ok := strings.CutPrefix(string(b), "\x1b#*,")
	if !ok {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E { // it goes into logs and onto terminals
			return -1
		}
		return r
	}, text))
}
