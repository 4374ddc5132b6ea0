package acs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/board"
	"kioskd/internal/hw/light"
)

// Readers are the card readers; see pcsc.Driver.
type Readers interface {
	// Preferred names the reader that My Number cards are laid on; "" while there
	// is none.
	Preferred() string
	// Control sends a command to a reader itself. It does not wait for a reader
	// that is busy: that is fault.ReaderBusy.
	Control(ctx context.Context, reader string, command []byte) ([]byte, error)
}

// The one table of times.
const (
	// pace is the shortest time between two commands, and half a turn of a look.
	pace = 500 * time.Millisecond
	// patience is how long one command may take.
	patience = time.Second
	// late is when a beep would no longer be understood.
	late = 2 * time.Second
	// again is how long a reader is left alone that does not take commands.
	again = 10 * time.Second
	// sulk is how long a reader is left alone that has not answered at all: each
	// command to it may hang behind the last one. Another reader ends it.
	sulk = 10 * time.Minute
	// parting is how long a reader that is busy is waited for at the end, and
	// retry how long between two tries.
	parting = 2 * time.Second
	retry   = 100 * time.Millisecond
	// grace is how long after the start nobody wonders that there is no reader yet.
	grace = 3 * time.Second
)

// Light is the light and buzzer of the preferred reader. Its methods may be called
// from any goroutine.
type Light struct {
	readers Readers
	beep    bool
	log     *slog.Logger

	mu     sync.Mutex
	signal light.Signal // as the role shows it
	heard  light.Signal // as the kiosk says it
	beeps  int          // to be sounded
	since  time.Time    // when they were wanted
	reader string
	status board.Status
}

var (
	_ light.Lights   = (*Light)(nil)
	_ light.Sounder  = (*Light)(nil)
	_ light.Reporter = (*Light)(nil)
	_ light.Speaker  = (*Light)(nil)
)

// New makes the light of whichever reader is preferred; beep switches its buzzer on.
func New(readers Readers, beep bool, log *slog.Logger) *Light {
	return &Light{readers: readers, beep: beep, log: log, status: board.Status{State: board.Waiting}}
}

// Show implements light.Lights.
func (l *Light) Show(s light.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signal = s
}

// Sound implements light.Sounder.
func (l *Light) Sound(s light.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == l.heard {
		return
	}
	l.heard = s
	if l.beep {
		l.beeps, l.since = beepsOf(s), time.Now()
	}
}

// Parts implements light.Reporter.
func (l *Light) Parts() []light.Part {
	l.mu.Lock()
	defer l.mu.Unlock()
	return []light.Part{{Name: l.reader, Status: l.status}}
}

// Shining implements light.Speaker.
func (l *Light) Shining(light.Colour) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != board.Ready {
		return nil
	}
	return []string{l.reader}
}

// Run implements light.Lights. It returns ctx's error.
func (l *Light) Run(ctx context.Context) error {
	var (
		shown = shown{}
		began = time.Now()
		half  = 0
		timer = time.NewTimer(0)
	)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			l.leave(ctx, shown)
			return ctx.Err()
		case <-timer.C:
		}
		next := pace
		if l.readers.Preferred() == "" && time.Since(began) < grace {
			timer.Reset(grace / 30)
			continue
		}
		if err := l.turn(ctx, &shown, half); err != nil && fault.CodeOf(err) != fault.ReaderBusy && ctx.Err() == nil {
			next = again
		}
		half = 1 - half
		timer.Reset(next)
	}
}

// shown is what the reader was told.
type shown struct {
	reader string
	known  bool // else nobody knows what its LEDs show
	lamps  lamps
	alone  time.Time // until when it is left alone
}

// turn sends one command at most, and one to a reader that was preferred before.
func (l *Light) turn(ctx context.Context, is *shown, half int) error {
	name := l.readers.Preferred()
	if name != is.reader {
		_ = l.dark(ctx, *is) // it may be gone
		*is = shown{reader: name}
	}
	if time.Now().Before(is.alone) {
		return nil
	}
	kind, err := l.find(name)
	if err != nil {
		l.tell(name, err)
		return nil // looked for again at the next turn: that costs the reader nothing
	}
	l.mu.Lock()
	want := lookOf(l.signal)[half]
	sound := l.beeps > 0 && time.Since(l.since) < late
	l.mu.Unlock()
	command := kind.lights(want)
	switch {
	case sound:
		want = is.lamps
		command = kind.beep(want)
	case is.known && is.lamps == want:
		return nil
	}
	err = l.send(ctx, kind, name, command)
	switch {
	case fault.CodeOf(err) == fault.ReaderBusy, ctx.Err() != nil:
		return err // it is well, and has no time
	case err == nil:
		is.lamps, is.known = want, is.known || !sound
		l.sounded(sound)
	default:
		is.known = false
		if fault.CodeOf(err) == fault.CardMute {
			is.alone = time.Now().Add(sulk)
		}
	}
	l.tell(name, err)
	return err
}

func (l *Light) sounded(sound bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sound && l.beeps > 0 {
		l.beeps--
	}
}

var (
	errNoReader = errors.New("there is no card reader")
	errNoLight  = errors.New("the light of this make of reader is not known")
)

const hintEscape = "readers take such commands only where libccid lets them pass: docs/OPERATIONS.md, section Lights"

// find says how the reader is talked to.
func (l *Light) find(name string) (family, error) {
	const op = "reach the reader's light"
	if name == "" {
		return family{}, &board.Error{Op: op, State: board.Absent, Cause: errNoReader, Hint: "plug the reader in"}
	}
	kind, ok := familyOf(name)
	if !ok {
		return family{}, &board.Error{Op: op, State: board.Absent, Cause: errNoLight, Hint: "docs/HARDWARE.md names those that are; else wire a light to GPIO"}
	}
	return kind, nil
}

func (l *Light) send(ctx context.Context, kind family, reader string, command []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := l.readers.Control(ctx, reader, command)
	if err != nil {
		return err
	}
	return kind.check(answer)
}

// tell puts the outcome into status and log, each once.
func (l *Light) tell(reader string, err error) {
	s := board.StatusOf(err)
	switch {
	case err == nil:
	case fault.CodeOf(err) == fault.ReaderGone:
		s.State = board.Absent
	case s.Hint == "":
		s.Hint = hintEscape
	}
	l.mu.Lock()
	before := l.status.State
	l.reader, l.status = reader, s
	l.mu.Unlock()
	switch {
	case s.State == before:
	case err != nil:
		l.log.Warn("A status light fails", "err", err)
	case before != board.Waiting:
		l.log.Info("The status light is back")
	}
}

// dark makes a reader's LEDs dark, also when ctx has ended.
func (l *Light) dark(ctx context.Context, is shown) error {
	kind, ok := familyOf(is.reader)
	if !ok || is.known && is.lamps == (lamps{}) || time.Now().Before(is.alone) {
		return nil
	}
	return l.send(context.WithoutCancel(ctx), kind, is.reader, kind.lights(lamps{}))
}

// leave makes the reader dark at the end. One that is busy is waited for; what fails
// otherwise, nobody can mend now.
func (l *Light) leave(ctx context.Context, is shown) {
	limit := time.Now().Add(parting)
	timer := time.NewTimer(retry)
	defer timer.Stop()
	for fault.CodeOf(l.dark(ctx, is)) == fault.ReaderBusy && time.Now().Before(limit) {
		<-timer.C
		timer.Reset(retry)
	}
}
