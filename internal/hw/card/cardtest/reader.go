package cardtest

import (
	"context"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var _ card.Driver = (*Reader)(nil)

// Name is how the virtual reader in process calls itself.
const Name = "Virtual Reader"

// Reader is a driver without a device: it serves a [Slot] in process.
type Reader struct {
	*Slot
	watch chan card.State
	turn  chan struct{} // holds one token: the right to be the connection
}

// NewReader makes a reader with a slot of its own, plugged in and empty.
func NewReader() *Reader {
	r := &Reader{Slot: NewSlot(), watch: make(chan card.State, 1), turn: make(chan struct{}, 1)}
	r.moved = r.publish
	r.turn <- struct{}{}
	r.watch <- card.State{}
	return r
}

// Run implements card.Driver: until ctx ends the reader is served.
func (r *Reader) Run(ctx context.Context) error {
	r.serve(true)
	defer r.serve(false)
	<-ctx.Done()
	return ctx.Err()
}

// Watch implements card.Driver.
func (r *Reader) Watch() <-chan card.State { return r.watch }

// State is what Watch would give, for a look without taking it away.
func (r *Reader) State() card.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state()
}

func (r *Reader) state() card.State {
	if !r.running || !r.power {
		return card.State{}
	}
	s := card.State{Readers: []card.Reader{{Name: Name, MyNumber: true, WAON: true}}}
	if r.present {
		atr := r.lying.card.ATR()
		s.Cards = []card.Lying{{Number: r.number, Reader: Name, Tech: card.TechOf(atr), ATR: atr}}
	}
	return s
}

// publish puts the newest state into the channel and drops an older one.
func (r *Reader) publish() {
	select {
	case <-r.watch:
	default:
	}
	r.watch <- r.state()
}

// Connect implements card.Driver. While another connection is open it waits.
func (r *Reader) Connect(ctx context.Context, number uint64) (card.Conn, error) {
	if err := r.there(number); err != nil {
		return nil, err
	}
	select {
	case <-r.turn:
	case <-ctx.Done():
		return nil, &fault.Error{Device: "reader", Op: "connect", Code: fault.CardMute, Cause: ctx.Err(), Hint: "another connection holds the card"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.missing(number); l != lossNone {
		r.turn <- struct{}{}
		return nil, failed("connect", l, nil)
	}
	return &conn{reader: r, card: r.lying.card, away: r.away, number: number}, nil
}

func (r *Reader) there(number uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.missing(number); l != lossNone {
		return failed("connect", l, nil)
	}
	return nil
}

func failed(op string, l loss, cause error) error {
	switch l {
	case lossUnplugged:
		return &fault.Error{Device: "reader", Op: op, Code: fault.ReaderGone, Cause: cause, Hint: "plug the reader in"}
	case lossLifted:
		return &fault.Error{Device: "card", Op: op, Code: fault.CardLifted, Cause: cause}
	default:
		return &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: cause}
	}
}
