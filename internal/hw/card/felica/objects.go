package felica

import (
	"fmt"

	"kioskd/internal/hw/card/apdu"
)

// Data objects of a transparent session: PC/SC part 3, supplement 2.
const (
	tagStart    = 0x81
	tagEnd      = 0x82
	tagFieldOff = 0x83
	tagFieldOn  = 0x84
	tagProtocol = 0x8F
	tagFrame    = 0x95 // transmit and receive
	tagDamage   = 0x96 // how the card's answer was received
	tagAnswer   = 0x97
	tagStatus   = 0xC0
)

// object is one data object of an answer.
type object struct {
	tag   uint16
	value []byte
}

// parseObjects takes tag, length, value apart. Tags have one byte, or two where
// the low five bits of the first are set; lengths have one byte, or 81 or 82 and
// as many more as that says.
func parseObjects(b []byte) ([]object, error) {
	var list []object
	for len(b) > 0 {
		o := object{tag: uint16(b[0])}
		b = b[1:]
		if o.tag&0x1F == 0x1F && len(b) > 0 {
			o.tag, b = o.tag<<8|uint16(b[0]), b[1:]
		}
		n, head, ok := objectLength(b)
		if !ok || n > len(b)-head {
			return nil, fmt.Errorf("%w: object %X is not whole", errAnswer, o.tag)
		}
		o.value, b = b[head:head+n:head+n], b[head+n:]
		list = append(list, o)
	}
	return list, nil
}

func objectLength(b []byte) (n, head int, ok bool) {
	switch {
	case len(b) > 0 && b[0] < 0x80:
		return int(b[0]), 1, true
	case len(b) > 1 && b[0] == 0x81:
		return int(b[1]), 2, true
	case len(b) > 2 && b[0] == 0x82:
		return int(b[1])<<8 | int(b[2]), 3, true
	default:
		return 0, 0, false
	}
}

// parseSession gives the card's answer out of the reader's, if there is one. The
// status object C0 holds the number of the object that failed and a status word.
func parseSession(b []byte) ([]byte, error) {
	list, err := parseObjects(b)
	if err != nil {
		return nil, err
	}
	var answer []byte
	for _, o := range list {
		switch {
		case o.tag == tagStatus && len(o.value) == 3:
			if err := refusal(apdu.SW(o.value[1])<<8 | apdu.SW(o.value[2])); err != nil {
				return nil, err
			}
		case o.tag == tagStatus:
			return nil, fmt.Errorf("%w: status of %d bytes", errAnswer, len(o.value))
		case o.tag == tagDamage && len(o.value) > 0 && o.value[0]&0x0F != 0:
			return nil, fmt.Errorf("%w: or it was damaged on its way: %02X", ErrSilent, o.value[0])
		case o.tag == tagAnswer:
			answer = o.value
		}
	}
	return answer, nil
}
