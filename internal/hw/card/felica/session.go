package felica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/hw/card/apdu"
)

// The three commands of a transparent session, as P2 counts them.
const (
	p2Manage   byte = 0x00
	p2Exchange byte = 0x01
	p2Switch   byte = 0x02
)

// answerTime is how long a reader waits for the card: a poll takes less than 4 ms,
// a read some tens at worst.
const answerTime = 100 * time.Millisecond

// endTime is what giving the reader back may take when nobody waits any more.
const endTime = time.Second

// transparent is a session in which the reader carries frames and does nothing
// of its own accord. Until it is ended, the reader serves nobody else.
type transparent struct {
	// control sends a manage or switch command with one object.
	control func(ctx context.Context, p2 byte, object []byte) (apdu.Answer, error)
	// forms are the ways to put an exchange, tried until one has worked. Sources
	// differ, and so will readers.
	forms []func(ctx context.Context, frame []byte) (apdu.Answer, error)
	// hasty says that the first form may be answered with silence only because
	// the reader did not wait for the card.
	hasty bool
	begin []byte // tags after the start
	last  []byte // tags that end it, in this order

	form int // the one that works
}

// open begins the session. It is ended again when anything fails.
func (t *transparent) open(ctx context.Context) (_ *framed, err error) {
	a, err := t.control(ctx, p2Manage, []byte{tagStart, 0})
	if err == nil && unknownCommand(a.SW) {
		return nil, refusal(a.SW)
	}
	defer func() {
		if err != nil {
			t.end(ctx)
		}
	}()
	if err == nil && started(a) != nil {
		// Somebody may have left a session behind: a card was torn away, a program died.
		t.end(ctx)
		a, err = t.control(ctx, p2Manage, []byte{tagStart, 0})
	}
	if err != nil {
		return nil, err
	}
	if err := started(a); err != nil {
		return nil, err
	}
	for _, tag := range t.begin {
		// A reader that does not know the tag does what it says anyway.
		if _, err := t.control(ctx, p2Manage, []byte{tag, 0}); err != nil {
			return nil, err
		}
		if tag == tagFieldOn {
			if err := pause(ctx, wakeTime); err != nil {
				return nil, err
			}
		}
	}
	a, err = t.control(ctx, p2Switch, []byte{tagProtocol, 2, 0x03, 0x00}) // 03 = FeliCa
	if err != nil {
		return nil, err
	}
	if err := started(a); err != nil {
		return nil, err
	}
	return &framed{exchange: t.exchange, end: t.end}, nil
}

// started reports whether a manage or switch command was carried out. What else
// its answer may hold is of no concern.
func started(a apdu.Answer) error {
	err := refusal(a.SW)
	if err == nil {
		_, err = parseSession(a.Data)
	}
	if err == nil || errors.Is(err, errAnswer) {
		return nil
	}
	return fmt.Errorf("%w: no session: %v", ErrUnsupported, err) //nolint:errorlint // silence before there is a session is not the card's
}

// unknownCommand reports that the reader has never heard of the command, so that
// there is nothing to end.
func unknownCommand(sw apdu.SW) bool {
	switch sw {
	case apdu.NoFunction, apdu.NoInstruction, apdu.NoClass, apdu.Parameters, apdu.OffsetPast:
		return true
	default:
		return false
	}
}

// end gives the reader back, also when the caller has given up: a reader that is
// left in a session would see no further card. Nothing is done about failure:
// the card may be gone, and the next session ends what it finds.
func (t *transparent) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	for _, tag := range t.last {
		_, _ = t.control(ctx, p2Manage, []byte{tag, 0})
	}
}

// exchange carries one frame. A form that has worked is kept to.
func (t *transparent) exchange(ctx context.Context, frame []byte) ([]byte, error) {
	var silent, last error
	for i := t.form; i < len(t.forms); i++ {
		answer, err := t.exchangeIn(ctx, i, frame)
		switch {
		case err == nil:
			t.form = i
			return answer, nil
		case transport(err):
			return nil, err
		case errors.Is(err, ErrSilent):
			if !t.hasty {
				return nil, err // the reader understood, and the card said nothing
			}
			silent = err
		}
		last = err
	}
	if silent != nil {
		return nil, silent
	}
	return nil, last
}

func (t *transparent) exchangeIn(ctx context.Context, form int, frame []byte) ([]byte, error) {
	a, err := t.forms[form](ctx, frame)
	if err != nil {
		return nil, err
	}
	if err := refusal(a.SW); err != nil {
		return nil, err
	}
	answer, err := parseSession(a.Data)
	if err == nil && len(answer) == 0 {
		err = ErrSilent
	}
	return answer, err
}

// timer is the object that says how long to wait: microseconds, low byte first.
func timer() []byte {
	us := uint32(answerTime / time.Microsecond)
	return []byte{0x5F, 0x46, 4, byte(us), byte(us >> 8), byte(us >> 16), byte(us >> 24)}
}

// framed95 is the object that holds a frame.
func framed95(frame []byte) []byte {
	return append([]byte{tagFrame, byte(len(frame))}, frame...)
}
