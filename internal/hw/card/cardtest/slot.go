package cardtest

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Slot is where virtual cards are laid, and the hand that plays with them. A
// device serves it: [Reader] in process, or [VPCD] below a real pcscd. All
// methods may be called from any goroutine at any time and take effect at once.
// Cards keep their counters until ResetCounters.
type Slot struct {
	mu      sync.Mutex
	moved   func() // of the device: something was laid, lifted or plugged; mu is held
	running bool   // a device serves the slot
	power   bool
	number  uint64 // of the last insertion
	present bool
	lying   *laid
	under   *laid           // lies there too; seen only when the first is lifted
	cards   map[string]Card // by persona: counters survive removal
	away    chan struct{}   // closed when the card that lies there leaves
	tear    tear
	delays  Delays
	mute    bool
	unmuted chan struct{} // closed when the card finds its voice again
	log     []Exchange
}

type laid struct {
	name string
	card Card
}

// tear is where the card will be torn away.
type tear struct {
	at    int  // APDUs until then, 0 = the next one; -1 = off
	after bool // the card carries that APDU out, and only its answer is lost
}

// Delays is how long card and reader take.
type Delays struct {
	APDU      time.Duration // each exchange
	Byte      time.Duration // each byte of command and answer besides
	Signature time.Duration // a signature besides
}

// Of is the time that an exchange takes.
func (d Delays) Of(command, answer []byte) time.Duration {
	t := d.APDU + time.Duration(len(command)+len(answer))*d.Byte
	if len(command) > 1 && command[0] == 0x80 && command[1] == 0x2A && len(answer) > 2 {
		t += d.Signature
	}
	return t
}

// NewSlot makes a slot without a card.
func NewSlot() *Slot {
	return &Slot{power: true, cards: make(map[string]Card), tear: tear{at: -1}, moved: func() {}}
}

// serve is how a device takes the slot over or leaves it.
func (s *Slot) serve(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = on
	if on {
		s.settle()
	} else {
		s.gone()
	}
	s.moved()
}

// settle makes a card that lies on a working reader one that has arrived; the
// lock is held, as in the next two.
func (s *Slot) settle() {
	if s.lying == nil || s.present || !s.running || !s.power {
		return
	}
	s.number++
	s.present = true
	s.away = make(chan struct{})
	s.lying.card.Power(true)
}

func (s *Slot) gone() {
	if !s.present {
		return
	}
	s.present = false
	s.lying.card.Power(false)
	close(s.away)
}

// arrival is a card that has arrived, as a device holds it.
type arrival struct {
	number uint64
	card   Card
	away   <-chan struct{} // closed when it leaves
}

// arrived is the card that lies there and can be talked to.
func (s *Slot) arrived() (arrival, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.present {
		return arrival{}, false
	}
	return arrival{s.number, s.lying.card, s.away}, true
}

// with does something to the card of insertion number, unless it has left.
func (s *Slot) with(number uint64, do func(Card)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing(number) == lossNone {
		do(s.lying.card)
	}
}

// voice is closed as soon as the card is not mute.
func (s *Slot) voice() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute {
		return s.unmuted
	}
	now := make(chan struct{})
	close(now)
	return now
}

func (s *Slot) lift() {
	s.gone()
	s.lying, s.under = s.under, nil
	s.settle()
	s.moved()
}

// Put lays the card of a persona onto the reader; one that lies there leaves.
func (s *Slot) Put(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.make(id)
	if err != nil {
		return err
	}
	s.lay(id, c)
	return nil
}

// PutAlso lays another card on top of one that lies there. As on most readers,
// the first stays in use, and the second is not seen until the first is lifted.
func (s *Slot) PutAlso(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.make(id)
	if err != nil {
		return err
	}
	if s.lying == nil {
		s.lay(id, c)
		return nil
	}
	s.under = &laid{id, c}
	s.moved()
	return nil
}

// PutCard lays a card of the caller's own making onto the reader, under a name.
func (s *Slot) PutCard(name string, c Card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lay(name, c)
}

func (s *Slot) make(id string) (Card, error) {
	if c, ok := s.cards[id]; ok {
		return c, nil
	}
	p, found := find(id)
	if !found {
		return nil, fmt.Errorf("cannot put the card of %q: no such persona", id)
	}
	c, err := p.NewCard()
	if err != nil {
		return nil, err
	}
	s.cards[id] = c
	return c, nil
}

func (s *Slot) lay(name string, c Card) {
	s.gone()
	s.cards[name] = c
	s.lying, s.under = &laid{name, c}, nil
	s.settle()
	s.moved()
}

// Lift takes the card off the reader.
func (s *Slot) Lift() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lift()
}

// Clear takes every card off the reader.
func (s *Slot) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under = nil
	s.lift()
}

// Power plugs the reader in or out. A card stays where it lies and counts as
// newly inserted when the reader comes back.
func (s *Slot) Power(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.power == on {
		return
	}
	s.power = on
	if on {
		s.settle()
	} else {
		s.gone()
	}
	s.moved()
}

// Powered reports whether the reader is plugged in.
func (s *Slot) Powered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.power
}

// Persona is whose card lies there, or "".
func (s *Slot) Persona() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lying == nil {
		return ""
	}
	return s.lying.name
}

// Also is whose card lies there unseen, or "".
func (s *Slot) Also() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under == nil {
		return ""
	}
	return s.under.name
}

// TearAt lifts the card when the n-th APDU from now is sent (0 = the next one),
// before the card gets it. A negative n calls it off.
func (s *Slot) TearAt(n int) { s.setTear(tear{at: max(n, -1)}) }

// TearAfter is TearAt, but the card still carries that APDU out: only its answer
// is lost.
func (s *Slot) TearAfter(n int) { s.setTear(tear{at: max(n, -1), after: true}) }

func (s *Slot) setTear(t tear) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tear = t
}

// Tear is how many APDUs there are still until the card is torn away; -1 = off.
func (s *Slot) Tear() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tear.at
}

// Slow makes each answer come only after d.
func (s *Slot) Slow(d time.Duration) { s.Delay(Delays{APDU: d}) }

// Delay sets how long exchanges take.
func (s *Slot) Delay(d Delays) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays = d
}

// Mute lets the card lie there without an answer.
func (s *Slot) Mute(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on == s.mute {
		return
	}
	s.mute = on
	if on {
		s.unmuted = make(chan struct{})
	} else {
		close(s.unmuted)
	}
}

// Muted reports whether the card is mute.
func (s *Slot) Muted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mute
}

// Delays is how long exchanges take.
func (s *Slot) Delays() Delays {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.delays
}

// Reset is how everything is in the morning: no card, no fault, fresh counters.
func (s *Slot) Reset() {
	s.Clear()
	s.TearAt(-1)
	s.Slow(0)
	s.Mute(false)
	s.Power(true)
	s.ResetCounters()
}

// ResetCounters gives every card the PIN tries of its first day.
func (s *Slot) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.cards {
		c.ResetCounters()
	}
}

// Card is the card that was put under this name, for a look inside, or nil.
// Look only while no exchange runs.
func (s *Slot) Card(name string) Card {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cards[name]
}

// Log is every exchange since the start or the last ClearLog.
func (s *Slot) Log() []Exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// ClearLog empties the log.
func (s *Slot) ClearLog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}
