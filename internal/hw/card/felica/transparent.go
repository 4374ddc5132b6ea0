package felica

import (
	"context"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Transparent is the way of PC/SC part 3, supplement 2: a session by FF C2. ACR1251,
// ACR1252, ACM1252, ACR1255 and ACR1552 have it in their manuals, and others may.
// Some readers want an exclusive connection for it.
//
// An exchange is tried without a timer first, as the manuals' examples have it,
// and then with one: without, an ACM1252 waits 302 µs by its manual, which is
// shorter than any FeliCa card takes.
type Transparent struct{}

// Name implements Strategy.
func (Transparent) Name() string { return "transparent" }

// Open implements Strategy.
func (Transparent) Open(ctx context.Context, conn card.Conn) (Session, error) {
	const ins byte = 0xC2
	exchange := func(ctx context.Context, data []byte) (apdu.Answer, error) {
		return send(ctx, conn, apdu.Command{CLA: class, INS: ins, P2: p2Exchange, Data: data, Le: apdu.MaxShort})
	}
	t := &transparent{
		control: func(ctx context.Context, p2 byte, object []byte) (apdu.Answer, error) {
			return send(ctx, conn, apdu.Command{CLA: class, INS: ins, P2: p2, Data: object})
		},
		forms: []func(context.Context, []byte) (apdu.Answer, error){
			func(ctx context.Context, frame []byte) (apdu.Answer, error) { return exchange(ctx, framed95(frame)) },
			func(ctx context.Context, frame []byte) (apdu.Answer, error) {
				return exchange(ctx, append(timer(), framed95(frame)...))
			},
		},
		hasty: true,
		last:  []byte{tagEnd},
	}
	return opened(t.open(ctx))
}

// opened keeps a nil *framed from looking like a Session.
func opened(f *framed, err error) (Session, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}
