package pcsc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var _ card.Driver = (*Driver)(nil)

// The one table of time limits.
const (
	// glance is how long the watcher waits for a change before it looks again: on
	// pcscd before 2.3 a reader that was swapped within one wait shows only then.
	glance = 2 * time.Second
	// noticed is how long pcscd may take to see that a card has left, and to say
	// so: it looks every 0.4 s.
	noticed = 900 * time.Millisecond
	// away bounds the pause between attempts to reach pcscd.
	awayFirst, awayMost = 100 * time.Millisecond, 3 * time.Second
	// again is the pause before a busy or waking card is tried once more.
	again = 60 * time.Millisecond
	// quit is how long Run waits for a pcscd that hangs.
	quit = 3 * time.Second

	// DefaultDebounce bridges the flicker of a card at the edge of the field.
	DefaultDebounce = 300 * time.Millisecond
	// DefaultPatience is how long another program may keep the card.
	DefaultPatience = 2 * time.Second
)

// pnp is the reader that stands for a change in the list of readers.
const pnp = `\\?PnP?\Notification`

// Options say which readers are served. The zero Options serve every reader.
type Options struct {
	// MyNumber are patterns (RE2) of the names of readers for My Number cards, the
	// preferred ones first; nil: every reader but slots for security modules,
	// contactless ones first. WAON are those for WAON cards; nil: the same readers.
	MyNumber, WAON []string
	// Debounce is how long a card must be away to be told gone; 0: DefaultDebounce.
	Debounce time.Duration
	// Patience is how long Connect waits for another program that holds the card,
	// or a card that is waking up; 0: DefaultPatience.
	Patience time.Duration
	Log      *slog.Logger
}

// Driver serves the readers of a machine. See the package comment for what it
// promises. Its methods may be called from any goroutine.
type Driver struct {
	opt     Options
	roles   roles
	service service
	watch   chan card.State

	mu      sync.Mutex
	table   *table
	last    card.State
	session session       // of the watcher, nil while pcscd is away
	looks   []chan<- bool // who wants a fresh look; told whether there was one
	changed chan struct{} // closed and renewed at each look that changed something
	turns   map[string]*turn
}

// New makes a driver. Nothing runs before Run.
func New(opt Options) (*Driver, error) {
	r, err := newRoles(opt.MyNumber, opt.WAON)
	if err != nil {
		return nil, err
	}
	return newDriver(opt, r, lite{}), nil
}

func newDriver(opt Options, r roles, s service) *Driver {
	if opt.Debounce == 0 {
		opt.Debounce = DefaultDebounce
	}
	if opt.Patience == 0 {
		opt.Patience = DefaultPatience
	}
	d := &Driver{
		opt: opt, roles: r, service: s, watch: make(chan card.State, 1),
		table: newTable(opt.Debounce), changed: make(chan struct{}), turns: map[string]*turn{},
	}
	d.watch <- card.State{}
	return d
}

// Watch implements card.Driver.
func (d *Driver) Watch() <-chan card.State { return d.watch }

// Run implements card.Driver. It ends with ctx, also when pcscd hangs.
func (d *Driver) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.follow(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		timer := time.NewTimer(quit)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			d.opt.Log.Warn("Gave up on a pcscd that hangs", "code", fault.ReaderGone)
		}
	}
	return ctx.Err()
}

// follow keeps a context to watch on.
func (d *Driver) follow(ctx context.Context) {
	pause, told := awayFirst, false
	for ctx.Err() == nil {
		lived, err := d.live(ctx)
		d.lost()
		if ctx.Err() != nil {
			return
		}
		if lived {
			pause, told = awayFirst, false
		}
		if !told {
			d.opt.Log.Warn("Lost pcscd", "code", fault.ReaderGone, "err", err, "hint", hintService)
			told = true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause = min(2*pause, awayMost)
	}
}

// live watches on one context until it is of no use any more. It reports whether
// pcscd was there at all.
func (d *Driver) live(ctx context.Context) (lived bool, err error) {
	s, err := d.service.establish()
	if err != nil {
		return false, err
	}
	defer s.release()
	ended := make(chan struct{})
	defer close(ended)
	go interrupt(ctx, s, ended)

	d.mu.Lock()
	d.session = s
	d.mu.Unlock()
	var plug scard.StateFlag // what was last said of the list of readers
	strays := 0
	for ctx.Err() == nil {
		plug, err = d.turn(s, plug)
		switch {
		case err == nil:
			strays = 0
		case readerLost(err) && strays < 3:
			strays++ // a reader left between list and wait: the next list tells
		default:
			return lived, err
		}
		lived = true
	}
	return lived, ctx.Err()
}

// interrupt ends the waits of s when ctx ends. A cancel that meets no wait is
// forgotten by pcscd, so it is repeated until the watcher has noticed.
func interrupt(ctx context.Context, s session, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.cancel()
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// turn looks once: at the list of readers, and then for a change of any.
func (d *Driver) turn(s session, plug scard.StateFlag) (scard.StateFlag, error) {
	names, err := s.readers()
	if err != nil && !anyOf(err, scard.ErrNoReadersAvailable) {
		return plug, err
	}
	d.mu.Lock()
	d.table.list(d.roles.served(names))
	states := append(d.table.states(), scard.ReaderState{Reader: pnp, CurrentState: plug})
	limit := glance
	if next := d.table.expire(time.Now()); !next.IsZero() {
		limit = min(limit, time.Until(next))
	}
	asked := d.looks
	d.looks = nil
	if len(asked) > 0 {
		limit = 0
	}
	d.publish()
	d.mu.Unlock()

	err = s.wait(states, limit)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		now := time.Now()
		for _, st := range states[:len(states)-1] {
			d.table.note(st.Reader, st.EventState, st.Atr, now)
		}
		plug = states[len(states)-1].EventState &^ scard.StateChanged
		d.table.expire(now)
	case anyOf(err, scard.ErrTimeout, scard.ErrCancelled):
		err = nil // as it was
	}
	d.publish()
	if readerLost(err) { // another reader than the one that is asked for, perhaps
		d.looks = append(asked, d.looks...)
		return plug, err
	}
	answer(asked, err == nil)
	return plug, err
}

func answer(asked []chan<- bool, ok bool) {
	for _, c := range asked {
		c <- ok
	}
}

// lost is when there is no pcscd: no reader, no card.
func (d *Driver) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = nil
	d.table.list(nil)
	d.publish()
	answer(d.looks, false)
	d.looks = nil
}

// publish tells the state if it is another one than before; the lock is held.
func (d *Driver) publish() {
	s := d.table.state()
	if sameState(s, d.last) {
		return
	}
	d.report(s)
	d.last = s
	close(d.changed)
	d.changed = make(chan struct{})
	select {
	case <-d.watch:
	default:
	}
	d.watch <- s
}

// report logs which readers come and go; cards are the visit's business, and for
// whoever looks closely.
func (d *Driver) report(s card.State) {
	for _, r := range s.Readers {
		if _, known := d.last.On(r.Name); !known {
			d.opt.Log.Info("Found a reader", "reader", r.Name, "my_number", r.MyNumber, "waon", r.WAON)
		}
	}
	for _, l := range s.Cards {
		if _, known := d.last.Card(l.Number); !known {
			d.opt.Log.Debug("Card came", "number", l.Number, "reader", l.Reader, "silent", len(l.ATR) == 0)
		}
	}
	for _, l := range d.last.Cards {
		if _, still := s.Card(l.Number); !still {
			d.opt.Log.Debug("Card left", "number", l.Number, "reader", l.Reader)
		}
	}
	for _, r := range d.last.Readers {
		if _, still := s.On(r.Name); !still {
			d.opt.Log.Warn("Lost a reader", "reader", r.Name, "code", fault.ReaderGone)
		}
	}
}

func sameState(a, b card.State) bool {
	if len(a.Readers) != len(b.Readers) || len(a.Cards) != len(b.Cards) {
		return false
	}
	for i := range a.Readers {
		if a.Readers[i] != b.Readers[i] {
			return false
		}
	}
	for i := range a.Cards {
		if a.Cards[i].Number != b.Cards[i].Number {
			return false
		}
	}
	return true
}

// look has the watcher look now and waits for it. It fails when there is no
// pcscd to look at.
func (d *Driver) look(ctx context.Context) error {
	seen := make(chan bool, 1)
	d.mu.Lock()
	s := d.session
	if s != nil {
		d.looks = append(d.looks, seen)
	}
	d.mu.Unlock()
	if s == nil {
		return scard.ErrNoService
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.cancel()
		select {
		case ok := <-seen:
			if !ok {
				return scard.ErrNoService
			}
			return nil
		case <-tick.C: // the cancel may have come between two waits
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// here says on which reader the card with this number lies, or why not.
func (d *Driver) here(number uint64) (string, *fault.Error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name, ok := d.table.here(number)
	switch {
	case ok:
		return name, nil
	case len(d.table.readers) == 0:
		return "", &fault.Error{Device: "reader", Op: "find the card", Code: fault.ReaderGone, Hint: hintReader}
	default:
		return "", &fault.Error{Device: "card", Op: "find the card", Code: fault.CardLifted}
	}
}

// gone waits until the watcher has seen the card leave, at most for limit.
func (d *Driver) gone(number uint64, limit time.Duration) *fault.Error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		if _, f := d.here(number); f != nil {
			return f
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil
		}
	}
}

var errStuck = errors.New("an earlier command to this card has not been answered yet")
