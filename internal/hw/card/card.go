// Package card is the edge to card readers: what a driver offers and what the
// dialogues in jpki and felica need. Drivers live in sub-packages and return
// structs; cardtest holds the virtual reader and cards.
//
// Words: a reader is a device; a card lies on it or not; a connection is one
// exclusive use of the card that lies there. A kiosk may have one reader for
// every card, or one for My Number cards and one for WAON cards.
package card

import "context"

// Tech says which family of dialogues a card speaks. It is a first guess from
// the ATR: only a dialogue knows what the card really is.
type Tech uint8

// The families.
const (
	TechUnknown Tech = iota
	TechISO          // ISO 7816 APDUs: the My Number card
	TechFeliCa       // FeliCa behind a PC/SC reader: the WAON card
)

// State is all that a driver knows without talking to a card. The zero State is
// "no reader".
type State struct {
	Readers []Reader // that are there and served, the preferred one first
	Cards   []Lying  // at most one a reader, the one that came first first
}

// Reader is a device that is there.
type Reader struct {
	Name     string // as it calls itself
	MyNumber bool   // it is for My Number cards
	WAON     bool   // it is for WAON cards
}

// Lying is a card that lies on a reader.
type Lying struct {
	// Number of the insertion, never 0. Every insertion gets a new one, over all
	// readers, so a fast swap cannot be overlooked.
	Number uint64
	Reader string // on which it lies
	Tech   Tech
	ATR    []byte // as the reader reports it; empty where the card is silent
}

// Ready reports whether a My Number card can be read.
func (s State) Ready() bool { return s.first(func(r Reader) bool { return r.MyNumber }) != nil }

// ReadsWAON reports whether there is a reader for WAON cards.
func (s State) ReadsWAON() bool { return s.first(func(r Reader) bool { return r.WAON }) != nil }

// On finds the reader with this name.
func (s State) On(name string) (Reader, bool) {
	if r := s.first(func(r Reader) bool { return r.Name == name }); r != nil {
		return *r, true
	}
	return Reader{}, false
}

func (s State) first(fits func(Reader) bool) *Reader {
	for i := range s.Readers {
		if fits(s.Readers[i]) {
			return &s.Readers[i]
		}
	}
	return nil
}

// Card finds the card with this number.
func (s State) Card(number uint64) (Lying, bool) {
	for _, l := range s.Cards {
		if l.Number == number {
			return l, true
		}
	}
	return Lying{}, false
}

// Conn is one exclusive connection to the card that lies on the reader. It is
// used by one goroutine at a time.
type Conn interface {
	// Transmit sends one command APDU and returns the answer with its status
	// word. It blocks until the card has answered, ctx ends, or the card is gone
	// (a *fault.Error with CardLifted, CardMute or ReaderGone). An error means
	// that nobody knows whether the card has carried the command out. The command
	// is not kept.
	Transmit(ctx context.Context, apdu []byte) ([]byte, error)
	// ATR of the card, as the reader reports it.
	ATR() []byte
	// Reader is the name of the reader on which the card lies.
	Reader() string
	// Close ends the connection and powers the card down, so that no verified
	// PIN outlives it. It may be called twice.
	Close() error
}

// Escaper is a Conn whose reader takes commands of its own make, past the card
// (SCardControl with the CCID escape code). Not every driver lets them through.
type Escaper interface {
	// Escape blocks and fails as Transmit does.
	Escape(ctx context.Context, command []byte) ([]byte, error)
}

// Driver serves the readers of a kiosk. It is its own reconnect loop: an
// unplugged device is a State, never an error that ends Run.
type Driver interface {
	// Run serves the devices until ctx ends.
	Run(ctx context.Context) error
	// Watch returns the channel on which each new State arrives, the current one
	// first. Only the newest is kept: a slow receiver sees fewer, never older ones.
	// One receiver.
	Watch() <-chan State
	// Connect opens the card with this number exclusively. It fails with
	// CardLifted when that card lies there no more, ReaderGone when there is no
	// reader, ReaderBusy when another program holds the card, CardMute when the
	// card gives no sign. It may wait for a connection of this program to end.
	Connect(ctx context.Context, number uint64) (Conn, error)
}
