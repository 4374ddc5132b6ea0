package cardtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var (
	_ card.Driver  = (*Player)(nil)
	_ card.Conn    = (*played)(nil)
	_ card.Escaper = playedEscaper{}
)

// Player is a driver that has a transcript for a script: what was done then must
// be done again in the same order, and is answered as it was then.
//
//	script, err := cardtest.ParseTranscript(text)
//	player := cardtest.Playback(script)
//	t.Cleanup(func() { player.Close(t) })
//	bench := player.Bench() // the hand is in the script too
//
// A call that the script does not have at this place fails, and so does every
// later one: nobody knows what the answer would have been. Where bytes were
// hidden, a command may have any, and an answer has zeros. A call that ended with
// its context then waits for its context to end now. The errors are no faults;
// they say where the script stands and never show a PIN.
//
// States are told when their place is reached, after the call or the hand's
// action before them. Its methods may be called from any goroutine, but a script
// has one order only.
type Player struct {
	script Transcript
	watch  chan card.State
	over   chan struct{} // closed when Run ends

	mu      sync.Mutex
	at      int // the next event, never a state
	state   card.State
	running bool
	lost    error // how the script was left
}

// Playback makes a driver from a transcript. It runs once.
func Playback(script Transcript) *Player {
	p := &Player{script: script, watch: make(chan card.State, 1), over: make(chan struct{})}
	p.watch <- card.State{}
	p.pass()
	return p
}

// Unused says how the script was left, or what of it was not used up.
func (p *Player) Unused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil || p.at == len(p.script.events) {
		return p.lost
	}
	left := 0
	for _, e := range p.script.events[p.at:] {
		if e.kind != kindState {
			left++
		}
	}
	return fmt.Errorf("cannot call %q played: %d steps of it are left, from %s", p.script.Name, left, p.place())
}

// Close ends a test with the player: it fails unless the script was kept to and
// used up.
func (p *Player) Close(t testing.TB) {
	t.Helper()
	if err := p.Unused(); err != nil {
		t.Error(err)
	}
}

// Bench has the hand that the script was recorded with. It cannot unplug the
// reader if the script does not.
func (p *Player) Bench() Bench {
	hand := func(k eventKind) func() {
		return func() { p.hand(&event{kind: k}) }
	}
	b := Bench{
		Reader: p,
		Put:    func(persona string) { p.hand(&event{kind: kindPut, persona: persona}) },
		Lift:   hand(kindLift),
	}
	if slices.ContainsFunc(p.script.events, func(e *event) bool { return e.kind == kindUnplug || e.kind == kindPlug }) {
		b.Unplug, b.Plug = hand(kindUnplug), hand(kindPlug)
	}
	return b
}

// hand plays an action. It has nobody to tell an error to but Unused.
func (p *Player) hand(asked *event) {
	_, _ = p.step(asked, func(e *event) bool { return e.persona == asked.persona })
}

// Run implements card.Driver.
func (p *Player) Run(ctx context.Context) error {
	p.run(true)
	defer close(p.over)
	defer p.run(false)
	<-ctx.Done()
	return ctx.Err()
}

func (p *Player) run(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = on
	s := p.state
	if !on {
		s = card.State{} // nobody serves
	}
	renew(p.watch, s)
}

// Watch implements card.Driver.
func (p *Player) Watch() <-chan card.State { return p.watch }

// Connect implements card.Driver.
func (p *Player) Connect(ctx context.Context, number uint64) (card.Conn, error) {
	e, err := p.call(ctx, "connect", &event{kind: kindConnect, number: number}, func(e *event) bool { return e.number == number })
	if err != nil {
		return nil, err
	}
	c := &played{player: p, opened: e}
	if e.escapes {
		return playedEscaper{c}, nil
	}
	return c, nil
}

// pass tells the states that are next; the lock is held.
func (p *Player) pass() {
	before := p.at
	for p.at < len(p.script.events) && p.script.events[p.at].kind == kindState {
		p.state = p.script.events[p.at].state
		p.at++
	}
	if p.running && p.at > before {
		renew(p.watch, p.state)
	}
}

// place is the next line of the script; the lock is held.
func (p *Player) place() string {
	if p.at == len(p.script.events) {
		return "its end"
	}
	const head = 2 // lines are counted from 1, and the first is no event
	return fmt.Sprintf("line %d: %s", p.at+head, p.script.events[p.at])
}

// step takes the next event from the script, if it is what is asked for.
func (p *Player) step(asked *event, same func(*event) bool) (*event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil {
		return nil, p.lost
	}
	if p.at == len(p.script.events) || p.script.events[p.at].kind != asked.kind || !same(p.script.events[p.at]) {
		p.lost = fmt.Errorf("cannot play %q: there came %s at %s", p.script.Name, asked.call(), p.place())
		return nil, p.lost
	}
	e := p.script.events[p.at]
	p.at++
	p.pass()
	return e, nil
}

// call plays a call: it succeeds or fails as the script says.
func (p *Player) call(ctx context.Context, op string, asked *event, same func(*event) bool) (*event, error) {
	e, err := p.step(asked, same)
	if err != nil {
		return nil, err
	}
	ended := e.failure != nil && e.failure.ended
	switch {
	case ended && ctx.Done() == nil:
		return nil, p.stray(e, "this context never ends")
	case ended:
		select {
		case <-ctx.Done():
		case <-p.over:
			return nil, p.stray(e, "its context has not ended")
		}
	case ctx.Err() != nil:
		return nil, p.stray(e, "its context has ended")
	}
	if e.failure != nil {
		return nil, &fault.Error{Device: e.failure.device, Op: op, Code: e.failure.code, Cause: ctx.Err()}
	}
	return e, nil
}

// stray is a call that came as the script says, but with another context.
func (p *Player) stray(e *event, why string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost == nil {
		p.lost = fmt.Errorf("cannot play %q: %s came, but %s", p.script.Name, e, why)
	}
	return p.lost
}

// played is a connection of a player.
type played struct {
	player *Player
	opened *event
	once   sync.Once
}

// ATR implements card.Conn.
func (c *played) ATR() []byte { return bytes.Clone(c.opened.atr) }

// Reader implements card.Conn.
func (c *played) Reader() string { return c.opened.reader }

// Transmit implements card.Conn.
func (c *played) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	return c.exchange(ctx, "transmit", &event{kind: kindSend, conn: c.opened.conn, command: maskCommand(command, false)}, command)
}

// exchange plays one; asked is what may be said of the command in an error.
func (c *played) exchange(ctx context.Context, op string, asked *event, command []byte) ([]byte, error) {
	e, err := c.player.call(ctx, op, asked, func(e *event) bool { return e.conn == asked.conn && e.command.fits(command) })
	if err != nil {
		return nil, err
	}
	return e.answer.fill(), nil
}

// Close implements card.Conn. As in the recording, only the first time counts.
func (c *played) Close() error {
	var err error
	c.once.Do(func() {
		asked := &event{kind: kindClose, conn: c.opened.conn}
		_, err = c.player.call(context.Background(), "close", asked, func(e *event) bool { return e.conn == asked.conn })
	})
	return err
}

// playedEscaper is a connection whose reader took commands of its own.
type playedEscaper struct{ *played }

// Escape implements card.Escaper.
func (c playedEscaper) Escape(ctx context.Context, command []byte) ([]byte, error) {
	return c.exchange(ctx, "escape", &event{kind: kindEscape, conn: c.opened.conn, command: maskOther(command, false)}, command)
}
