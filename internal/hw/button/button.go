// Package button is the button by which a shopper calls staff: a contact on a GPIO
// line, known by its name.
//
// A press counts when the contact has been closed for a moment (the debounce), once
// for each time that it is held down; a button that is down at the start counts once
// it has been let go. Of presses that nobody takes only the newest is kept, and of those
// within a second only the first: a contact that chatters fills neither log nor queue.
//
// A chip that reports no edges, for want of an interrupt, has its line read every few
// milliseconds instead.
//
// A line that is missing or lost is a status and not an error; it is tried again
// every few seconds, and no press comes of it.
package button

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"kioskd/internal/hw/board"
)

// DefaultDebounce is longer than good contacts bounce and shorter than any press.
const DefaultDebounce = 30 * time.Millisecond

// The one table of times.
const (
	// glance is how long one wait for an edge lasts, and so how long Run takes to
	// end. An edge that was missed shows then.
	glance = 250 * time.Millisecond
	// poll is how often a line is read whose chip reports no edges.
	poll = 10 * time.Millisecond
	// rest is how long further presses say nothing new.
	rest = time.Second
	// again is the pause before a missing line is looked for once more.
	again = 3 * time.Second
)

// Lines finds GPIO lines; see [board.Board].
type Lines interface {
	Line(name string) (board.Line, error)
}

// Options say where the button is.
type Options struct {
	Line      string
	ActiveLow bool          // pressed is low: the button connects the line to ground
	Debounce  time.Duration // 0: DefaultDebounce
	Log       *slog.Logger
}

// Button is the button. Its methods may be called from any goroutine.
type Button struct {
	lines   Lines
	opt     Options
	pressed chan struct{}
	last    time.Time // when a press was told; Run's alone

	mu     sync.Mutex
	status board.Status
}

// New makes a button. Nothing is touched before Run.
func New(lines Lines, opt Options) *Button {
	if opt.Debounce == 0 {
		opt.Debounce = DefaultDebounce
	}
	return &Button{lines: lines, opt: opt, pressed: make(chan struct{}, 1), status: board.Status{State: board.Waiting}}
}

// Pressed tells of presses.
func (b *Button) Pressed() <-chan struct{} { return b.pressed }

// Line is the name of the button's line.
func (b *Button) Line() string { return b.opt.Line }

// Status says how the line is.
func (b *Button) Status() board.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}

// Run watches the line until ctx ends. It returns ctx's error.
func (b *Button) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := b.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		b.tell(err)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return ctx.Err()
}

var errLost = errors.New("the line was lost")

// follow watches the line until it is lost or ctx ends.
func (b *Button) follow(ctx context.Context) error {
	line, err := b.lines.Line(b.opt.Line)
	if err != nil {
		return err
	}
	defer line.Close()
	// The bias holds a contact that is open at the other level, where the chip has one.
	pull, down := gpio.PullDown, gpio.High
	if b.opt.ActiveLow {
		pull, down = gpio.PullUp, gpio.Low
	}
	wait := edge
	if err := line.In(pull, gpio.BothEdges); err != nil {
		if !line.Present() {
			return err
		}
		// No edges, for all that can be told; if it is something else, this fails too.
		if err := line.In(pull, gpio.NoEdge); err != nil {
			return err
		}
		wait = glimpse
	}
	b.tell(nil)
	d := debouncer{hold: b.opt.Debounce}
	d.seen = line.Read() == down
	d.down = d.seen // held down at the start: a press that nobody here has seen
	next := time.Duration(0)
	for ctx.Err() == nil {
		most := glance
		if next > 0 {
			most = min(next, glance)
		}
		// A line that was lost reads low, which may be "down".
		if !wait(ctx, line, most) || !line.Present() {
			return &board.Error{Op: "read line " + b.opt.Line, State: board.Absent, Cause: errLost, Hint: "plug the GPIO adapter in"}
		}
		var pressed bool
		if pressed, next = d.see(line.Read() == down, time.Now()); pressed {
			b.press()
		}
	}
	return nil
}

// edge waits for an edge. A line that was lost ends each wait at once, without a word.
func edge(_ context.Context, line board.Line, most time.Duration) (there bool) {
	began := time.Now()
	return line.WaitForEdge(most) || time.Since(began) >= most/2
}

// glimpse waits until it is time to look at a line that reports no edges.
func glimpse(ctx context.Context, _ board.Line, most time.Duration) (there bool) {
	timer := time.NewTimer(min(most, poll))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

func (b *Button) press() {
	now := time.Now()
	if !b.last.IsZero() && now.Sub(b.last) < rest {
		return
	}
	b.last = now
	b.opt.Log.Info("The staff button was pressed", "line", b.opt.Line)
	select {
	case b.pressed <- struct{}{}:
	default: // the last one has not been taken, and says the same
	}
}

// tell puts the outcome into status and log, each once.
func (b *Button) tell(err error) {
	s := board.StatusOf(err)
	b.mu.Lock()
	before := b.status.State
	b.status = s
	b.mu.Unlock()
	switch {
	case s.State == before:
	case err != nil:
		b.opt.Log.Warn("The staff button cannot be read", "err", err)
	case before != board.Waiting:
		b.opt.Log.Info("The staff button is back")
	}
}
