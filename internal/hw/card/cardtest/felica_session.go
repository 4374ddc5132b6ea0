package cardtest

import "kioskd/internal/hw/card/apdu"

// Instructions of a transparent session: PC/SC part 3, and Sony's own.
const (
	insTransparent byte = 0xC2
	insSony        byte = 0x50
)

// Sessions is a card behind a reader that is put into a session of its own,
// which whoever began it has to end.
type Sessions interface {
	// InSession reports whether one is open: then the reader serves nobody else.
	InSession() bool
}

// session is a transparent session of the reader.
type session struct {
	open   bool
	feliCa bool // the protocol was switched to FeliCa
	dark   bool // the field is off
}

// InSession implements Sessions.
func (f *FeliCa) InSession() bool { return f.reader.session.open }

func (r *feliCaReader) sessions() bool { return r.way == WayTransparent || r.way == WaySony }

// sessionCommand carries out one command of a session. Objects stand in the
// data as tag, length, value; so do they in the answer, a status first.
func (f *FeliCa) sessionCommand(c apdu.Command, ins byte) []byte {
	if c.INS != ins || c.P1 != 0 {
		return word(apdu.NoInstruction)
	}
	objects, ok := dataObjects(c.Data)
	if !ok || len(objects) == 0 {
		return word(apdu.Length)
	}
	s := &f.reader.session
	switch {
	case c.P2 == 0x00:
		return s.manage(objects)
	case c.P2 > 0x02:
		return word(apdu.Parameters)
	case !s.open:
		return word(apdu.Conditions)
	case c.P2 == 0x02:
		return s.turnTo(objects)
	case !s.feliCa:
		return word(apdu.Conditions)
	default:
		return f.exchangeObjects(objects)
	}
}

// Tags of the objects.
const (
	tagStart    = 0x81
	tagEnd      = 0x82
	tagFieldOff = 0x83
	tagFieldOn  = 0x84
	tagProtocol = 0x8F
	tagFrame    = 0x95
	tagTimer    = 0x5F46
)

func (s *session) manage(objects []dataObject) []byte {
	for i, o := range objects {
		switch {
		case o.tag == tagStart && s.open, o.tag != tagStart && !s.open:
			return word(apdu.Conditions)
		case o.tag == tagStart:
			*s = session{open: true}
		case o.tag == tagEnd:
			*s = session{}
		case o.tag == tagFieldOff:
			s.dark = true
		case o.tag == tagFieldOn:
			s.dark = false
		default:
			return status(i+1, apdu.NoFunction, nil)
		}
	}
	return status(0, apdu.OK, nil)
}

// turnTo switches the protocol; only FeliCa is known here.
func (s *session) turnTo(objects []dataObject) []byte {
	o := objects[0]
	if o.tag != tagProtocol || len(o.value) != 2 || o.value[0] != 0x03 {
		return status(1, apdu.NoFunction, nil)
	}
	s.feliCa = true
	return status(0, apdu.OK, []byte{0x8F, 0x01, 0x03})
}

func (f *FeliCa) exchangeObjects(objects []dataObject) []byte {
	var frame []byte
	for i, o := range objects {
		switch o.tag {
		case tagFrame:
			frame = o.value
		case tagTimer:
			if len(o.value) != 4 {
				return status(i+1, apdu.Length, nil)
			}
		default:
			return status(i+1, apdu.NoFunction, nil)
		}
	}
	if f.reader.session.dark {
		return status(1, timeout, nil)
	}
	answer := f.frame(frame)
	if answer == nil {
		return status(1, timeout, nil)
	}
	out := []byte{0x92, 0x01, 0x00, 0x96, 0x02, 0x00, 0x00, 0x97}
	if len(answer) > 0x7F {
		out = append(out, 0x81)
	}
	return status(0, apdu.OK, append(append(out, byte(len(answer))), answer...))
}

// status is an answer: which object failed and how, then what there is to tell.
func status(object int, sw apdu.SW, more []byte) []byte {
	data := append([]byte{0xC0, 0x03, byte(object), byte(sw >> 8), byte(sw)}, more...)
	return apdu.Answer{Data: data, SW: apdu.OK}.Bytes()
}

type dataObject struct {
	tag   int
	value []byte
}

// dataObjects takes data apart; false where it is not whole.
func dataObjects(b []byte) ([]dataObject, bool) {
	var all []dataObject
	for len(b) > 0 {
		o := dataObject{tag: int(b[0])}
		b = b[1:]
		if o.tag&0x1F == 0x1F {
			if len(b) == 0 {
				return nil, false
			}
			o.tag, b = o.tag<<8|int(b[0]), b[1:]
		}
		if len(b) == 0 {
			return nil, false
		}
		n, head := int(b[0]), 1
		switch {
		case n == 0x81 && len(b) > 1:
			n, head = int(b[1]), 2
		case n == 0x82 && len(b) > 2:
			n, head = int(b[1])<<8|int(b[2]), 3
		case n > 0x7F:
			return nil, false
		}
		if len(b) < head+n {
			return nil, false
		}
		o.value, b = b[head:head+n], b[head+n:]
		all = append(all, o)
	}
	return all, true
}
