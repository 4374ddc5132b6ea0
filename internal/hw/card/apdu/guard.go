package apdu

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrForbidden says that the guard did not let a command pass. Nothing was sent.
var ErrForbidden = errors.New("command is not allowed")

// JPKI is the application of the public certification service.
func JPKI() []byte { return []byte{0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01} }

// ISD is the issuer security domain: what is selected after power-up. Selecting
// it takes a verified PIN back.
func ISD() []byte { return []byte{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00} }

// File is a file of the JPKI application.
type File uint16

// The files that the user-authentication dialogue touches.
const (
	NoFile   File = 0
	FileInfo File = 0x0006 // token information
	FileCert File = 0x000A // user-authentication certificate
	FileKey  File = 0x0017 // user-authentication key
	FilePIN  File = 0x0018 // its PIN
)

// guard is the list of what may be sent, and the little it must remember to
// judge it. It is a list of what is allowed, not of what is forbidden: the
// individual number lies in other applications of the card (text, visual,
// resident register, common), and none of them can be selected. Nor can the
// signing certificate with name and address, a PIN change, a PIN query on an
// unknown file, or a second VERIFY on the strength of one counter reading.
type guard struct {
	jpki  bool // the JPKI application is selected
	file  File // current file in it
	armed bool // the counter of FilePIN was read and shows tries; one VERIFY may follow
}

// allow judges c before it is sent, and changes nothing.
func (g *guard) allow(c Command) error {
	switch {
	case c.CLA == 0x00 && c.INS == InsSelect:
		return g.allowSelect(c)
	case c.CLA == 0x00 && c.INS == InsReadBinary:
		// P1 with the high bit would address a file by its short identifier.
		if g.file != FileInfo && g.file != FileCert || c.P1&0x80 != 0 || len(c.Data) != 0 {
			return forbidden(c)
		}
	case c.CLA == 0x00 && c.INS == InsVerify:
		return g.allowVerify(c)
	case c.CLA == 0x80 && c.INS == InsCompute:
		if g.file != FileKey || c.P1 != 0x00 || c.P2 != 0x80 || len(c.Data) == 0 {
			return forbidden(c)
		}
	default:
		return forbidden(c)
	}
	return nil
}

func (g *guard) allowSelect(c Command) error {
	if c.P2 != 0x0C || c.Le != 0 {
		return forbidden(c)
	}
	switch c.P1 {
	case 0x04:
		if bytes.Equal(c.Data, JPKI()) || bytes.Equal(c.Data, ISD()) {
			return nil
		}
	case 0x02:
		if !g.jpki || len(c.Data) != 2 {
			return forbidden(c)
		}
		switch fileOf(c) {
		case FileInfo, FileCert, FileKey, FilePIN:
			return nil
		default:
		}
	}
	return forbidden(c)
}

func (g *guard) allowVerify(c Command) error {
	if g.file != FilePIN || c.P1 != 0x00 || c.P2 != 0x80 || c.Le != 0 {
		return forbidden(c)
	}
	if len(c.Data) == 0 {
		return nil // reading the counter costs nothing
	}
	if !g.armed || !FourDigits(c.Data) {
		return forbidden(c)
	}
	return nil
}

// FourDigits reports whether b is a well-formed user-authentication PIN.
func FourDigits(b []byte) bool {
	if len(b) != 4 {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// sending notes that c is on its way: from now on the card's state is unknown
// until an answer says otherwise. A VERIFY uses the counter reading up, even if
// its answer gets lost.
func (g *guard) sending(c Command) {
	if c.INS == InsSelect {
		g.armed, g.file = false, NoFile
		if c.P1 == 0x04 {
			g.jpki = false
		}
	}
	if c.INS == InsVerify {
		g.armed = false
	}
}

// saw notes the card's answer to c.
func (g *guard) saw(c Command, sw SW) {
	switch {
	case c.INS == InsSelect && sw == OK && c.P1 == 0x04:
		g.jpki = bytes.Equal(c.Data, JPKI())
	case c.INS == InsSelect && sw == OK:
		g.file = fileOf(c)
	case c.INS == InsVerify && len(c.Data) == 0:
		left, ok := sw.Tries()
		g.armed = ok && left > 0
	}
}

func fileOf(c Command) File { return File(c.Data[0])<<8 | File(c.Data[1]) }

func forbidden(c Command) error { return fmt.Errorf("%w: %s", ErrForbidden, c) }
