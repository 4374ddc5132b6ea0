package cardtest

import (
	"bytes"

	"kioskd/internal/hw/card/apdu"
)

// Way is how a reader lets its host talk to a FeliCa card.
type Way string

// The ways. A reader knows its own and refuses the others, some with "no such
// function", some with "no such instruction".
const (
	WayPassthrough Way = "passthrough" // FF 00 00 00 with the frame
	WayPN532       Way = "pn532"       // FF 00 00 00 with commands of the PN532
	WayTransparent Way = "transparent" // FF C2, sessions of PC/SC part 3
	WaySony        Way = "sony"        // FF 50, the same sessions
	WaySonyEscape  Way = "sony-escape" // the same, but only as escape commands
	WaySonyWin     Way = "sonywin"     // FF A4 a service, FF B0 a block
	WaySCM         Way = "scm"         // FF 40 polls, FF 46 reads
	WayIDmOnly     Way = "idm-only"    // nothing but the IDm
)

// Ways lists them all.
func Ways() []Way {
	return []Way{WayPassthrough, WayPN532, WayTransparent, WaySony, WaySonyEscape, WaySonyWin, WaySCM, WayIDmOnly}
}

func (w Way) atr() []byte {
	if w == WayPN532 { // F011 instead of 003B
		return []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x03, 0xF0, 0x11, 0x00, 0x00, 0x00, 0x00, 0x8A}
	}
	return []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x11, 0x00, 0x3B, 0x00, 0x00, 0x00, 0x00, 0x42}
}

// feliCaReader is the reader's part of a FeliCa.
type feliCaReader struct {
	way     Way
	session session
	service uint16 // that was selected; sonywin
	chosen  bool   // a service was selected
	system  int    // place of the one that was polled last; scm
}

// timeout is what the reader says when no card answered the frame.
const timeout apdu.SW = 0x6401

var (
	_ Card     = (*FeliCa)(nil)
	_ Escapee  = (*FeliCa)(nil)
	_ Sessions = (*FeliCa)(nil)
)

// Answer implements Card.
func (f *FeliCa) Answer(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		var ok bool
		if c, ok = extended(command); !ok || !f.reader.sessions() {
			return word(apdu.Length)
		}
	}
	switch {
	case c.CLA != 0xFF: // the reader has no ISO card to pass it to
		return word(apdu.NoClass)
	case c.INS == 0xCA && c.P1 == 0 && c.P2 == 0:
		return apdu.Answer{Data: f.id(0), SW: apdu.OK}.Bytes()
	}
	switch f.reader.way {
	case WayPassthrough:
		return f.passthrough(c)
	case WayPN532:
		return f.pn532(c)
	case WayTransparent:
		return f.sessionCommand(c, insTransparent)
	case WaySony:
		return f.sessionCommand(c, insSony)
	case WaySonyWin:
		return f.sonyWin(c)
	case WaySCM:
		return f.scm(c)
	case WaySonyEscape, WayIDmOnly:
		return word(apdu.NoInstruction)
	default:
		return word(apdu.NoFunction)
	}
}

// Escape implements Escapee. A reader that has no escape commands for FeliCa
// refuses them.
func (f *FeliCa) Escape(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	if err != nil {
		var ok bool
		if c, ok = extended(command); !ok {
			return word(apdu.Length)
		}
	}
	if c.CLA != 0xFF || f.reader.way != WaySonyEscape {
		return word(apdu.NoInstruction)
	}
	return f.sessionCommand(c, insSony)
}

// extended reads an extended command. Le has two bytes by the book and three
// from one maker's own program.
func extended(b []byte) (apdu.Command, bool) {
	if len(b) < 7 || b[4] != 0 {
		return apdu.Command{}, false
	}
	n := int(b[5])<<8 | int(b[6])
	if n == 0 || len(b) < 7+n {
		return apdu.Command{}, false
	}
	le := b[7+n:]
	if len(le) > 3 || len(le) == 1 {
		return apdu.Command{}, false
	}
	return apdu.Command{CLA: b[0], INS: b[1], P1: b[2], P2: b[3], Data: b[7 : 7+n]}, true
}

// direct reports whether c is FF 00 00 00.
func direct(c apdu.Command) bool { return c.INS == 0x00 && c.P1 == 0 && c.P2 == 0 }

func (f *FeliCa) passthrough(c apdu.Command) []byte {
	if !direct(c) {
		return word(apdu.NoFunction)
	}
	frame := f.frame(c.Data)
	if frame == nil {
		return word(timeout)
	}
	return apdu.Answer{Data: frame, SW: apdu.OK}.Bytes()
}

// pn532 knows InListPassiveTarget for one target at 212 kbit/s and
// InDataExchange with it.
func (f *FeliCa) pn532(c apdu.Command) []byte {
	if !direct(c) {
		return word(apdu.NoFunction)
	}
	list, exchange := []byte{0xD4, 0x4A, 0x01, 0x01}, []byte{0xD4, 0x40, 0x01}
	out := []byte{0xD5, 0x4B, 0x00}
	switch {
	case bytes.HasPrefix(c.Data, list) && len(c.Data) == len(list)+5:
		if target := f.frame(append([]byte{0x06}, c.Data[len(list):]...)); target != nil {
			out = append([]byte{0xD5, 0x4B, 0x01, 0x01}, target...)
		}
	case bytes.HasPrefix(c.Data, exchange):
		out = []byte{0xD5, 0x41, 0x01} // timeout
		if frame := f.frame(c.Data[len(exchange):]); frame != nil {
			out = append([]byte{0xD5, 0x41, 0x00}, frame...)
		}
	default:
		return word(0x6300) // the chip says that this is no command of its own
	}
	return apdu.Answer{Data: out, SW: apdu.OK}.Bytes()
}

// sonyWin is the driver that polls for itself and knows services, not frames.
func (f *FeliCa) sonyWin(c apdu.Command) []byte {
	r := &f.reader
	switch {
	case c.INS == apdu.InsSelect && c.P1 == 0 && c.P2 == 1 && len(c.Data) == 2:
		r.service, r.chosen = uint16(c.Data[1])<<8|uint16(c.Data[0]), false
		for _, s := range f.systems {
			if _, ok := s.Services[r.service]; ok {
				r.chosen = true
				return word(apdu.OK)
			}
		}
		return word(apdu.NotFound)
	case c.INS == apdu.InsReadBinary && c.P1 == 0:
		if !r.chosen {
			return word(apdu.NoCurrentFile)
		}
		for _, s := range f.systems {
			if blocks := s.Services[r.service]; int(c.P2) < len(blocks) {
				return apdu.Answer{Data: blocks[c.P2][:], SW: apdu.OK}.Bytes()
			}
		}
		return word(apdu.NotFound)
	default:
		return word(apdu.NoInstruction)
	}
}

// scm polls and reads by commands of its own; a read goes to the system that
// was polled last.
func (f *FeliCa) scm(c apdu.Command) []byte {
	switch {
	case c.INS == 0x40 && c.P1 == 0 && c.P2 == 0 && len(c.Data) == 4:
		i, ok := f.find(c.Data[0], c.Data[1])
		if !ok {
			return word(timeout)
		}
		f.reader.system = i
		out := append(f.id(i), pmm()...)
		if c.Data[2] == 0x01 {
			out = append(out, byte(f.systems[i].Code>>8), byte(f.systems[i].Code))
		}
		return apdu.Answer{Data: out, SW: apdu.OK}.Bytes()
	case c.INS == 0x46 && c.P1 == 1 && c.P2 == 1 && len(c.Data) == 4 && c.Data[2] == 0x80:
		if f.reader.system >= len(f.systems) {
			return word(timeout)
		}
		out := append(f.id(f.reader.system), f.block(f.reader.system, uint16(c.Data[1])<<8|uint16(c.Data[0]), int(c.Data[3]))...)
		return apdu.Answer{Data: out, SW: apdu.OK}.Bytes()
	default:
		return word(apdu.NoInstruction)
	}
}
