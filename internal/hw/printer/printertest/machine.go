package printertest

import (
	"time"

	"rsc.io/qr"

	"kioskd/internal/hw/printer/dots"
)

// machine is the printer behind its buffer: parser, print head and paper.
type machine struct {
	model  Model
	rom    ROM
	dots   int
	buffer []byte
	window [10]byte // the last bytes received, for real-time commands
	auto   bool     // automatic status is on
	strays int
	moved  int // rows since the head was last waited for

	cmd   []byte // the command being read
	width int    // bytes a row of the open picture
	rows  int    // rows of it still to come
	row   []byte
	text  text

	qrModule int
	qrLevel  qr.Level
	qrData   string

	etb byte // documents that were printed, modulo 32 (Star)

	paper  []byte // rows of the current piece
	ink    bool
	broken bool // the current piece was interrupted
	slips  []Slip

	transcript *transcript // of the current piece; nil: none is kept
}

// transcript is what stands on a piece of paper, as text.
type transcript struct{ lines, codes []string }

// reset is power off: everything but the paper is forgotten.
func (m *machine) reset() {
	*m = machine{
		model: m.model, rom: m.rom, dots: m.model.Dots, qrModule: 3, qrLevel: qr.L, text: freshText(),
		paper: m.paper, ink: m.ink, broken: m.broken, slips: m.slips, strays: m.strays, transcript: m.transcript,
	}
}

func (m *machine) stride() int { return (m.dots + 7) / 8 }

// dirty says that the current piece carries ink.
func (m *machine) dirty() bool { return m.ink }

// abandon ends the open command; a piece that was begun is no longer whole.
func (m *machine) abandon() {
	m.cmd, m.rows, m.row = nil, 0, nil
	m.text = freshText()
	m.broken = m.broken || m.ink
}

// strip gives a copy of the current piece.
func (m *machine) strip() *dots.Bitmap {
	b := dots.New(m.dots, len(m.paper)/m.stride())
	copy(b.Bits, m.paper)
	return b
}

// tear ends the current piece. A blank one is not worth keeping.
func (m *machine) tear(at time.Time, cut bool) {
	if m.ink {
		s := Slip{At: at, Complete: cut && !m.broken, Bitmap: m.strip()}
		if t := m.transcript; t != nil {
			s.Text, s.Codes = t.lines, t.codes
		}
		m.slips = append(m.slips, s)
	}
	if m.transcript != nil {
		m.transcript = &transcript{}
	}
	// What comes next is whole unless it is the rest of a piece that was torn.
	m.paper, m.ink, m.broken = nil, false, !cut && m.ink
}

func (m *machine) feed(rows int) {
	m.paper = append(m.paper, make([]byte, rows*m.stride())...)
	m.moved += rows
}

func (m *machine) print(row []byte) {
	line := make([]byte, m.stride())
	copy(line, row)
	for _, b := range line {
		m.ink = m.ink || b != 0
	}
	m.paper = append(m.paper, line...)
	m.moved++
}

// picture begins a picture of so many bytes a row.
func (m *machine) picture(width, rows int) {
	m.width, m.rows, m.row = width, rows, m.row[:0]
}

// pictured takes a byte of an open picture: its rows are printed as they come.
func (m *machine) pictured(b byte) {
	m.row = append(m.row, b)
	if len(m.row) == m.width {
		m.print(m.row)
		m.row = m.row[:0]
		m.rows--
	}
}

// parse takes one byte and returns the command that it ends.
func (m *machine) parse(b byte) (cmd []byte, done bool) {
	if m.rows > 0 {
		m.pictured(b)
		return nil, false
	}
	if m.text.lead != 0 || len(m.cmd) == 0 && b >= 0x20 {
		m.letter(b)
		return nil, false
	}
	length := epsonLength
	if m.model.Star {
		length = starLength
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
	return cmd, true
}

// drawQR draws what the printer was told to, x dots from the left; x < 0: in the middle.
func (m *machine) drawQR(x int) {
	code, err := qr.Encode(m.qrData, m.qrLevel)
	if err != nil {
		return
	}
	if m.transcript != nil {
		m.transcript.codes = append(m.transcript.codes, m.qrData)
	}
	if x < 0 {
		x = (m.dots - code.Size*m.qrModule) / 2
	}
	for y := range code.Size {
		row := dots.New(m.dots, 1)
		for i := range code.Size * m.qrModule {
			if code.Black(i/m.qrModule, y) {
				row.Set(x+i, 0)
			}
		}
		for range m.qrModule {
			m.print(row.Bits)
		}
	}
}
