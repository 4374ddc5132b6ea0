package cardtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
)

var _ card.Reader = (*Reader)(nil)

// Reader is a virtual card reader with handles to play the hardware. All
// methods may be called from any goroutine.
type Reader struct {
	watch chan card.State
	turn  chan struct{} // holds one token: the right to be the connection

	mu      sync.Mutex
	running bool
	power   bool
	number  uint64 // of the last insertion
	present bool
	persona string
	card    Card
	cards   map[string]Card // by persona: counters survive removal
	away    chan struct{}   // closed when the card that lies there leaves
	tear    tear
	slow    time.Duration
	mute    bool
	log     []Exchange
}

// tear is where the card will be torn away.
type tear struct {
	at    int  // APDUs until then, 0 = the next one; -1 = off
	after bool // the card carries that APDU out, and only its answer is lost
}

// NewReader makes a reader that is plugged in and empty.
func NewReader() *Reader {
	r := &Reader{
		watch: make(chan card.State, 1), turn: make(chan struct{}, 1),
		power: true, cards: make(map[string]Card), tear: tear{at: -1},
	}
	r.turn <- struct{}{}
	r.watch <- card.State{}
	return r
}

// Run implements card.Reader: until ctx ends the reader is served.
func (r *Reader) Run(ctx context.Context) error {
	r.serve(true)
	defer r.serve(false)
	<-ctx.Done()
	return ctx.Err()
}

func (r *Reader) serve(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running = on
	if !on {
		r.gone()
	} else if r.card != nil && r.power {
		r.arrive()
	}
	r.publish()
}

// Watch implements card.Reader.
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
	s := card.State{Ready: true, Name: "Virtual Reader"}
	if r.present {
		s.Card, s.ATR = r.number, r.card.ATR()
		s.Tech = card.TechOf(s.ATR)
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

// arrive and gone keep the number and the powering of the card that lies there.
func (r *Reader) arrive() {
	r.number++
	r.present = true
	r.away = make(chan struct{})
	r.card.Power(true)
}

func (r *Reader) gone() {
	if !r.present {
		return
	}
	r.present = false
	r.card.Power(false)
	close(r.away)
}

// Put lays the card of a persona onto the reader; one that lies there leaves.
func (r *Reader) Put(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.cards[id]
	if !ok {
		p, found := find(id)
		if !found {
			return fmt.Errorf("cannot put the card of %q: no such persona", id)
		}
		made, err := p.NewCard()
		if err != nil {
			return err
		}
		c = made
	}
	r.lay(id, c)
	return nil
}

// PutCard lays a card of the caller's own making onto the reader, under a name.
func (r *Reader) PutCard(name string, c Card) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lay(name, c)
}

func (r *Reader) lay(name string, c Card) {
	r.gone()
	r.cards[name] = c
	r.persona, r.card = name, c
	if r.running && r.power {
		r.arrive()
	}
	r.publish()
}

// Lift takes the card off the reader.
func (r *Reader) Lift() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lift()
}

func (r *Reader) lift() {
	r.gone()
	r.persona, r.card = "", nil
	r.publish()
}

// Power plugs the reader in or out. A card stays where it lies and counts as
// newly inserted when the reader comes back.
func (r *Reader) Power(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.power == on {
		return
	}
	r.power = on
	if !on {
		r.gone()
	} else if r.card != nil && r.running {
		r.arrive()
	}
	r.publish()
}

// Powered reports whether the reader is plugged in.
func (r *Reader) Powered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.power
}

// Persona is whose card lies there, or "".
func (r *Reader) Persona() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.persona
}

// TearAt lifts the card when the n-th APDU from now is sent (0 = the next one),
// before the card gets it. A negative n calls it off.
func (r *Reader) TearAt(n int) { r.setTear(tear{at: max(n, -1)}) }

// TearAfter is TearAt, but the card still carries that APDU out: only its answer
// is lost.
func (r *Reader) TearAfter(n int) { r.setTear(tear{at: max(n, -1), after: true}) }

func (r *Reader) setTear(t tear) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tear = t
}

// Tear is how many APDUs there are still until the card is torn away; -1 = off.
func (r *Reader) Tear() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tear.at
}

// Slow makes each answer come only after d.
func (r *Reader) Slow(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow = d
}

// Mute lets the card lie there without an answer.
func (r *Reader) Mute(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute = on
}

// ResetCounters gives every card the PIN tries of its first day.
func (r *Reader) ResetCounters() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.cards {
		c.ResetCounters()
	}
}

// Card is the card that was put under this name, for a look inside, or nil.
// Look only while no exchange runs.
func (r *Reader) Card(name string) Card {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cards[name]
}

// Log is every exchange since the start or the last ClearLog.
func (r *Reader) Log() []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// ClearLog empties the log.
func (r *Reader) ClearLog() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = nil
}

// Connect implements card.Reader. While another connection is open it waits.
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
	if err := r.thereLocked(number); err != nil {
		r.turn <- struct{}{}
		return nil, err
	}
	return &conn{reader: r, card: r.card, away: r.away, number: number}, nil
}

func (r *Reader) there(number uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.thereLocked(number)
}

func (r *Reader) thereLocked(number uint64) error {
	switch {
	case !r.running || !r.power:
		return &fault.Error{Device: "reader", Op: "connect", Code: fault.ReaderGone, Hint: "plug the reader in"}
	case !r.present || r.number != number:
		return &fault.Error{Device: "card", Op: "connect", Code: fault.CardLifted}
	default:
		return nil
	}
}
