// Package lighttest holds a virtual lamp that records what it shows, and virtual
// lights that play real patterns on it.
package lighttest

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kioskd/internal/hw/light"
)

// Shown is one change of the lamp.
type Shown struct {
	At     time.Time
	Colour light.Colour
	Level  float64
}

// keep bounds the record: the newest changes stay.
const keep = 4096

// ErrBroken is what a broken lamp fails with.
var ErrBroken = errors.New("cannot set lamp: it is broken")

// Lamp is the virtual lamp. The zero Lamp is dark and works. Its methods may be
// called from any goroutine.
type Lamp struct {
	mu     sync.Mutex
	shown  []Shown
	broken bool
}

var _ light.Lamp = (*Lamp)(nil)

// Set implements [light.Lamp].
func (l *Lamp) Set(c light.Colour, level float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return ErrBroken
	}
	if len(l.shown) == keep {
		l.shown = slices.Delete(l.shown, 0, keep/4)
	}
	l.shown = append(l.shown, Shown{time.Now(), c, level})
	return nil
}

// Break makes every Set fail, or work again.
func (l *Lamp) Break(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

// Record gives all changes, the oldest first.
func (l *Lamp) Record() []Shown {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.shown)
}

// Now gives what the lamp shows.
func (l *Lamp) Now() Shown {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.shown) == 0 {
		return Shown{}
	}
	return l.shown[len(l.shown)-1]
}

// Lights are a real engine on a virtual lamp.
type Lights struct {
	*light.Engine
	*Lamp
}

var _ light.Lights = (*Lights)(nil)

// New makes virtual lights. They show once Run is called.
func New(log *slog.Logger) *Lights {
	lamp := &Lamp{}
	return &Lights{Engine: light.NewEngine(lamp, log), Lamp: lamp}
}

// Pattern gives the pattern of the signal that is shown.
func (l *Lights) Pattern() light.Pattern { return light.PatternOf(l.Signal()) }
