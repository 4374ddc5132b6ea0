package felica

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// SCM is the way of SCM (later Identive, Identiv) SCL3711, CLOUD 37xx F and 47xx F
// and uTrust: commands for polling and reading (their reference manuals, "REQC" and
// "Read"; liblogicalaccess). FF 40 polls, FF 46 reads from the system that was
// polled last; FF 42 and FF 44 are not needed.
//
// The manuals do not say how the codes in the lists of a read are put. They are
// first put as in a frame, then as liblogicalaccess does it, high byte first.
type SCM struct{}

// Name implements Strategy.
func (SCM) Name() string { return "scm" }

// Open implements Strategy. There is nothing to ready.
func (SCM) Open(_ context.Context, conn card.Conn) (Session, error) { return &scm{conn: conn}, nil }

type scm struct {
	conn card.Conn
	idm  [8]byte
}

// Close implements Session.
func (*scm) Close(context.Context) {}

// Find implements Session.
func (s *scm) Find(ctx context.Context, system uint16, _ []byte) error {
	idm, err := s.poll(ctx, system)
	if errors.Is(err, ErrSilent) {
		// A card that answers to any system, but did not answer to this, does not have it.
		if _, err := s.poll(ctx, anySystem); err != nil {
			return err
		}
		return ErrNoSystem
	}
	s.idm = idm
	return err
}

func (s *scm) poll(ctx context.Context, system uint16) ([8]byte, error) {
	a, err := send(ctx, s.conn, apdu.Command{CLA: class, INS: 0x40, Data: []byte{byte(system >> 8), byte(system), 0x00, 0x00}})
	if err != nil {
		return [8]byte{}, err
	}
	if err := refusal(a.SW); err != nil {
		return [8]byte{}, err
	}
	return parseREQC(a.Data)
}

// parseREQC gives the IDm: IDm PMm, and two more bytes if they were asked for.
func parseREQC(b []byte) ([8]byte, error) {
	switch len(b) {
	case 0:
		return [8]byte{}, ErrSilent
	case 16, 18:
		return [8]byte(b[:8]), nil
	default:
		return [8]byte{}, fmt.Errorf("%w: %d bytes to a poll", errAnswer, len(b))
	}
}

// Block implements Session.
func (s *scm) Block(ctx context.Context, service uint16) ([16]byte, error) {
	hi, lo := byte(service>>8), byte(service)
	block, err := s.read(ctx, []byte{lo, hi, 0x80, 0x00})
	if err == nil || transport(err) {
		return block, err
	}
	// The first answer is the one to report.
	if again, other := s.read(ctx, []byte{hi, lo, 0x00, 0x00}); other == nil || transport(other) {
		return again, other
	}
	return block, err
}

func (s *scm) read(ctx context.Context, lists []byte) ([16]byte, error) {
	a, err := send(ctx, s.conn, apdu.Command{CLA: class, INS: 0x46, P1: 1, P2: 1, Data: lists})
	if err != nil {
		return [16]byte{}, err
	}
	if err := refusal(a.SW); err != nil {
		return [16]byte{}, err
	}
	return parsePlain(a.Data, s.idm)
}
