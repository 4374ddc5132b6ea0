package printertest

import (
	"bytes"
	"time"
)

// clearing is the whole of DLE DC4 8.
//
//nolint:gochecknoglobals // a table that never changes
var clearing = []byte{0x10, 0x14, 8, 1, 3, 0x14, 1, 6, 2, 8}

// take receives one byte: first the real-time commands, then the buffer.
func (p *Printer) take(b byte) {
	p.m.buffer = append(p.m.buffer, b)
	p.realTime(b)
	p.work()
	if t := p.trigger; t != nil && t.armed {
		if t.left--; t.left <= 0 {
			p.trigger = nil
			p.strike(t.fault)
		}
	}
}

// realTime keeps the last bytes in sight and acts on a sequence the moment it is
// whole, wherever it stands. Outside data the parser skips it later.
func (p *Printer) realTime(b byte) {
	w := p.m.window[:]
	copy(w, w[1:])
	n := len(w)
	w[n-1] = b
	if w[n-3] == 0x10 && w[n-2] == 0x04 && b >= 1 && b <= 4 {
		p.say(p.statusByte(b))
	}
	cleared := bytes.Equal(w, clearing)
	if cleared || w[n-3] == 0x10 && w[n-2] == 0x05 && b == 2 {
		p.m.buffer = nil
		p.m.abandon()
		if cleared {
			p.say(0x37, 0x25, 0)
		}
		p.changed.Broadcast()
	}
}

// strike lets a fault happen.
func (p *Printer) strike(f Fault) {
	p.set(func(s *State) {
		switch f {
		case RunOut:
			s.Paper = PaperOut
		case OpenCover:
			s.Cover = true
		case PowerOff:
			s.Power = false
		case Overheat:
			s.Hot = true
		case Mute:
			s.Mute = true
		}
	})
}

// stopped says that it cannot print now.
func (p *Printer) stopped() bool {
	s := p.state
	return !s.Power || s.Cover || s.Paper == PaperOut || s.Cutter || s.Hot
}

// statusByte answers DLE EOT n.
func (p *Printer) statusByte(n byte) byte {
	b, s := byte(0x12), p.state
	set := func(on bool, bits byte) {
		if on {
			b |= bits
		}
	}
	switch n {
	case 1:
		set(p.stopped(), 0x08)
	case 2:
		set(s.Cover, 0x04)
		set(s.Paper == PaperOut, 0x20)
		set(s.Cutter || s.Hot, 0x40)
	case 3:
		set(s.Cutter, 0x08)
		set(s.Hot, 0x40)
	case 4:
		set(s.Paper != PaperFull, 0x0C)
		set(s.Paper == PaperOut, 0x60)
	}
	return b
}

// pushStatus sends the four automatic bytes, when they were asked for.
func (p *Printer) pushStatus() {
	if !p.m.auto {
		return
	}
	a, s := [4]byte{0x10}, p.state
	set := func(on bool, i int, bits byte) {
		if on {
			a[i] |= bits
		}
	}
	set(p.stopped(), 0, 0x08)
	set(s.Cover, 0, 0x20)
	set(s.Cutter, 1, 0x08)
	set(s.Hot, 1, 0x40)
	set(s.Paper != PaperFull, 2, 0x03)
	set(s.Paper == PaperOut, 2, 0x0C)
	p.say(a[:]...)
}

// work prints from the buffer until it is empty or the printer stops.
func (p *Printer) work() {
	before := len(p.m.slips)
	for len(p.m.buffer) > 0 && !p.stopped() {
		b := p.m.buffer[0]
		p.m.buffer = p.m.buffer[1:]
		p.consume(b)
	}
	p.changed.Broadcast()
	if len(p.m.slips) != before {
		p.wake()
	}
}

// consume gives the parser one byte and acts on the command that it ends.
func (p *Printer) consume(b byte) {
	cmd, done := p.m.parse(b)
	if !done {
		return
	}
	switch {
	case cmd[0] == 0x1B && cmd[1] == '@':
		p.m.abandon()
	case cmd[0] == 0x1B && cmd[1] == 'J':
		p.m.feed(int(cmd[2]))
	case cmd[0] == 0x1D && cmd[1] == 'V':
		if len(cmd) == 4 {
			p.m.feed(int(cmd[3]))
		}
		p.m.tear(time.Now(), true)
	case cmd[0] == 0x1D && cmd[1] == 'r':
		var s byte
		switch p.state.Paper {
		case PaperLow:
			s = 0x03
		case PaperOut:
			s = 0x0F
		case PaperFull:
		}
		p.say(s)
	case cmd[0] == 0x1D && cmd[1] == 'a':
		p.m.auto = cmd[2] != 0
		p.pushStatus()
	case cmd[0] == 0x1D && cmd[1] == 'I':
		p.identify(cmd[2])
	case cmd[0] == 0x1D && cmd[1] == '(' && cmd[2] == 'H':
		if len(cmd) == 11 && cmd[5] == '0' && cmd[6] == '0' {
			p.say(0x37, 0x22, cmd[7], cmd[8], cmd[9], cmd[10], 0)
		}
	case cmd[0] == 0x1D && cmd[1] == '(' && cmd[2] == 'k':
		p.m.qr(cmd[5:])
	case cmd[0] == 0x1D && cmd[1] == 'v':
		p.begin()
	}
}

// begin notes that a job prints: an armed trigger starts to count.
func (p *Printer) begin() {
	if p.trigger != nil {
		p.trigger.armed = true
	}
}

func (p *Printer) identify(n byte) {
	text := map[byte]string{65: "1.00", 66: "VIRTUAL", 67: "SLIP-80", 68: "000001", 69: "KANJI JAPANESE"}[n]
	switch {
	case text != "":
		p.say(append(append([]byte{0x5F}, text...), 0)...)
	case n >= 1 && n <= 3:
		p.say(0x02)
	}
}
