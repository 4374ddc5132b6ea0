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
	token  chan struct{} // holds one
	mu     sync.Mutex
	holder uint64        // grows with each holder of the token
	stuck  chan struct{} // closed while whoever has the token waits for a card or pcscd that is silent
}

// seize says that the holder of the token is stuck, so that nobody waits behind it.
// A holder that has passed the token on meanwhile says nothing.
func (t *turn) seize(holder uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if holder != t.holder {
		return
	}
	select {
	case <-t.stuck:
	default:
		close(t.stuck)
	}
}

// pass gives the token on.
func (t *turn) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holder++
	select {
	case <-t.stuck:
		t.stuck = make(chan struct{})
	default:
	}
	t.token <- struct{}{}
}

// mine is the holder's own number, for whoever has just got the token.
func (t *turn) mine() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.holder
}

func (t *turn) stuckness() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stuck
}

func (d *Driver) turnOf(reader string) *turn {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.turns[reader]
	if !ok {
		t = &turn{token: make(chan struct{}, 1), stuck: make(chan struct{})}
		t.token <- struct{}{}
		d.turns[reader] = t
	}
	return t
}

// conn is one exclusive connection, on a context of its own.
type conn struct {
	d      *Driver
	turn   *turn
	holder uint64
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
	select {
	case <-t.token:
	case <-t.stuckness():
		return nil, &fault.Error{Device: "card", Op: "connect", Code: fault.CardMute, Cause: errStuck, Hint: hintMute}
	case <-ctx.Done():
		return nil, &fault.Error{Device: "reader", Op: "connect", Code: fault.ReaderBusy, Cause: ctx.Err(), Hint: "another connection of this program holds the card"}
	}
	holder := t.mine()
	// pcscd may hang in any call. Whoever asked does not wait longer than ctx; what
	// comes late is closed again.
	type result struct {
		c   *conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := d.open(ctx, reader, number)
		if err == nil {
			c.turn, c.holder = t, holder
		}
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			t.pass()
			return nil, r.err
		}
		return r.c, nil
	case <-ctx.Done():
		t.seize(holder)
		go func() {
			if r := <-done; r.err == nil {
				_ = r.c.drop() // nobody waits for it any more
			}
			t.pass()
		}()
		return nil, &fault.Error{Device: "card", Op: "connect", Code: fault.CardMute, Cause: ctx.Err(), Hint: hintMute}
	}
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
		select {
		case r := <-done: // it was answered all the same: a PIN may hang on it
			if r.err == nil {
				return r.answer, nil
			}
		default:
		}
		c.turn.seize(c.holder)
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

// patient is how long Close waits for pcscd.
const patient = 2 * time.Second

// Close implements card.Conn. It waits neither for a card that is silent nor for
// a pcscd that hangs: that connection is taken down when they have answered.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	pending := c.pending
	c.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		if pending != nil {
			<-pending
		}
		err := c.drop()
		c.turn.pass()
		done <- err
	}()
	if pending != nil {
		return nil
	}
	timer := time.NewTimer(patient)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		c.turn.seize(c.holder)
		return &fault.Error{Device: "reader", Op: "power the card down", Code: fault.ReaderGone, Cause: errStuck, Hint: hintService}
	}
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
