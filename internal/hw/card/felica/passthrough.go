package felica

import (
	"context"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Passthrough is the way of ACS ACR1251, ACR1252 and ACM1252: FF 00 00 00 with
// the bare frame (ACM1252U-Y3 manual, 5.2.6; reproduced on an ACR1252 by others).
type Passthrough struct{}

// Name implements Strategy.
func (Passthrough) Name() string { return "passthrough" }

// Open implements Strategy. There is nothing to ready.
func (Passthrough) Open(_ context.Context, conn card.Conn) (Session, error) {
	return &framed{exchange: func(ctx context.Context, frame []byte) ([]byte, error) {
		return direct(ctx, conn, frame)
	}}, nil
}

// direct sends FF 00 00 00 with data: to a card or to the chip of a reader, as
// the make will have it.
func direct(ctx context.Context, conn card.Conn, data []byte) ([]byte, error) {
	a, err := send(ctx, conn, apdu.Command{CLA: class, Data: data})
	if err != nil {
		return nil, err
	}
	if err := refusal(a.SW); err != nil {
		return nil, err
	}
	if len(a.Data) == 0 {
		return nil, ErrSilent
	}
	return a.Data, nil
}
