package felica

import (
	"context"
	"fmt"

	"kioskd/internal/hw/card"
)

// PN532 is the way of ACS ACR122, which hands commands to the PN532 chip in it
// (ACR122T and ACR122L manuals): InListPassiveTarget polls, InDataExchange carries
// frames.
type PN532 struct{}

// Name implements Strategy.
func (PN532) Name() string { return "pn532" }

// Open implements Strategy. There is nothing to ready.
func (PN532) Open(_ context.Context, conn card.Conn) (Session, error) {
	return &framed{
		poll: func(ctx context.Context, system uint16) ([8]byte, error) {
			// One target at 212 kbit/s; the rest is the poll's own: 00, the system,
			// "tell the system code", one time slot.
			b, err := direct(ctx, conn, []byte{0xD4, 0x4A, 0x01, 0x01, 0x00, byte(system >> 8), byte(system), 0x01, 0x00})
			if err != nil {
				return [8]byte{}, err
			}
			return parseTarget(b)
		},
		exchange: func(ctx context.Context, frame []byte) ([]byte, error) {
			b, err := direct(ctx, conn, append([]byte{0xD4, 0x40, 0x01}, frame...))
			if err != nil {
				return nil, err
			}
			return parseExchange(b)
		},
	}, nil
}

// parseTarget gives the IDm of the one target: D5 4B 01 01 and the card's answer
// to the poll. D5 4B 00 = there is none.
func parseTarget(b []byte) ([8]byte, error) {
	switch {
	case len(b) < 3 || b[0] != 0xD5 || b[1] != 0x4B:
		return [8]byte{}, fmt.Errorf("%w: not the chip's list of targets", errAnswer)
	case b[2] == 0:
		return [8]byte{}, ErrSilent
	case b[2] != 1 || len(b) < 4 || b[3] != 1:
		return [8]byte{}, fmt.Errorf("%w: not one target", errAnswer)
	}
	return parsePoll(b[4:])
}

// parseExchange gives the card's frame: D5 41 00 frame. Another status than 00
// is the chip's number for how the card failed to answer; the two bits above it
// are of no concern to FeliCa.
func parseExchange(b []byte) ([]byte, error) {
	const status = 0x3F
	switch {
	case len(b) < 3 || b[0] != 0xD5 || b[1] != 0x41:
		return nil, fmt.Errorf("%w: not the chip's answer to an exchange", errAnswer)
	case b[2]&status != 0:
		return nil, fmt.Errorf("%w: chip error %02X", ErrSilent, b[2]&status)
	case len(b) == 3:
		return nil, ErrSilent
	}
	return b[3:], nil
}
