package cardtest

import (
	"bytes"

	"kioskd/internal/hw/card/apdu"
)

// Unknown is an ISO card that has no application of ours.
type Unknown struct{ atr []byte }

// NewUnknown makes one.
func NewUnknown(atr []byte) *Unknown { return &Unknown{atr} }

// ATR implements Card.
func (u *Unknown) ATR() []byte { return bytes.Clone(u.atr) }

// Power implements Card.
func (*Unknown) Power(bool) {}

// ResetCounters implements Card.
func (*Unknown) ResetCounters() {}

// Answer implements Card.
func (*Unknown) Answer(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil:
		return word(apdu.Length)
	case c.CLA != 0x00:
		return word(apdu.NoClass)
	case c.INS == apdu.InsSelect:
		return word(apdu.NotFound)
	default:
		return word(apdu.NoInstruction)
	}
}

// System is one system of a FeliCa card. Each has its own IDm: the first nibble
// is the system's place on the card.
type System struct {
	Code     uint16
	Services map[uint16][][16]byte // readable without a key: blocks by service code
}

// FeliCa is a FeliCa card behind a reader that answers FF CA with the IDm of
// the first system and passes frames through FF 00 00 00.
type FeliCa struct {
	idm         [8]byte
	systems     []System
	passthrough bool
}

// NewFeliCa makes a card. Without passthrough the reader only tells the IDm.
func NewFeliCa(idm [8]byte, passthrough bool, systems ...System) *FeliCa {
	return &FeliCa{idm, systems, passthrough}
}

// NewWAON makes a WAON card: its own system first, the common area second,
// with the number in the given service of the common area.
func NewWAON(idm [8]byte, service uint16, number string) *FeliCa {
	var block [16]byte
	for i := 0; i+1 < len(number) && i/2 < len(block); i += 2 {
		block[i/2] = (number[i]-'0')<<4 | (number[i+1] - '0')
	}
	return NewFeliCa(idm, true,
		System{Code: 0x852B},
		System{Code: 0xFE00, Services: map[uint16][][16]byte{
			service: {block},
			0x6817:  {{0x10, 0x27}}, // balance: 10,000 yen
		}})
}

// ATR implements Card.
func (*FeliCa) ATR() []byte {
	return []byte{0x3B, 0x8F, 0x80, 0x01, 0x80, 0x4F, 0x0C, 0xA0, 0x00, 0x00, 0x03, 0x06, 0x11, 0x00, 0x3B, 0x00, 0x00, 0x00, 0x00, 0x42}
}

// Power implements Card.
func (*FeliCa) Power(bool) {}

// ResetCounters implements Card.
func (*FeliCa) ResetCounters() {}

// timeout is what the reader says when no card answered the frame.
const timeout apdu.SW = 0x6401

// Answer implements Card.
func (f *FeliCa) Answer(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	switch {
	case err != nil:
		return word(apdu.Length)
	case c.CLA != 0xFF: // the reader has no ISO card to pass it to
		return word(apdu.NoClass)
	case c.INS == 0xCA && c.P1 == 0 && c.P2 == 0:
		return apdu.Answer{Data: f.id(0), SW: apdu.OK}.Bytes()
	case c.INS == 0x00 && c.P1 == 0 && c.P2 == 0 && f.passthrough:
		frame := f.frame(c.Data)
		if frame == nil {
			return word(timeout)
		}
		return apdu.Answer{Data: frame, SW: apdu.OK}.Bytes()
	default:
		return word(apdu.NoFunction)
	}
}

// id is the IDm of the system at the given place.
func (f *FeliCa) id(place int) []byte {
	id := f.idm
	id[0] = id[0]&0x0F | byte(place)<<4
	return id[:]
}

// frame answers a FeliCa frame, or stays silent with nil, as a card does when
// it is not addressed.
func (f *FeliCa) frame(b []byte) []byte {
	if len(b) < 2 || int(b[0]) != len(b) {
		return nil
	}
	switch b[1] {
	case 0x00:
		return f.poll(b)
	case 0x06:
		return f.readPlain(b)
	default:
		return nil
	}
}

func (f *FeliCa) poll(b []byte) []byte {
	if len(b) != 6 {
		return nil
	}
	for i, s := range f.systems {
		hi, lo := byte(s.Code>>8), byte(s.Code)
		if b[2] != 0xFF && b[2] != hi || b[3] != 0xFF && b[3] != lo {
			continue
		}
		out := append([]byte{0x12, 0x01}, f.id(i)...)
		out = append(out, 0x01, 0x20, 0x22, 0x04, 0x27, 0x67, 0x4E, 0xFF)
		if b[4] == 0x01 {
			out = append(out, hi, lo)
			out[0] = 0x14
		}
		return out
	}
	return nil
}

// readPlain is Read Without Encryption for one service and one block with a
// two-byte block list element, which is all that the dialogue uses.
func (f *FeliCa) readPlain(b []byte) []byte {
	if len(b) != 16 || b[10] != 1 || b[13] != 1 || b[14] != 0x80 {
		return nil
	}
	for i, s := range f.systems {
		id := f.id(i)
		if !bytes.Equal(b[2:10], id) {
			continue
		}
		head := append([]byte{0, 0x07}, id...)
		blocks, ok := s.Services[uint16(b[12])<<8|uint16(b[11])]
		switch {
		case !ok:
			head = append(head, 0x01, 0xA6)
		case int(b[15]) >= len(blocks):
			head = append(head, 0x01, 0xA8)
		default:
			head = append(head, 0x00, 0x00, 0x01)
			head = append(head, blocks[b[15]][:]...)
		}
		head[0] = byte(len(head))
		return head
	}
	return nil
}
