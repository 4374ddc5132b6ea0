package printertest

// starLength gives the length of the StarPRNT command that begins with b, 0 when
// more bytes are needed to tell.
func starLength(b []byte) (n int, known bool) {
	switch b[0] {
	case 0x00, 0x0A, 0x12, 0x17, 0x18:
		return 1, true
	case 0x1B:
	default:
		return 0, false
	}
	if len(b) == 1 {
		return 0, true
	}
	switch b[1] {
	case '@':
		return 2, true
	case 'd', 0x06, 'J':
		return 3, true
	case 0x1E:
		return 4, true
	case '#':
		return 5, true
	case 0x1D:
		if len(b) < 3 {
			return 0, true
		}
		if b[2] == 'S' {
			return 9, true
		}
		n, known = starLooks()[string(b[1:3])]
		return n, known
	}
	n, known = starLooks()[string(b[1:2])]
	return n, known
}

// starRealTime acts on what is not for the buffer.
func (p *Printer) starRealTime(w []byte) {
	n := len(w)
	if w[n-3] == 0x1B && w[n-2] == 0x06 && w[n-1] == 1 && !p.model.Dumb {
		p.say(p.starStatus()...)
	}
}

// starStatus is the automatic status: nine bytes of version 3.
func (p *Printer) starStatus() []byte {
	f, s := [9]byte{0x23, 0x06}, p.state
	set := func(on bool, i int, bits byte) {
		if on {
			f[i] |= bits
		}
	}
	set(s.Cover, 2, 0x20)
	set(p.stopped(), 2, 0x08)
	set(s.Cutter, 3, 0x08)
	set(s.Hot, 3, 0x40)
	set(s.Paper != PaperFull, 5, 0x06)
	set(s.Paper == PaperOut, 5, 0x08)
	f[7] = p.m.etb&7<<1 | p.m.etb&0x18<<2
	return f[:]
}

// starAct acts on a whole command.
func (p *Printer) starAct(cmd []byte) {
	switch {
	case cmd[0] == 0x17: // everything before it has been printed
		p.m.etb = (p.m.etb + 1) % 32
		p.pushStatus()
	case cmd[0] == 0x0A:
		p.begin()
		p.m.flushLine()
	case cmd[0] != 0x1B:
	case cmd[1] == '$':
		p.m.text.sjis = cmd[2]&0x0F == 1 // 1 or '1'
	case cmd[1] == '@':
		p.m.abandon()
	case cmd[1] == 'd':
		p.cut()
	case cmd[1] == 0x1E && cmd[2] == 'a':
		p.m.auto = cmd[3]&1 != 0
		p.pushStatus()
	case cmd[1] == '#' && p.model.Maker != "":
		p.say([]byte("\x1b#*," + p.model.Name + "Ver1.0\n\x00")...)
	case cmd[1] == 0x1D && cmd[2] == 'S':
		p.begin()
		p.m.starPicture(cmd)
	}
}

// starPicture begins the picture of a command, if it is one.
func (m *machine) starPicture(cmd []byte) {
	if len(cmd) == 9 && cmd[1] == 0x1D && cmd[2] == 'S' {
		m.picture(int(cmd[4])|int(cmd[5])<<8, int(cmd[6])|int(cmd[7])<<8)
	}
}
