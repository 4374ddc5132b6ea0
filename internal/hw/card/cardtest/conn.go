package cardtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/apdu"
)

// Exchange is one line of the reader's log. It holds no data but the name that
// a SELECT carries.
type Exchange struct {
	Command string  // header, lengths, SELECT's name
	INS     byte    // instruction
	Bytes   int     // of the command
	Answer  int     // bytes of the answer, status word included; 0 = none came
	SW      apdu.SW // 0 = no answer came
}

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
	if err := ctx.Err(); err != nil {
		return nil, c.fail(fault.CardMute, err)
	}
	answer, wait, err := c.exchange(command)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// exchange is the instant at which the card works: nothing can come between.
func (c *conn) exchange(command []byte) ([]byte, time.Duration, error) {
	r := c.reader
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.closed {
		return nil, 0, c.fail(fault.CardMute, errClosed)
	}
	if err := c.here(); err != nil {
		return nil, 0, err
	}
	now := r.tear.at == 0
	if r.tear.at >= 0 {
		r.tear.at--
	}
	if now && !r.tear.after {
		r.note(command, nil)
		r.lift()
		return nil, 0, c.fail(fault.CardLifted, nil)
	}
	if r.mute {
		r.note(command, nil)
		return nil, 0, c.fail(fault.CardMute, nil)
	}
	answer := c.card.Answer(command)
	if now {
		r.note(command, nil)
		r.lift()
		return nil, 0, c.fail(fault.CardLifted, nil)
	}
	r.note(command, answer)
	return answer, r.slow, nil
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
		if err := c.here(); err != nil {
			return err
		}
		return c.fail(fault.CardLifted, nil)
	case <-ctx.Done():
		return c.fail(fault.CardMute, ctx.Err())
	}
}

// here says why the card of this connection can no longer be talked to.
func (c *conn) here() error {
	switch r := c.reader; {
	case !r.running || !r.power:
		return &fault.Error{Device: "reader", Op: "transmit", Code: fault.ReaderGone, Hint: "plug the reader in"}
	case !r.present || r.number != c.number:
		return c.fail(fault.CardLifted, nil)
	default:
		return nil
	}
}

func (*conn) fail(code fault.Code, cause error) error {
	return &fault.Error{Device: "card", Op: "transmit", Code: code, Cause: cause}
}

// note writes the log; the reader's lock is held.
func (r *Reader) note(command, answer []byte) {
	e := Exchange{Bytes: len(command), Answer: len(answer)}
	if c, err := apdu.ParseCommand(command); err == nil {
		e.Command, e.INS = c.String(), c.INS
	} else {
		e.Command = fmt.Sprintf("not a short command (%d bytes)", len(command))
	}
	if a, err := apdu.ParseAnswer(answer); err == nil {
		e.SW = a.SW
	}
	const keep = 4096
	if len(r.log) == keep {
		r.log = append(r.log[:0], r.log[keep/2:]...)
	}
	r.log = append(r.log, e)
}
