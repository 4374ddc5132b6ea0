package felica

import (
	"context"
	"fmt"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// SonyWin is the way of Sony's PC/SC driver for Windows with RC-S380 and RC-S300,
// and, by one report, of RC-S300 with pcsc-lite: FF A4 selects a service, FF B0
// reads a block of it (devlog.grim3lt.org, 2014; tomosoft.jp, p=41054; a qiita
// article of January 2026 for RC-S300 on Ubuntu). All of them read the first system
// of the card. Whether the common area is reached like that is not known: where
// it is not, the service is not found, and the shopper types the number.
type SonyWin struct{}

// Name implements Strategy.
func (SonyWin) Name() string { return "sonywin" }

// Open implements Strategy. There is nothing to ready.
func (SonyWin) Open(_ context.Context, conn card.Conn) (Session, error) {
	return sonyWin{conn}, nil
}

type sonyWin struct{ conn card.Conn }

// Find implements Session: the driver polls by itself.
func (sonyWin) Find(context.Context, uint16, []byte) error { return nil }

// Close implements Session.
func (sonyWin) Close(context.Context) {}

// Block implements Session.
func (s sonyWin) Block(ctx context.Context, service uint16) ([16]byte, error) {
	a, err := send(ctx, s.conn, apdu.Command{
		CLA: class, INS: apdu.InsSelect, P2: 0x01, Data: []byte{byte(service), byte(service >> 8)},
	})
	switch {
	case err != nil:
		return [16]byte{}, err
	case a.SW == apdu.NotFound, a.SW == apdu.NoObject:
		return [16]byte{}, fmt.Errorf("%w: service is not on the card: %s", ErrRefused, a.SW)
	case a.SW != apdu.OK:
		return [16]byte{}, fmt.Errorf("%w: %s", ErrUnsupported, a.SW)
	}
	a, err = send(ctx, s.conn, apdu.Command{CLA: class, INS: apdu.InsReadBinary, Le: apdu.MaxShort})
	if err != nil {
		return [16]byte{}, err
	}
	return parseBinary(a)
}

// parseBinary gives the block that FF B0 has read.
func parseBinary(a apdu.Answer) ([16]byte, error) {
	switch {
	case a.SW != apdu.OK:
		return [16]byte{}, fmt.Errorf("%w: reader answered %s", ErrRefused, a.SW)
	case len(a.Data) != 16:
		return [16]byte{}, fmt.Errorf("%w: block of %d bytes", errAnswer, len(a.Data))
	}
	return [16]byte(a.Data), nil
}
