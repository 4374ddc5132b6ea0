package felica

import (
	"errors"
	"fmt"
)

// errFrame says that an answer is not the frame that was asked for.
var errFrame = errors.New("not the expected FeliCa frame")

// Response codes of the two commands.
const (
	respPolling   = 0x01
	respReadPlain = 0x07
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

// parsePoll gives the IDm: 12 01 IDm PMm, or 14 with a request code's two bytes.
func parsePoll(b []byte) ([8]byte, error) {
	if len(b) != 0x12 && len(b) != 0x14 || int(b[0]) != len(b) || b[1] != respPolling {
		return [8]byte{}, fmt.Errorf("%w: %d bytes to a poll", errFrame, len(b))
	}
	return [8]byte(b[2:10]), nil
}

// flagError is a refusal by the card.
type flagError struct{ sf1, sf2 byte }

func (e *flagError) Error() string {
	if e.sf2 == 0xA6 {
		return "service is not on the card"
	}
	return fmt.Sprintf("card answered status flags %02X %02X", e.sf1, e.sf2)
}

// parseRead gives the one block: 1D 07 IDm 00 00 01 and 16 bytes. A refusal
// stops after the flags.
func parseRead(b []byte, idm [8]byte) ([16]byte, error) {
	const head = 12 // length, code, IDm, two flags
	if len(b) < head || int(b[0]) != len(b) || b[1] != respReadPlain {
		return [16]byte{}, fmt.Errorf("%w: %d bytes to a read", errFrame, len(b))
	}
	if [8]byte(b[2:10]) != idm {
		return [16]byte{}, fmt.Errorf("%w: from another card", errFrame)
	}
	if b[10] != 0x00 {
		return [16]byte{}, &flagError{b[10], b[11]}
	}
	if len(b) != head+1+16 || b[head] != 1 {
		return [16]byte{}, fmt.Errorf("%w: not one block", errFrame)
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
