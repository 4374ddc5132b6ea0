package printertest

import (
	"bytes"
	"time"

	"rsc.io/qr"
)

// clearing is the whole of DLE DC4 8.
//
//nolint:gochecknoglobals // a table that never changes
var clearing = []byte{0x10, 0x14, 8, 1, 3, 0x14, 1, 6, 2, 8}

// epsonLength gives the length of the command that begins with b, 0 when more
// bytes are needed to tell.
func epsonLength(b []byte) (n int, known bool) {
	if len(b) == 1 {
		switch b[0] {
		case 0x00, 0x0A:
			return 1, true
		case 0x10, 0x1B, 0x1C, 0x1D:
			return 0, true
		}
		return 0, false
	}
	switch string(b[:2]) {
	case "\x1b@", "\x1c&", "\x1c.":
		return 2, true
	case "\x1bJ", "\x1ba", "\x1bE", "\x1da", "\x1dr", "\x1dI", "\x1dB", "\x1d!", "\x1cC", "\x10\x04", "\x10\x05":
		return 3, true
	case "\x10\x14":
		return len(clearing), true
	case "\x1dV":
		switch {
		case len(b) < 3:
			return 0, true
		case b[2] == 'A' || b[2] == 'B':
			return 4, true
		}
		return 3, true
	case "\x1dv":
		return 8, true
	case "\x1d(", "\x1c(":
		if len(b) < 5 {
			return 0, true
		}
		return 5 + int(b[3]) + int(b[4])<<8, true
	}
	n, known = epsonLooks()[string(b[:2])]
	return n, known
}

// epsonRealTime acts on a sequence the moment it is whole, wherever it stands.
// Outside data the parser skips it later.
func (p *Printer) epsonRealTime(w []byte) {
	n := len(w)
	b := w[n-1]
	if w[n-3] == 0x10 && w[n-2] == 0x04 && b >= 1 && b <= 4 && !p.model.Dumb {
		p.say(p.statusByte(b))
	}
	cleared := b == clearing[len(clearing)-1] && bytes.Equal(w, clearing) && !p.model.NoClear
	if cleared {
		p.work() // what came before has been worked off by now
	}
	if cleared || w[n-3] == 0x10 && w[n-2] == 0x05 && b == 2 {
		p.m.buffer = nil
		p.m.abandon()
		if cleared {
			p.say(0x37, 0x25, 0)
		}
		p.changed.Broadcast()
	}
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

// epsonPush is the four automatic bytes.
func (p *Printer) epsonPush() []byte {
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
	return a[:]
}

// epsonAct acts on a whole command.
func (p *Printer) epsonAct(cmd []byte) {
	switch {
	case len(cmd) == 1 && cmd[0] == 0x0A:
		p.begin()
		p.m.flushLine()
	case len(cmd) < 2 || cmd[0] == 0x10: // NUL; real-time commands have been acted on
	case cmd[0] == 0x1B:
		p.escape(cmd)
	case cmd[0] == 0x1C && cmd[1] == 'C':
		p.m.text.sjis = cmd[2]&0x0F == 1 // 1 or '1'
	case cmd[0] == 0x1C && (cmd[1] == '&' || cmd[1] == '.'):
		p.m.text.kanji = cmd[1] == '&'
	case cmd[0] == 0x1D:
		p.group(cmd)
	}
}

func (p *Printer) escape(cmd []byte) {
	switch cmd[1] {
	case '@':
		p.m.abandon()
	case 'J':
		p.m.feed(int(cmd[2]))
	case 'a':
		p.m.text.align = cmd[2]
	case 'E':
		p.m.text.bold = cmd[2]&1 != 0
	}
}

func (p *Printer) group(cmd []byte) {
	switch cmd[1] {
	case 'V':
		if len(cmd) == 4 {
			p.m.feed(int(cmd[3]))
		}
		p.cut()
	case 'r':
		if p.model.NoMarker {
			return
		}
		var s byte
		switch p.state.Paper {
		case PaperLow:
			s = 0x03
		case PaperOut:
			s = 0x0F
		case PaperFull:
		}
		p.say(s)
	case 'a':
		p.m.auto = cmd[2] != 0
		p.pushStatus()
	case 'I':
		p.identify(cmd[2])
	case 'B':
		p.m.text.reverse = cmd[2]&1 != 0
	case '!':
		p.m.text.wide, p.m.text.high = int(cmd[2]>>4)+1, int(cmd[2]&7)+1
	case '(':
		p.function(cmd)
	case 'v':
		p.begin()
		p.m.picture(int(cmd[4])|int(cmd[5])<<8, int(cmd[6])|int(cmd[7])<<8)
	}
}

func (p *Printer) function(cmd []byte) {
	switch {
	case cmd[2] == 'H':
		if len(cmd) == 11 && cmd[5] == '0' && cmd[6] == '0' && !p.model.NoComplete {
			p.say(0x37, 0x22, cmd[7], cmd[8], cmd[9], cmd[10], 0)
		}
	case cmd[2] == 'k' && len(cmd) >= 8 && cmd[5] == '1' && !p.model.NoQR:
		switch cmd[6] {
		case 'C':
			p.m.qrModule = int(cmd[7])
		case 'E':
			p.m.qrLevel = qr.Level(cmd[7] - '0')
		case 'P':
			p.m.qrData = string(cmd[8:])
		case 'Q':
			p.begin()
			x := -1
			if p.m.text.align == 0 {
				x = 0
			}
			p.m.drawQR(x)
		}
	}
}

// cut cuts, where there is a cutter.
func (p *Printer) cut() {
	if !p.model.NoCutter {
		p.m.tear(time.Now(), true)
	}
}

func (p *Printer) identify(n byte) {
	if p.model.Maker == "" {
		return
	}
	charset := "KANJI JAPANESE"
	if p.model.NoKanji {
		charset = ""
	}
	text := map[byte]string{65: "1.00", 66: p.model.Maker, 67: p.model.Name, 68: "000001", 69: charset}[n]
	switch {
	case text != "":
		p.say(append(append([]byte{0x5F}, text...), 0)...)
	case n >= 1 && n <= 3:
		p.say(0x02)
	}
}
