package cardtest

import "bytes"

// System is one system of a FeliCa card. Each has its own IDm: the first nibble
// is the system's place on the card.
type System struct {
	Code     uint16
	Services map[uint16][][16]byte // readable without a key: blocks by service code
}

// FeliCa is a FeliCa card behind a reader. What reaches the card, and how, is
// the reader's [Way]; whatever it is, FF CA gives the IDm of the first system.
type FeliCa struct {
	idm     [8]byte
	systems []System
	reader  feliCaReader
}

// NewFeliCa makes a card behind a reader of the given way.
func NewFeliCa(idm [8]byte, way Way, systems ...System) *FeliCa {
	return &FeliCa{idm: idm, systems: systems, reader: feliCaReader{way: way}}
}

// NewWAON makes a WAON card: its own system first, the common area second,
// with the number in the given service of the common area. Its reader passes
// frames through.
func NewWAON(idm [8]byte, service uint16, number string) *FeliCa {
	var block [16]byte
	for i := 0; i+1 < len(number) && i/2 < len(block); i += 2 {
		block[i/2] = (number[i]-'0')<<4 | (number[i+1] - '0')
	}
	return NewFeliCa(idm, WayPassthrough,
		System{Code: 0x852B},
		System{Code: 0xFE00, Services: map[uint16][][16]byte{
			service: {block},
			0x6817:  {{0x10, 0x27}}, // balance: 10,000 yen
		}})
}

// Behind gives the same card behind a reader of another way.
func (f *FeliCa) Behind(way Way) *FeliCa { return NewFeliCa(f.idm, way, f.systems...) }

// ATR implements Card.
func (f *FeliCa) ATR() []byte { return f.reader.way.atr() }

// Power implements Card. A session of the reader outlives the card that lies there.
func (*FeliCa) Power(bool) {}

// ResetCounters implements Card.
func (*FeliCa) ResetCounters() {}

// id is the IDm of the system at the given place.
func (f *FeliCa) id(place int) []byte {
	id := f.idm
	id[0] = id[0]&0x0F | byte(place)<<4
	return id[:]
}

// place finds the system with this IDm.
func (f *FeliCa) place(id []byte) (int, bool) {
	for i := range f.systems {
		if bytes.Equal(id, f.id(i)) {
			return i, true
		}
	}
	return 0, false
}

// Command codes of the frames that a card answers here.
const (
	framePoll    = 0x00
	frameRead    = 0x06
	frameSystems = 0x0C
)

// frame answers a FeliCa frame, or stays silent with nil, as a card does when
// it is not addressed.
func (f *FeliCa) frame(b []byte) []byte {
	if len(b) < 2 || int(b[0]) != len(b) {
		return nil
	}
	switch b[1] {
	case framePoll:
		return f.poll(b)
	case frameRead:
		return f.readPlain(b)
	case frameSystems:
		return f.systemCodes(b)
	default:
		return nil
	}
}

func (f *FeliCa) poll(b []byte) []byte {
	if len(b) != 6 {
		return nil
	}
	i, ok := f.find(b[2], b[3])
	if !ok {
		return nil
	}
	out := append([]byte{0x12, 0x01}, f.id(i)...)
	out = append(out, pmm()...)
	if b[4] == 0x01 {
		out = append(out, byte(f.systems[i].Code>>8), byte(f.systems[i].Code))
		out[0] = 0x14
	}
	return out
}

// find gives the first system that answers to this code; FF stands for any.
func (f *FeliCa) find(hi, lo byte) (int, bool) {
	for i, s := range f.systems {
		if (hi == 0xFF || hi == byte(s.Code>>8)) && (lo == 0xFF || lo == byte(s.Code)) {
			return i, true
		}
	}
	return 0, false
}

// pmm is how fast the card is.
func pmm() []byte { return []byte{0x01, 0x20, 0x22, 0x04, 0x27, 0x67, 0x4E, 0xFF} }

// systemCodes is Request System Code: every system, in the order of their places.
func (f *FeliCa) systemCodes(b []byte) []byte {
	if len(b) != 10 {
		return nil
	}
	if _, ok := f.place(b[2:]); !ok {
		return nil
	}
	out := append([]byte{0, frameSystems + 1}, b[2:]...)
	out = append(out, byte(len(f.systems)))
	for _, s := range f.systems {
		out = append(out, byte(s.Code>>8), byte(s.Code))
	}
	out[0] = byte(len(out))
	return out
}

// readPlain is Read Without Encryption for one service and one block with a
// two-byte block list element, which is all that the dialogue uses.
func (f *FeliCa) readPlain(b []byte) []byte {
	if len(b) != 16 || b[10] != 1 || b[13] != 1 || b[14] != 0x80 {
		return nil
	}
	i, ok := f.place(b[2:10])
	if !ok {
		return nil
	}
	out := append([]byte{0, frameRead + 1}, f.id(i)...)
	out = append(out, f.block(i, uint16(b[12])<<8|uint16(b[11]), int(b[15]))...)
	out[0] = byte(len(out))
	return out
}

// block is what a read gives after the IDm: two status flags, and the block if
// the first is 00.
func (f *FeliCa) block(place int, service uint16, n int) []byte {
	blocks, ok := f.systems[place].Services[service]
	switch {
	case !ok:
		return []byte{0x01, 0xA6}
	case n >= len(blocks):
		return []byte{0x01, 0xA8}
	default:
		return append([]byte{0x00, 0x00, 0x01}, blocks[n][:]...)
	}
}
