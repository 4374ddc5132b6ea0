package pcsc

import (
	"time"

	"github.com/ebfe/scard"
)

// service is what the driver needs of PC/SC: a seam, so that errors which no
// machine gives on demand can be tried, and the binding can be replaced.
type service interface {
	establish() (session, error)
}

// session is a context.
type session interface {
	readers() ([]string, error)
	// wait blocks until a state differs from what it was, at most for limit.
	wait(states []scard.ReaderState, limit time.Duration) error
	// cancel ends a wait that runs now; it may be called from anywhere.
	cancel()
	connect(reader string, mode scard.ShareMode) (handle, error)
	release()
}

// handle is an open card.
type handle interface {
	transmit(command []byte) ([]byte, error)
	control(code uint32, command []byte) ([]byte, error)
	disconnect(scard.Disposition) error
	atr() ([]byte, error)
}

// lite is the real thing.
type lite struct{}

func (lite) establish() (session, error) {
	ctx, err := scard.EstablishContext()
	if err != nil {
		return nil, err
	}
	return liteSession{ctx}, nil
}

type liteSession struct{ ctx *scard.Context }

func (s liteSession) readers() ([]string, error) { return s.ctx.ListReaders() }

// wait rounds up: below a millisecond the binding would not wait at all. It must
// not be called without a state, and only by one goroutine of the process: the
// binding keeps names in a table that two callers would take from each other.
func (s liteSession) wait(states []scard.ReaderState, limit time.Duration) error {
	if limit > 0 {
		limit = max(limit.Round(time.Millisecond), time.Millisecond)
	}
	return s.ctx.GetStatusChange(states, max(limit, 0))
}

// A cancel that meets no wait, or one that is just ending, does nothing.
func (s liteSession) cancel() { _ = s.ctx.Cancel() }

func (s liteSession) connect(reader string, mode scard.ShareMode) (handle, error) {
	c, err := s.ctx.Connect(reader, mode, scard.ProtocolAny)
	if err != nil {
		return nil, err
	}
	return liteHandle{c}, nil
}

// There is nobody to tell: of a pcscd that died nothing can be released.
func (s liteSession) release() { _ = s.ctx.Release() }

type liteHandle struct{ card *scard.Card }

// transmit keeps the binding from panicking: it does so on an empty command and
// on a handle without a protocol.
func (h liteHandle) transmit(command []byte) ([]byte, error) {
	if len(command) == 0 {
		return nil, scard.ErrInvalidParameter
	}
	if p := h.card.ActiveProtocol(); p != scard.ProtocolT0 && p != scard.ProtocolT1 {
		return nil, scard.ErrProtoMismatch
	}
	return h.card.Transmit(command)
}

func (h liteHandle) control(code uint32, command []byte) ([]byte, error) {
	return h.card.Control(code, command)
}

func (h liteHandle) disconnect(d scard.Disposition) error { return h.card.Disconnect(d) }

func (h liteHandle) atr() ([]byte, error) {
	s, err := h.card.Status()
	if err != nil {
		return nil, err
	}
	return s.Atr, nil
}
