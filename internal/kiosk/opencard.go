package kiosk

import (
	"context"
	"log/slog"
	"sync"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/jpki"
)

// openCard is a card that has been identified and is still connected to. It has
// one owner at a time, who closes it.
type openCard struct {
	number  uint64
	conn    card.Conn
	session *jpki.Session
}

func (o *openCard) close(log *slog.Logger) {
	if o.session != nil {
		o.session.End(context.Background())
	}
	closeCard(o.conn, log)
}

// closeCard powers the card down. It has answered what it was asked; that it
// could not be powered down is for the log.
func closeCard(conn card.Conn, log *slog.Logger) {
	if err := conn.Close(); err != nil {
		log.Warn("Cannot close the card", "code", fault.CodeOf(err), "err", err)
	}
}

// cards is what a visit keeps of the card that lies there: its certificate, so
// that it is read once, and the open card itself between the moment when it was
// identified and the signature. The zero cards is empty.
type cards struct {
	mu     sync.Mutex
	number uint64
	der    []byte
	open   *openCard
	over   bool // the visit has ended: nothing is kept any more
}

// keep takes a card over.
func (c *cards) keep(o *openCard, der []byte, log *slog.Logger) {
	c.mu.Lock()
	old := c.open
	if c.over {
		old = o
	} else {
		c.open, c.number, c.der = o, o.number, der
	}
	c.mu.Unlock()
	if old != nil {
		old.close(log)
	}
}

// take gives the open card with this number away, if it is there.
func (c *cards) take(number uint64) (*openCard, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil || c.open.number != number {
		return nil, false
	}
	o := c.open
	c.open = nil
	return o, true
}

// close lets go of the open card.
func (c *cards) close(log *slog.Logger) {
	c.mu.Lock()
	o := c.open
	c.open = nil
	c.mu.Unlock()
	if o != nil {
		o.close(log)
	}
}

// end is the end of the visit.
func (c *cards) end(log *slog.Logger) {
	c.mu.Lock()
	c.over, c.number, c.der = true, 0, nil
	c.mu.Unlock()
	c.close(log)
}

// left gives away the open card that no longer lies there, if there is one.
func (c *cards) left(lying uint64) (*openCard, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil || c.open.number == lying {
		return nil, false
	}
	o := c.open
	c.open = nil
	return o, true
}

// certificate of the card with this number, or nil.
func (c *cards) certificate(number uint64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number != number {
		return nil
	}
	return c.der
}
