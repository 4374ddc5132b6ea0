package apdu

import (
	"context"
	"fmt"

	"kioskd/internal/hw/card"
)

// maxAnswer bounds what one command may collect through GET RESPONSE.
const maxAnswer = 64 << 10

// Channel is the guarded way to an ISO card. It is used by one goroutine at a
// time and keeps no data of the card but the current selection.
type Channel struct {
	conn  card.Conn
	guard guard
}

// NewChannel starts on a freshly connected card. The Channel does not own conn.
func NewChannel(conn card.Conn) *Channel { return &Channel{conn: conn} }

// Do sends c if the guard lets it pass, and collects the whole answer: 61xx is
// followed by GET RESPONSE, 6Cxx to a READ BINARY is asked again with the right
// length. No other command is ever sent twice.
//
// An error that is [ErrForbidden] or [ErrCommand] means that the card has seen
// nothing. Any other error means that nobody knows what the card has done.
func (ch *Channel) Do(ctx context.Context, c Command) (Answer, error) {
	if err := ch.guard.allow(c); err != nil {
		return Answer{}, err
	}
	a, err := ch.send(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	if a.SW&maskHigh == swWrongLe && c.INS == InsReadBinary {
		c.Le = le(byte(a.SW))
		if a, err = ch.send(ctx, c); err != nil {
			return Answer{}, err
		}
	}
	if a, err = collect(ctx, a, ch.send); err != nil {
		return Answer{}, err
	}
	ch.guard.saw(c, a.SW)
	return a, nil
}

func (ch *Channel) send(ctx context.Context, c Command) (Answer, error) {
	ch.guard.sending(c)
	return transmit(ctx, ch.conn, c)
}

// collect follows 61xx. The pieces are joined in a new buffer.
func collect(ctx context.Context, a Answer, send func(context.Context, Command) (Answer, error)) (Answer, error) {
	if a.SW&maskHigh != swMoreData {
		return a, nil
	}
	data := append([]byte(nil), a.Data...)
	for a.SW&maskHigh == swMoreData {
		next, err := send(ctx, Command{INS: InsGetResponse, Le: le(byte(a.SW))})
		if err != nil {
			return Answer{}, err
		}
		if next.SW&maskHigh == swMoreData && len(next.Data) == 0 {
			return Answer{}, fmt.Errorf("%w: promises more and gives nothing", ErrAnswer)
		}
		if len(data)+len(next.Data) > maxAnswer {
			return Answer{}, fmt.Errorf("%w: more than %d bytes", ErrAnswer, maxAnswer)
		}
		data = append(data, next.Data...)
		a = next
	}
	return Answer{Data: data, SW: a.SW}, nil
}

// Pseudo sends a command that the reader itself carries out (class FF). It is
// how FeliCa frames travel; no ISO card ever sees them.
func Pseudo(ctx context.Context, conn card.Conn, c Command) (Answer, error) {
	if c.CLA != 0xFF {
		return Answer{}, forbidden(c)
	}
	return transmit(ctx, conn, c)
}

func transmit(ctx context.Context, conn card.Conn, c Command) (Answer, error) {
	b, err := c.Encode()
	if err != nil {
		return Answer{}, err
	}
	defer clear(b) // it may have carried a PIN
	raw, err := conn.Transmit(ctx, b)
	if err != nil {
		return Answer{}, fmt.Errorf("cannot transmit %s: %w", c, err)
	}
	return ParseAnswer(raw)
}
