package pcsc

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var (
	_ card.Conn    = (*conn)(nil)
	_ card.Escaper = (*conn)(nil)
)

// turn is the right to be the connection to one reader.
type turn struct {
	token chan struct{} // holds one
	mu    sync.Mutex
	stuck bool // whoever has it waits for a card that does not answer
}

func (t *turn) setStuck(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stuck = on
}

func (t *turn) isStuck() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stuck
}

func (d *Driver) turnOf(reader string) *turn {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.turns[reader]
	if !ok {
		t = &turn{token: make(chan struct{}, 1)}
		t.token <- struct{}{}
		d.turns[reader] = t
	}
	return t
}

// conn is one exclusive connection, on a context of its own.
type conn struct {
	d      *Driver
	turn   *turn
	reader string
	number uint64
	sess   session
	h      handle
	reset  []byte // answer to reset

	mu      sync.Mutex
	closed  bool
	dead    *fault.Error    // what ended it; it is not used again
	pending <-chan struct{} // closed when a command that was given up is answered
}

// Connect implements card.Driver. It waits for another connection of this
// program, up to ctx, and for another program, up to the patience of Options.
func (d *Driver) Connect(ctx context.Context, number uint64) (card.Conn, error) {
	reader, f := d.here(number)
	if f != nil {
		return nil, f
	}
	t := d.turnOf(reader)
	if t.isStuck() {
		return nil, &fault.Error{Device: "card", Op: "connect", Code: fault.CardMute, Cause: errStuck, Hint: hintMute}
	}
	select {
	case <-t.token:
	case <-ctx.Done():
		return nil, &fault.Error{Device: "reader", Op: "connect", Code: fault.ReaderBusy, Cause: ctx.Err(), Hint: "another connection of this program holds the card"}
	}
	c, err := d.open(ctx, reader, number)
	if err != nil {
		t.token <- struct{}{}
		return nil, err
	}
	c.turn = t
	return c, nil
}

// open connects and makes sure of the card.
func (d *Driver) open(ctx context.Context, reader string, number uint64) (*conn, error) {
	sess, err := d.service.establish()
	if err != nil {
		return nil, failed("reach pcscd", err)
	}
	h, err := d.insist(ctx, sess, reader, number)
	if err != nil {
		sess.release()
		return nil, err
	}
	c := &conn{d: d, reader: reader, number: number, sess: sess, h: h}
	if c.reset, err = h.atr(); err != nil {
		_ = c.drop() // what went wrong before is what counts
		return nil, failed("read the answer to reset", err)
	}
	// From here on pcscd tells of a card that leaves. Whether it was swapped just
	// before, only a fresh look says.
	if err := d.look(ctx); err != nil {
		_ = c.drop() // what went wrong before is what counts
		return nil, failed("make sure of the card", err)
	}
	if _, f := d.here(number); f != nil {
		_ = c.drop() // what went wrong before is what counts
		return nil, f
	}
	return c, nil
}

// insist connects exclusively, and again while the reason to fail may pass.
func (d *Driver) insist(ctx context.Context, sess session, reader string, number uint64) (handle, error) {
	const op = "connect"
	until := time.Now().Add(d.opt.Patience)
	for {
		h, err := sess.connect(reader, scard.ShareExclusive)
		if err == nil {
			return h, nil
		}
		if _, f := d.here(number); f != nil {
			return nil, f
		}
		if !passing(err) || time.Now().After(until) {
			return nil, failed(op, err)
		}
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, failed(op, err)
		}
	}
}

// ATR implements card.Conn.
func (c *conn) ATR() []byte { return bytes.Clone(c.reset) }

// Reader implements card.Conn.
func (c *conn) Reader() string { return c.reader }

// Transmit implements card.Conn.
func (c *conn) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return c.do(ctx, "transmit", command, func(b []byte) ([]byte, error) {
		answer, err := c.h.transmit(b)
		if err == nil && len(answer) < 2 {
			return nil, errNoWord
		}
		return answer, err
	})
}

// errNoWord: some drivers call it a success when the card leaves in the middle of
// an exchange, and hand over nothing (vpcd does). An answer ends with a status word.
var errNoWord = errors.New("answer without a status word")

// escape is the control code by which CCID drivers pass a command to the reader.
const escape = 1

// Escape implements card.Escaper. Most drivers have it switched off.
func (c *conn) Escape(ctx context.Context, command []byte) ([]byte, error) {
	return c.do(ctx, "escape", command, func(b []byte) ([]byte, error) { return c.h.control(scard.CtlCode(escape), b) })
}

// do has pcscd carry a command out, and gives up on it when ctx ends: the
// connection is of no use then, and the command may still reach the card.
func (c *conn) do(ctx context.Context, op string, command []byte, send func([]byte) ([]byte, error)) ([]byte, error) {
	if err := c.usable(ctx, op); err != nil {
		return nil, err
	}
	type result struct {
		answer []byte
		err    error
	}
	done, ended := make(chan result, 1), make(chan struct{})
	own := bytes.Clone(command) // the caller wipes its own, perhaps before this has gone
	go func() {
		defer close(ended)
		defer clear(own)
		answer, err := send(own)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, c.broken(op, r.err)
		}
		return r.answer, nil
	case <-ctx.Done():
		c.turn.setStuck(true)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pending = ended
		c.dead = &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: ctx.Err(), Hint: hintMute}
		return nil, c.dead
	}
}

// usable refuses what cannot reach the card that was connected to.
func (c *conn) usable(ctx context.Context, op string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: errors.New("connection is closed")}
	case c.dead != nil:
		return c.dead
	case ctx.Err() != nil:
		return &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: ctx.Err()}
	}
	if _, f := c.d.here(c.number); f != nil {
		c.dead = f
		return f
	}
	return nil
}

// broken finds out why a command failed. Right after a card has left, pcscd only
// says that nothing was transacted; a moment later it knows.
func (c *conn) broken(op string, err error) error {
	f := failed(op, err)
	if refusesControl(op, err) {
		return f // the reader does not do this, and nothing else is wrong
	}
	if f.Code == fault.CardMute {
		if left := c.d.gone(c.number, noticed); left != nil {
			f = &fault.Error{Device: left.Device, Op: op, Code: left.Code, Cause: err, Hint: left.Hint}
		}
	}
	if f.Code == fault.CardLifted {
		_ = c.d.gone(c.number, noticed) // waits, so that nobody connects to it once more
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = f
	return f
}

func refusesControl(op string, err error) bool {
	return op == "escape" && anyOf(err, scard.ErrNotTransacted, scard.ErrUnsupportedFeature, scard.ErrInvalidParameter, scard.ErrInvalidValue)
}

// Close implements card.Conn. It does not wait for a card that is silent: that
// connection is taken down when pcscd has given up on the card.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	pending := c.pending
	c.mu.Unlock()
	if pending != nil {
		go func() {
			<-pending
			_ = c.drop()
			c.turn.setStuck(false)
			c.turn.token <- struct{}{}
		}()
		return nil
	}
	err := c.drop()
	c.turn.token <- struct{}{}
	return err
}

// drop powers the card down and gives everything back to pcscd.
func (c *conn) drop() error {
	defer c.sess.release()
	err := c.h.disconnect(scard.UnpowerCard)
	if err == nil || cardLost(err) || readerLost(err) || serviceLost(err) {
		return nil // done, or there is nothing to be powered down
	}
	return failed("power the card down", err)
}
