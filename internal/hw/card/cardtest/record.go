package cardtest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var (
	_ card.Driver  = (*Recorder)(nil)
	_ card.Conn    = (*recorded)(nil)
	_ card.Escaper = recordedEscaper{}
)

// RecordOptions say what a recording may hold.
type RecordOptions struct {
	Name string // of the transcript
	// Public is for virtual cards: all bytes are written but PINs and keys. Without
	// it, for real cards, there are only headers, lengths, status words and the
	// names of what was selected: no certificate, no number, no signature. Never
	// set it where a card may be somebody's: a PIN that is wrapped in a command to
	// the reader, and no APDU of its own, is hidden only without it.
	Public bool
}

// Recorder is a driver that passes everything on to another one and writes it
// down. What the hand does it learns through Hand.
//
//	rec := cardtest.Record(driver, cardtest.RecordOptions{Name: "a visit"})
//	go rec.Run(ctx)
//	… as with the driver itself …
//	os.WriteFile("visit.txt", []byte(rec.Transcript().String()), 0o600)
//
// It may be used as the driver may. Calls that overlap are written in the order
// in which they began, and a [Player] plays them one after the other.
type Recorder struct {
	driver card.Driver
	opt    RecordOptions
	watch  chan card.State

	mu     sync.Mutex
	events []*event
	under  map[*event]bool // calls that are still under way
	told   string          // the last state
	conns  uint64
}

// Record wraps a driver. Nothing runs before Run.
func Record(driver card.Driver, opt RecordOptions) *Recorder {
	r := &Recorder{
		driver: driver, opt: opt, watch: make(chan card.State, 1),
		under: map[*event]bool{}, told: stateText(card.State{}),
	}
	r.watch <- card.State{}
	return r
}

// Transcript is what happened so far, without calls that are still under way.
func (r *Recorder) Transcript() Transcript {
	r.mu.Lock()
	defer r.mu.Unlock()
	done := slices.DeleteFunc(slices.Clone(r.events), func(e *event) bool { return r.under[e] })
	return Transcript{Name: r.opt.Name, events: done}
}

// Hand is the bench with this recorder as its reader; what its hand does is
// written down.
func (r *Recorder) Hand(bench Bench) Bench {
	note := func(k eventKind, do func()) func() {
		if do == nil {
			return nil
		}
		return func() {
			r.note(&event{kind: k})
			do()
		}
	}
	wrapped := bench
	wrapped.Reader = r
	wrapped.Put = func(persona string) {
		r.note(&event{kind: kindPut, persona: persona})
		bench.Put(persona)
	}
	wrapped.Lift = note(kindLift, bench.Lift)
	wrapped.Unplug = note(kindUnplug, bench.Unplug)
	wrapped.Plug = note(kindPlug, bench.Plug)
	return wrapped
}

// Run implements card.Driver. What the driver tells after ctx has ended is
// passed on, but not written: it is only that nobody serves.
func (r *Recorder) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- r.driver.Run(ctx) }()
	for {
		select {
		case s := <-r.driver.Watch():
			r.tell(s, ctx.Err() == nil)
		case err := <-done:
			select {
			case s := <-r.driver.Watch():
				r.tell(s, ctx.Err() == nil)
			default:
			}
			return err
		}
	}
}

// Watch implements card.Driver.
func (r *Recorder) Watch() <-chan card.State { return r.watch }

// Connect implements card.Driver.
func (r *Recorder) Connect(ctx context.Context, number uint64) (card.Conn, error) {
	e := r.begin(&event{kind: kindConnect, number: number})
	inner, err := r.driver.Connect(ctx, number)
	if err != nil {
		r.end(ctx, e, err, nil)
		return nil, err
	}
	escaper, escapes := inner.(card.Escaper)
	c := &recorded{rec: r, inner: inner}
	r.end(ctx, e, nil, func() {
		r.conns++
		c.conn = r.conns
		e.conn, e.reader, e.atr, e.escapes = c.conn, inner.Reader(), maskATR(inner.ATR(), r.opt.Public), escapes
	})
	if escapes {
		return recordedEscaper{c, escaper}, nil
	}
	return c, nil
}

// note writes an event that has no end.
func (r *Recorder) note(e *event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// tell passes a state on. It is written before anybody can act on it.
func (r *Recorder) tell(s card.State, write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	masked := maskState(s, r.opt.Public)
	if text := stateText(masked); write && text != r.told {
		r.told = text
		r.events = append(r.events, &event{kind: kindState, state: masked})
	}
	renew(r.watch, s)
}

// renew puts the newest state into a channel that holds one.
func renew(watch chan card.State, s card.State) {
	select {
	case <-watch:
	default:
	}
	watch <- s
}

// begin gives a call its place.
func (r *Recorder) begin(e *event) *event {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	r.under[e] = true
	return e
}

// end writes how a call ended: in err, or else as well says.
func (r *Recorder) end(ctx context.Context, e *event, err error, well func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.under, e)
	switch {
	case err != nil:
		e.failure = &failure{code: fault.CodeOf(err), ended: ctx.Err() != nil}
		if f, ok := errors.AsType[*fault.Error](err); ok && lowerCase(f.Device) {
			e.failure.device = f.Device
		}
	case well != nil:
		well()
	}
}

// recorded is a connection of a recorder.
type recorded struct {
	rec   *Recorder
	inner card.Conn
	conn  uint64
	once  sync.Once
}

// ATR implements card.Conn.
func (c *recorded) ATR() []byte { return c.inner.ATR() }

// Reader implements card.Conn.
func (c *recorded) Reader() string { return c.inner.Reader() }

// Transmit implements card.Conn.
func (c *recorded) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	public := c.rec.opt.Public
	e := c.rec.begin(&event{kind: kindSend, conn: c.conn, command: maskCommand(command, public)})
	answer, err := c.inner.Transmit(ctx, command)
	c.rec.end(ctx, e, err, func() { e.answer = maskAnswer(answer, public) })
	return answer, err
}

// Close implements card.Conn. Only the first time is written.
func (c *recorded) Close() error {
	var err error
	first := false
	c.once.Do(func() {
		first = true
		e := c.rec.begin(&event{kind: kindClose, conn: c.conn})
		err = c.inner.Close()
		c.rec.end(context.Background(), e, err, nil)
	})
	if first {
		return err
	}
	return c.inner.Close()
}

// recordedEscaper is a connection whose reader takes commands of its own.
type recordedEscaper struct {
	*recorded
	escaper card.Escaper
}

// Escape implements card.Escaper.
func (c recordedEscaper) Escape(ctx context.Context, command []byte) ([]byte, error) {
	public := c.rec.opt.Public
	e := c.rec.begin(&event{kind: kindEscape, conn: c.conn, command: maskOther(command, public)})
	answer, err := c.escaper.Escape(ctx, command)
	c.rec.end(ctx, e, err, func() { e.answer = maskOther(answer, public) })
	return answer, err
}
