package printertest

import (
	"time"

	"rsc.io/qr"

	"kioskd/internal/hw/printer/escpos"
)

// machine is the printer behind its buffer: parser, print head and paper.
type machine struct {
	dots   int
	buffer []byte
	window [10]byte // the last bytes received, for real-time commands
	auto   bool     // automatic status is on
	strays int

	cmd   []byte // the command being read
	width int    // bytes a row of the open picture
	rows  int    // rows of it still to come
	row   []byte

	qrModule int
	qrLevel  qr.Level
	qrData   string

	paper  []byte // rows of the current piece
	ink    bool
	broken bool // the current piece was interrupted
	slips  []Slip
}

// reset is power off: everything but the paper is forgotten.
func (m *machine) reset(dots int) {
	paper, ink, broken, slips, strays := m.paper, m.ink, m.broken, m.slips, m.strays
	*m = machine{
		dots: dots, qrModule: 3, qrLevel: qr.L,
		paper: paper, ink: ink, broken: broken, slips: slips, strays: strays,
	}
}

func (m *machine) stride() int { return (m.dots + 7) / 8 }

// dirty says that the current piece carries ink.
func (m *machine) dirty() bool { return m.ink }

// abandon ends the open command; a piece that was begun is no longer whole.
func (m *machine) abandon() {
	m.cmd, m.rows, m.row = nil, 0, nil
	m.broken = m.broken || m.ink
}

// strip gives a copy of the current piece.
func (m *machine) strip() *escpos.Bitmap {
	b := escpos.NewBitmap(m.dots, len(m.paper)/m.stride())
	copy(b.Bits, m.paper)
	return b
}

// tear ends the current piece. A blank one is not worth keeping.
func (m *machine) tear(at time.Time, cut bool) {
	if m.ink {
		m.slips = append(m.slips, Slip{At: at, Complete: cut && !m.broken, Bitmap: m.strip()})
	}
	// What comes next is whole unless it is the rest of a piece that was torn.
	m.paper, m.ink, m.broken = nil, false, !cut && m.ink
}

func (m *machine) feed(rows int) {
	m.paper = append(m.paper, make([]byte, rows*m.stride())...)
}

func (m *machine) print(row []byte) {
	line := make([]byte, m.stride())
	copy(line, row)
	for _, b := range line {
		m.ink = m.ink || b != 0
	}
	m.paper = append(m.paper, line...)
}

// parse takes one byte and returns the command that it ends. The rows of a
// picture are printed as they come; the command is returned with its head.
func (m *machine) parse(b byte) (cmd []byte, done bool) {
	if m.rows > 0 {
		m.row = append(m.row, b)
		if len(m.row) == m.width {
			m.print(m.row)
			m.row = m.row[:0]
			m.rows--
		}
		return nil, false
	}
	m.cmd = append(m.cmd, b)
	n, known := length(m.cmd)
	if !known {
		m.strays += len(m.cmd)
		m.cmd = nil
		return nil, false
	}
	if n == 0 || len(m.cmd) < n {
		return nil, false
	}
	cmd, m.cmd = m.cmd, nil
	switch {
	case len(cmd) == 1 || cmd[0] == 0x10: // NUL, line feed; real-time commands have been acted on
		return nil, false
	case cmd[0] == 0x1D && cmd[1] == 'v':
		m.width = int(cmd[4]) | int(cmd[5])<<8
		m.rows = int(cmd[6]) | int(cmd[7])<<8
		m.row = m.row[:0]
	}
	return cmd, true
}

// length gives the length of the command that begins with b, 0 when more bytes
// are needed to tell.
func length(b []byte) (n int, known bool) {
	at := func(i int) byte {
		if i < len(b) {
			return b[i]
		}
		return 0
	}
	if len(b) == 1 {
		switch b[0] {
		case 0x00, 0x0A:
			return 1, true
		case 0x10, 0x1B, 0x1D:
			return 0, true
		}
		return 0, false
	}
	switch string(b[:2]) {
	case "\x1b@":
		return 2, true
	case "\x1bJ", "\x1da", "\x1dr", "\x1dI", "\x10\x04", "\x10\x05":
		return 3, true
	case "\x10\x14":
		return len(clearing), true
	case "\x1dV":
		switch {
		case len(b) < 3:
			return 0, true
		case at(2) == 'A' || at(2) == 'B':
			return 4, true
		}
		return 3, true
	case "\x1dv":
		return 8, true
	case "\x1d(":
		if len(b) < 5 {
			return 0, true
		}
		return 5 + int(b[3]) + int(b[4])<<8, true
	}
	return 0, false
}

// qr acts on GS ( k: cn, fn, parameters.
func (m *machine) qr(p []byte) {
	if len(p) < 3 || p[0] != '1' {
		return
	}
	switch p[1] {
	case 'C':
		m.qrModule = int(p[2])
	case 'E':
		m.qrLevel = qr.Level(p[2] - '0')
	case 'P':
		m.qrData = string(p[3:])
	case 'Q':
		m.drawQR()
	}
}

func (m *machine) drawQR() {
	code, err := qr.Encode(m.qrData, m.qrLevel)
	if err != nil {
		return
	}
	for y := range code.Size {
		row := escpos.NewBitmap(m.dots, 1)
		for x := range code.Size * m.qrModule {
			if code.Black(x/m.qrModule, y) {
				row.Set(x, 0)
			}
		}
		for range m.qrModule {
			m.print(row.Bits)
		}
	}
}
