package felica

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// framed is a session through a reader that carries whole frames.
type framed struct {
	// exchange brings a frame, length byte included, to the card, and its answer back.
	exchange func(ctx context.Context, frame []byte) ([]byte, error)
	// poll gives the IDm of a system; nil = Polling is a frame like any other.
	poll func(ctx context.Context, system uint16) ([8]byte, error)
	end  func(ctx context.Context) // may be nil

	idm     [8]byte
	guessed bool // nobody has confirmed idm yet
}

// Close implements Session.
func (f *framed) Close(ctx context.Context) {
	if f.end != nil {
		f.end(ctx)
	}
}

// Find implements Session. Silence upon a poll has several reasons: the system
// is not on the card, the reader keeps polls to itself, frames do not arrive at
// all. The card is asked which systems it has, then whether it answers any poll;
// what is left is a guess that the first read proves right or wrong.
func (f *framed) Find(ctx context.Context, system uint16, reported []byte) error {
	idm, err := f.pollFor(ctx, system)
	if !errors.Is(err, ErrSilent) {
		f.idm = idm
		return err
	}
	if len(reported) != 8 {
		return f.pollAny(ctx)
	}
	first := [8]byte(reported)
	codes, err := f.systems(ctx, first)
	switch {
	case err == nil:
		i := slices.Index(codes, system)
		if i < 0 || i >= places {
			return ErrNoSystem
		}
		f.idm = inPlace(first, i)
		return nil
	case transport(err):
		return err
	}
	if err := f.pollAny(ctx); !errors.Is(err, ErrSilent) {
		return err
	}
	// On WAON cards the common area comes right after the card's own system.
	f.idm, f.guessed = inPlace(first, 1), true
	return nil
}

// pollAny never finds the system: a card that answers to any, but did not answer
// to this, does not have it.
func (f *framed) pollAny(ctx context.Context) error {
	if _, err := f.pollFor(ctx, anySystem); err != nil {
		return err
	}
	return ErrNoSystem
}

func (f *framed) pollFor(ctx context.Context, system uint16) ([8]byte, error) {
	if f.poll != nil {
		return f.poll(ctx, system)
	}
	raw, err := f.exchange(ctx, pollFrame(system))
	if err != nil {
		return [8]byte{}, err
	}
	return parsePoll(raw)
}

func (f *framed) systems(ctx context.Context, idm [8]byte) ([]uint16, error) {
	raw, err := f.exchange(ctx, systemsFrame(idm))
	if err != nil {
		return nil, err
	}
	return parseSystems(raw, idm)
}

// Block implements Session.
func (f *framed) Block(ctx context.Context, service uint16) ([16]byte, error) {
	raw, err := f.exchange(ctx, readFrame(f.idm, service, 0))
	switch {
	case f.guessed && errors.Is(err, ErrSilent):
		return [16]byte{}, fmt.Errorf("%w: neither a poll nor a read was answered", ErrUnsupported)
	case err != nil:
		return [16]byte{}, err
	}
	f.guessed = false
	return parseRead(raw, f.idm)
}
