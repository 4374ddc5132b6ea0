package pcsc

import (
	"bytes"
	"slices"
	"time"

	"github.com/ebfe/scard"

	"kioskd/internal/hw/card"
)

// table is what the watcher knows of the readers. It is pure: time comes in.
type table struct {
	debounce time.Duration
	last     uint64 // number of the last insertion
	slots    map[string]*slot
	readers  []card.Reader
}

// slot is one reader.
type slot struct {
	seen    scard.StateFlag // as pcscd said last, to be given back
	sick    bool            // pcscd lists the reader and cannot reach it
	counter uint32          // of events, as far as it is told
	card    *card.Lying     // what lies there; also one whose leaving is not told yet
	leaves  time.Time       // when its leaving will be told; zero: it lies there
}

func newTable(debounce time.Duration) *table {
	return &table{debounce: debounce, slots: map[string]*slot{}}
}

// list takes the readers that are there. One that has gone takes its card along.
func (t *table) list(readers []card.Reader) {
	t.readers = readers
	for name := range t.slots {
		if !slices.ContainsFunc(readers, func(r card.Reader) bool { return r.Name == name }) {
			delete(t.slots, name)
		}
	}
	for _, r := range readers {
		if t.slots[r.Name] == nil {
			t.slots[r.Name] = &slot{}
		}
	}
}

// states is what to wait on: one entry a reader, in the order of preference.
func (t *table) states() []scard.ReaderState {
	list := make([]scard.ReaderState, 0, len(t.readers)+1)
	for _, r := range t.readers {
		list = append(list, scard.ReaderState{Reader: r.Name, CurrentState: t.slots[r.Name].seen})
	}
	return list
}

// note takes what pcscd says of one reader.
func (t *table) note(name string, event scard.StateFlag, atr []byte, now time.Time) {
	s := t.slots[name]
	if s == nil {
		return
	}
	s.seen = event &^ scard.StateChanged
	if s.sick = event&(scard.StateUnknown|scard.StateUnavailable|scard.StateIgnore) != 0; s.sick {
		// pcscd lists it and cannot reach it: for whoever has a card there it is away.
		s.leave(now, t.debounce)
		return
	}
	counter := uint32(event >> 16)
	swapped := counter != s.counter
	s.counter = counter
	if event&scard.StatePresent == 0 {
		s.leave(now, t.debounce)
		return
	}
	if event&scard.StateMute != 0 {
		atr = nil
	}
	if s.card != nil && s.leaves.IsZero() && !swapped && sameCard(s.card.ATR, atr) {
		return
	}
	t.last++
	s.card = &card.Lying{Number: t.last, Reader: name, Tech: card.TechOf(atr), ATR: bytes.Clone(atr)}
	s.leaves = time.Time{}
}

// sameCard reports whether an answer to reset may come from the card of the one
// before, where nothing speaks of a swap. Some readers put a random number into it
// that is another one each time the card is powered up, so it need not be the same.
func sameCard(before, now []byte) bool {
	return (len(before) == 0) == (len(now) == 0) && card.TechOf(before) == card.TechOf(now)
}

// leave begins the time after which the card is told gone.
func (s *slot) leave(now time.Time, debounce time.Duration) {
	if s.card != nil && s.leaves.IsZero() {
		s.leaves = now.Add(debounce)
	}
}

// expire lets cards go whose time has come, and says when it wants to be called
// again; zero: not on its own.
func (t *table) expire(now time.Time) (next time.Time) {
	for _, s := range t.slots {
		switch {
		case s.leaves.IsZero():
		case !now.Before(s.leaves):
			s.card, s.leaves = nil, time.Time{}
		case next.IsZero() || s.leaves.Before(next):
			next = s.leaves
		}
	}
	return next
}

// state is what is told.
func (t *table) state() card.State {
	s := card.State{}
	for _, r := range t.readers {
		if !t.slots[r.Name].sick {
			s.Readers = append(s.Readers, r)
		}
	}
	for _, slot := range t.slots {
		if slot.card != nil {
			s.Cards = append(s.Cards, *slot.card)
		}
	}
	slices.SortFunc(s.Cards, func(a, b card.Lying) int { return int(int64(a.Number) - int64(b.Number)) })
	return s
}

// here reports whether the card with this number lies there at this moment: one
// whose leaving is only not told yet does not.
func (t *table) here(number uint64) (reader string, ok bool) {
	for name, s := range t.slots {
		if s.card != nil && s.card.Number == number {
			return name, s.leaves.IsZero()
		}
	}
	return "", false
}
