// Package boardtest plays a machine's GPIO lines and LEDs in memory, on periph's
// own fake pins. Like real ones they may be missing, held by another program, or
// leave while they are used; a line belongs to one at a time, and its level means
// nothing once it has been given back.
package boardtest

import (
	"errors"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"kioskd/internal/hw/board"
)

// Board is the machine. Its methods may be called from any goroutine.
type Board struct {
	mu    sync.Mutex
	lines map[string]*Line
	leds  map[string]*LED
}

// New makes a machine with these lines and no LED.
func New(lines ...string) *Board {
	b := &Board{lines: map[string]*Line{}, leds: map[string]*LED{}}
	for _, name := range lines {
		b.Plug(name)
	}
	return b
}

// Plug gives the machine a line, or one anew.
func (b *Board) Plug(name string) *Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &Line{pin: &gpiotest.Pin{N: name, EdgesChan: make(chan gpio.Level, 64)}}
	b.lines[name] = l
	return l
}

// Unplug takes a line away, also from whoever uses it.
func (b *Board) Unplug(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.lines[name]; l != nil {
		l.set(func() { l.gone = true })
	}
	delete(b.lines, name)
}

// The errors of a fake.
var (
	ErrNone = errors.New("there is none of this name")
	ErrBusy = errors.New("device or resource busy")
	ErrGone = errors.New("no such device")
	ErrMute = errors.New("no such device or address")
)

// Line is as [board.Board.Line].
func (b *Board) Line(name string) (board.Line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.lines[name]
	if !ok {
		return nil, &board.Error{Op: "open line " + name, State: board.Absent, Cause: ErrNone, Hint: "look"}
	}
	return l.open(), nil
}

// LED is as [board.Board.LED].
func (b *Board) LED(name string) (board.LED, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, ok := b.leds[name]
	if !ok {
		return nil, &board.Error{Op: "open LED " + name, State: board.Absent, Cause: ErrNone, Hint: "look"}
	}
	if err := l.take(); err != nil {
		return nil, err
	}
	return l, nil
}

// Of gives a line to look at.
func (b *Board) Of(name string) *Line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[name]
}

// Change is one level of a line, or one brightness.
type Change struct {
	At    time.Time
	Level int
}

// Line is a line of the machine.
type Line struct {
	pin *gpiotest.Pin

	mu      sync.Mutex
	gone    bool
	busy    bool
	mute    bool
	held    bool
	opened  int
	changes []Change
}

func (l *Line) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *Line) open() board.Line {
	l.set(func() { l.opened++ })
	return &use{Pin: l.pin, l: l}
}

// Busy makes another program hold the line, or give it back.
func (l *Line) Busy(busy bool) { l.set(func() { l.busy = busy }) }

// Mute makes it a line of a chip that reports no edges.
func (l *Line) Mute() { l.set(func() { l.mute = true }) }

// Held says whether this program holds the line.
func (l *Line) Held() (held bool) { l.set(func() { held = l.held }); return held }

// Opened counts how often it was asked for.
func (l *Line) Opened() (n int) { l.set(func() { n = l.opened }); return n }

// High says what it was driven to last.
func (l *Line) High() bool { return l.pin.Read() == gpio.High }

// Pull gives the bias that it was read with.
func (l *Line) Pull() gpio.Pull { return l.pin.Pull() }

// Changes gives what it was driven to, the oldest first.
func (l *Line) Changes() (all []Change) {
	l.set(func() { all = slices.Clone(l.changes) })
	return all
}

// Edge puts a level on the line from outside, as a contact does.
func (l *Line) Edge(level gpio.Level) {
	mute := false
	if l.set(func() { mute = l.mute }); mute {
		_ = l.pin.Out(level) // which never fails
		return
	}
	l.pin.EdgesChan <- level
}

// use is a line in somebody's hands.
type use struct {
	*gpiotest.Pin
	l *Line
}

var _ board.Line = (*use)(nil)

func (u *use) usable(op string) error {
	u.l.mu.Lock()
	defer u.l.mu.Unlock()
	switch {
	case u.l.gone:
		return &board.Error{Op: op + " line " + u.N, State: board.Absent, Cause: ErrGone}
	case u.l.busy && !u.l.held:
		return &board.Error{Op: op + " line " + u.N, State: board.Failed, Cause: ErrBusy, Hint: "find it"}
	}
	u.l.held = true
	return nil
}

// Out implements gpio.PinOut.
func (u *use) Out(level gpio.Level) error {
	if err := u.usable("drive"); err != nil {
		return err
	}
	n := 0
	if level == gpio.High {
		n = 1
	}
	u.l.set(func() { u.l.changes = append(u.l.changes, Change{time.Now(), n}) })
	return u.Pin.Out(level)
}

// In implements gpio.PinIn.
func (u *use) In(pull gpio.Pull, edge gpio.Edge) error {
	if err := u.usable("read"); err != nil {
		return err
	}
	mute := false
	if u.l.set(func() { mute = u.l.mute }); mute && edge != gpio.NoEdge {
		u.Close()
		return &board.Error{Op: "read line " + u.N, State: board.Failed, Cause: ErrMute, Hint: "find it"}
	}
	return u.Pin.In(pull, edge)
}

// Read implements gpio.PinIn. A line that is gone reads low.
func (u *use) Read() gpio.Level {
	if !u.Present() {
		return gpio.Low
	}
	return u.Pin.Read()
}

// WaitForEdge implements gpio.PinIn. It comes back at once when the line is gone.
func (u *use) WaitForEdge(timeout time.Duration) bool {
	return u.Present() && u.Pin.WaitForEdge(timeout)
}

// Present implements board.Line.
func (u *use) Present() bool {
	u.l.mu.Lock()
	defer u.l.mu.Unlock()
	return !u.l.gone
}

// Close implements board.Line.
func (u *use) Close() { u.l.set(func() { u.l.held = false }) }
