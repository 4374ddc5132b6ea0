// Package card is the edge to card readers: what a driver offers and what the
// dialogues in jpki and felica need. Drivers live in sub-packages and return
// structs; cardtest holds the virtual reader and cards.
//
// Words: a reader is a device; a card lies on it or not; a connection is one
// exclusive use of the card that lies there.
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

// State is all that a reader knows without talking to a card. The zero State is
// "no reader".
type State struct {
	Ready bool   // a reader is there and served
	Name  string // as the reader calls itself; empty when not Ready
	// Card is the number of the card that lies there: 0 = none. Every insertion
	// gets a new number, so a fast swap cannot be overlooked.
	Card uint64
	Tech Tech
	ATR  []byte
}

// Conn is one exclusive connection to the card that lies on the reader. It is
// used by one goroutine at a time.
type Conn interface {
	// Transmit sends one command APDU and returns the answer with its status
	// word. It blocks until the card has answered, ctx ends, or the card is gone
	// (a *fault.Error with CardLifted, CardMute or ReaderGone). An error means
	// that nobody knows whether the card has carried the command out.
	Transmit(ctx context.Context, apdu []byte) ([]byte, error)
	// ATR of the card, as the reader reports it.
	ATR() []byte
	// Close ends the connection and powers the card down, so that no verified
	// PIN outlives it. It may be called twice.
	Close() error
}

// Reader is a driver. It is its own reconnect loop: an unplugged device is a
// State, never an error that ends Run.
type Reader interface {
	// Run serves the device until ctx ends.
	Run(ctx context.Context) error
	// Watch returns the channel on which each new State arrives, the current one
	// first. Only the newest is kept: a slow receiver sees fewer, never older ones.
	// One receiver.
	Watch() <-chan State
	// Connect opens the card with this number exclusively. It fails with
	// CardLifted when another or no card lies there.
	Connect(ctx context.Context, card uint64) (Conn, error)
}
