package felica

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Strategy is the way of some makes of reader to a FeliCa card.
type Strategy interface {
	// Name is how a configuration calls it.
	Name() string
	// Open readies the reader. What it began is undone when it fails. An error
	// that is none of this package's is the transport's: the card or the reader
	// is gone, and no other strategy is worth trying.
	Open(ctx context.Context, conn card.Conn) (Session, error)
}

// Session is a dialogue with the card that lies there. Its errors are those of
// this package or the transport's, as in Open.
type Session interface {
	// Find turns to a system of the card. reported is the identifier that the
	// reader gives, or empty; it is of use where the reader lets no poll through.
	Find(ctx context.Context, system uint16, reported []byte) error
	// Block reads the first block of a service of that system without a key.
	Block(ctx context.Context, service uint16) ([16]byte, error)
	// Close gives the reader back, even when ctx has ended.
	Close(ctx context.Context)
}

// What a reader or a card may answer.
var (
	ErrUnsupported = errors.New("reader does not know this way")
	ErrSilent      = errors.New("no card answered")
	ErrNoSystem    = errors.New("system is not on the card")
	ErrRefused     = errors.New("block cannot be read")
	errAnswer      = errors.New("not the expected answer")
)

// transport reports whether err came from the way to the card, not from the
// card's or the reader's answer.
func transport(err error) bool {
	for _, known := range []error{ErrUnsupported, ErrSilent, ErrNoSystem, ErrRefused, errAnswer} {
		if errors.Is(err, known) {
			return false
		}
	}
	return true
}

// class of the commands that a reader carries out itself. No card ever sees one.
const class byte = 0xFF

// send has the reader carry out c.
func send(ctx context.Context, conn card.Conn, c apdu.Command) (apdu.Answer, error) {
	a, err := apdu.Pseudo(ctx, conn, c)
	if errors.Is(err, apdu.ErrAnswer) {
		return apdu.Answer{}, fmt.Errorf("%w: no status word", errAnswer)
	}
	return a, err
}

// refusal sorts what is not 9000: no card, or a command that the reader does
// not know. Readers differ in how they say so.
func refusal(sw apdu.SW) error {
	switch {
	case sw == apdu.OK:
		return nil
	case sw>>8 == 0x63, sw>>8 == 0x64, sw == apdu.NotFound, sw == apdu.NoDiagnosis:
		return fmt.Errorf("%w: %s", ErrSilent, sw)
	default:
		return fmt.Errorf("%w: %s", ErrUnsupported, sw)
	}
}
