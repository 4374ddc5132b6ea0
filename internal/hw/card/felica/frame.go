package felica

import (
	"errors"
	"fmt"
)

// anySystem is answered by every FeliCa card.
const anySystem uint16 = 0xFFFF

// Response codes of the three commands.
const (
	respPolling   = 0x01
	respReadPlain = 0x07
	respSystems   = 0x0D
)

// pollFrame asks for cards with the system, in one time slot.
func pollFrame(system uint16) []byte {
	return []byte{0x06, 0x00, byte(system >> 8), byte(system), 0x00, 0x00}
}

// readFrame is Read Without Encryption for one block of one service. Service
// codes travel low byte first.
func readFrame(idm [8]byte, service uint16, block byte) []byte {
	f := append(make([]byte, 0, 16), 0x10, 0x06)
	f = append(f, idm[:]...)
	return append(f, 0x01, byte(service), byte(service>>8), 0x01, 0x80, block)
}

// systemsFrame is Request System Code.
func systemsFrame(idm [8]byte) []byte {
	return append([]byte{0x0A, 0x0C}, idm[:]...)
}

// parsePoll gives the IDm: 12 01 IDm PMm, or 14 with a request code's two bytes.
func parsePoll(b []byte) ([8]byte, error) {
	if len(b) != 0x12 && len(b) != 0x14 || int(b[0]) != len(b) || b[1] != respPolling {
		return [8]byte{}, fmt.Errorf("%w: %d bytes to a poll", errAnswer, len(b))
	}
	return [8]byte(b[2:10]), nil
}

// parseSystems gives the system codes in the order of their places on the card:
// length, 0D, IDm, how many, two bytes each.
func parseSystems(b []byte, idm [8]byte) ([]uint16, error) {
	const head = 11
	if len(b) < head || int(b[0]) != len(b) || b[1] != respSystems || [8]byte(b[2:10]) != idm || len(b) != head+2*int(b[10]) {
		return nil, fmt.Errorf("%w: %d bytes to a request for system codes", errAnswer, len(b))
	}
	codes := make([]uint16, b[10])
	for i := range codes {
		codes[i] = uint16(b[head+2*i])<<8 | uint16(b[head+2*i+1])
	}
	return codes, nil
}

// inPlace is the IDm of the system at a place on the card: the first nibble
// counts the systems.
func inPlace(idm [8]byte, place int) [8]byte {
	idm[0] = idm[0]&0x0F | byte(place)<<4
	return idm
}

// places is how many systems a nibble can count.
const places = 16

// flagError is a refusal by the card.
type flagError struct{ sf1, sf2 byte }

func (e *flagError) Error() string {
	if e.sf2 == 0xA6 {
		return "service is not on the card"
	}
	return fmt.Sprintf("card answered status flags %02X %02X", e.sf1, e.sf2)
}

func (*flagError) Unwrap() error { return ErrRefused }

// parseRead gives the one block: 1D 07, and what parsePlain takes. A refusal
// stops after the flags.
func parseRead(b []byte, idm [8]byte) ([16]byte, error) {
	if len(b) < 2 || int(b[0]) != len(b) || b[1] != respReadPlain {
		return [16]byte{}, fmt.Errorf("%w: %d bytes to a read", errAnswer, len(b))
	}
	return parsePlain(b[2:], idm)
}

// parsePlain gives the block out of IDm 00 00 01 and 16 bytes.
func parsePlain(b []byte, idm [8]byte) ([16]byte, error) {
	const head = 10 // IDm, two flags
	switch {
	case len(b) < head:
		return [16]byte{}, fmt.Errorf("%w: %d bytes to a read", errAnswer, len(b))
	case [8]byte(b[:8]) != idm:
		return [16]byte{}, fmt.Errorf("%w: from another card or system", errAnswer)
	case b[8] != 0x00:
		return [16]byte{}, &flagError{b[8], b[9]}
	case len(b) != head+1+16 || b[head] != 1:
		return [16]byte{}, fmt.Errorf("%w: not one block", errAnswer)
	}
	return [16]byte(b[head+1:]), nil
}

// Number reads the 16 digits from the first eight bytes of the block. The place
// of the number differs in the sources, so what cannot be one is refused: a
// nibble that is no digit (an empty field is all F), or zeros only.
func Number(block [16]byte) (string, error) {
	var digits [16]byte
	zero := true
	for i := range digits {
		n := block[i/2] >> 4
		if i%2 == 1 {
			n = block[i/2] & 0x0F
		}
		if n > 9 {
			return "", errors.New("block does not hold 16 digits")
		}
		zero = zero && n == 0
		digits[i] = '0' + n
	}
	if zero {
		return "", errors.New("block holds only zeros")
	}
	return string(digits[:]), nil
}
