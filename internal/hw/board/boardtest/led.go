package boardtest

import (
	"slices"
	"sync"
	"time"

	"kioskd/internal/hw/board"
)

// LED is an LED of the machine.
type LED struct {
	name string
	top  int

	mu      sync.Mutex
	held    bool
	broken  bool
	trigger string
	changes []Change
}

var _ board.LED = (*LED)(nil)

// Light gives the machine an LED with so many steps of brightness and a trigger.
func (b *Board) Light(name string, top int, trigger string) *LED {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := &LED{name: name, top: top, trigger: trigger}
	b.leds[name] = l
	return l
}

// Break makes it fail, or work again.
func (l *LED) Break(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

// Trigger says what drives it: "" while this program does.
func (l *LED) Trigger() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held {
		return ""
	}
	return l.trigger
}

// Brightness gives what was set last.
func (l *LED) Brightness() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.changes) == 0 {
		return 0
	}
	return l.changes[len(l.changes)-1].Level
}

// Changes gives what was set, the oldest first.
func (l *LED) Changes() []Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changes)
}

func (l *LED) take() error {
	if err := l.Set(0); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
	return nil
}

// Max implements board.LED.
func (l *LED) Max() int { return l.top }

// Set implements board.LED.
func (l *LED) Set(brightness int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return &board.Error{Op: "set LED " + l.name, State: board.Failed, Cause: ErrGone}
	}
	l.changes = append(l.changes, Change{time.Now(), brightness})
	return nil
}

// Close implements board.LED.
func (l *LED) Close() error {
	err := l.Set(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
	return err
}
