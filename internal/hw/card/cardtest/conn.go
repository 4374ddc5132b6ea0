package cardtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"kioskd/internal/hw/card"
)

var (
	_ card.Conn    = (*conn)(nil)
	_ card.Escaper = (*conn)(nil)
)

var errClosed = errors.New("connection is closed")

type conn struct {
	reader *Reader
	card   Card
	away   <-chan struct{}
	number uint64

	once   sync.Once
	closed bool // guarded by reader.mu
}

// ATR implements card.Conn.
func (c *conn) ATR() []byte { return c.card.ATR() }

// Reader implements card.Conn.
func (*conn) Reader() string { return Name }

// Close implements card.Conn.
func (c *conn) Close() error {
	c.once.Do(func() {
		r := c.reader
		r.mu.Lock()
		defer r.mu.Unlock()
		c.closed = true
		if r.present && r.number == c.number {
			c.card.Power(false)
			c.card.Power(true)
		}
		r.turn <- struct{}{}
	})
	return nil
}

// Transmit implements card.Conn.
func (c *conn) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	const op = "transmit"
	if err := ctx.Err(); err != nil {
		return nil, failed(op, lossMute, err)
	}
	if c.isClosed() {
		return nil, failed(op, lossMute, errClosed)
	}
	answer, wait, l := c.reader.exchange(c.number, command)
	if l != lossNone {
		return nil, failed(op, l, nil)
	}
	if wait > 0 {
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// Escape implements card.Escaper: a card behind a reader that knows escape
// commands is an [Escapee].
func (c *conn) Escape(ctx context.Context, command []byte) ([]byte, error) {
	e, ok := c.card.(Escapee)
	if err := ctx.Err(); err != nil || !ok || c.isClosed() {
		return nil, failed("escape", lossMute, errors.Join(err, errors.New("reader takes no escape commands")))
	}
	c.reader.mu.Lock()
	defer c.reader.mu.Unlock()
	if l := c.reader.missing(c.number); l != lossNone {
		return nil, failed("escape", l, nil)
	}
	c.reader.note(command, nil)
	return e.Escape(command), nil
}

func (c *conn) isClosed() bool {
	c.reader.mu.Lock()
	defer c.reader.mu.Unlock()
	return c.closed
}

// pause is the time that the answer is under way.
func (c *conn) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-c.away:
		c.reader.mu.Lock()
		defer c.reader.mu.Unlock()
		return failed("transmit", c.lostWhileUnderWay(), nil)
	case <-ctx.Done():
		return failed("transmit", lossMute, ctx.Err())
	}
}

// lostWhileUnderWay: the reader may have left with the card; its lock is held.
func (c *conn) lostWhileUnderWay() loss {
	if c.reader.missing(c.number) == lossUnplugged {
		return lossUnplugged
	}
	return lossLifted
}
