// Package felica reads the number of a WAON card through a PC/SC reader.
//
// A FeliCa card speaks frames of its own, and each make of reader has its own
// way to it; see [Strategy]. [Choose] gives the ways that may fit a reader by its
// name. They are tried in order, and the first that the reader knows is kept to:
// it finds the common area FE00 on the card and reads one block without a key
// from the service that holds the number. Nothing is remembered for the next card.
//
// The identifier that a reader reports belongs to the card's first system, which
// on a WAON card is not the common area. So the common area is polled for, and
// the identifier that the poll gives is used. Where a reader lets no poll through,
// the place of the common area is asked of the card.
//
// Nothing here has been tried on a real reader. The ways are put together from
// manuals and other people's programs, which the strategies name; where those
// leave something open, both possibilities are tried. Least is known of sonywin,
// whose driver does not say which system of the card it speaks to, and of scm,
// whose manuals do not say in which order the bytes of a service code stand.
//
// The number is what is printed on the card. Anybody can read or imitate it: it
// saves typing and proves nothing.
//
// Faults: card_wrong_kind where no WAON can be on the card, waon_unreadable
// where this reader or card does not tell the number (the shopper types it),
// card_mute where the card falls silent half-way, and card_lifted, card_mute and
// reader_gone as the driver reports them. Every error is a *fault.Error. Neither
// identifiers nor numbers are logged or put into errors.
package felica

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Service codes at which the number has been described. Two working programs
// read the first; the second is only a label in a list.
const (
	Service684F uint16 = 0x684F
	Service67CF uint16 = 0x67CF
)

// Common is the system code of the area that WAON shares with others.
const Common uint16 = 0xFE00

// Config says where the number is and how to reach it. The zero Config is the
// default.
type Config struct {
	// Services are read in this order until one holds 16 digits; none =
	// Service684F, then Service67CF.
	Services []uint16
	// Strategies are the names of the ways to try, in this order; none = what
	// fits the reader's name.
	Strategies []string
}

func (c Config) services() []uint16 {
	if len(c.Services) == 0 {
		return []uint16{Service684F, Service67CF}
	}
	return c.Services
}

// ReadWAON reads the 16 digits of the WAON card that lies there.
func ReadWAON(ctx context.Context, conn card.Conn, cfg Config) (string, error) {
	if card.TechOf(conn.ATR()) != card.TechFeliCa {
		return "", broken("recognise the card", fault.CardWrongKind, "", nil)
	}
	strategies, err := Choose(conn.Reader(), cfg.Strategies)
	if err != nil {
		return "", broken("read the WAON number", fault.Internal, "", err)
	}
	var reported []byte
	switch idm, err := IDm(ctx, conn); {
	case err == nil:
		reported = idm[:]
	case fault.CodeOf(err) != fault.CardRefused: // without it, a poll will still do
		return "", err
	}
	var tried []string
	for _, s := range strategies {
		number, err := readBy(ctx, conn, s, reported, cfg.services())
		not, ok := errors.AsType[*misfit](err)
		if !ok {
			return number, err
		}
		tried = append(tried, s.Name()+": "+not.Error())
	}
	return "", broken("reach the card", fault.WAONUnreadable, "no strategy fits this reader", errors.New(strings.Join(tried, "; ")))
}

// misfit says that a strategy does not reach this card through this reader, so
// that the next may be tried.
type misfit struct{ error }

func (m *misfit) Unwrap() error { return m.error }

// readBy reads the number by one strategy.
func readBy(ctx context.Context, conn card.Conn, s Strategy, reported []byte, services []uint16) (string, error) {
	session, err := s.Open(ctx, conn)
	if err != nil {
		return "", unreached("ready the reader", err)
	}
	defer session.Close(ctx)
	if err := session.Find(ctx, Common, reported); err != nil {
		if errors.Is(err, ErrNoSystem) {
			return "", broken("find the common area", fault.CardWrongKind, "", nil)
		}
		return "", unreached("poll the card", err)
	}
	const op = "read the WAON number"
	var found []string
	for _, service := range services {
		block, err := session.Block(ctx, service)
		switch {
		case errors.Is(err, ErrUnsupported):
			return "", &misfit{err}
		case errors.Is(err, ErrSilent): // it has just answered
			return "", broken(op, fault.CardMute, "strategy "+s.Name(), err)
		case err != nil && transport(err):
			return "", lost(op, err)
		}
		var digits string
		if err == nil {
			digits, err = Number(block)
		}
		if err == nil {
			return digits, nil
		}
		found = append(found, fmt.Sprintf("service %04X: %v", service, err))
	}
	return "", broken(op, fault.WAONUnreadable, "strategy "+s.Name()+"; the services are set in the configuration",
		errors.New(strings.Join(found, "; ")))
}

// unreached tells a strategy that does not fit from a card or reader that is gone.
func unreached(op string, err error) error {
	if transport(err) {
		return lost(op, err)
	}
	return &misfit{err}
}

// IDm asks the reader for the identifier of the card's first system. It
// identifies a card and proves nothing; it is not for storage.
func IDm(ctx context.Context, conn card.Conn) ([8]byte, error) {
	const op = "read the card's identifier"
	a, err := send(ctx, conn, apdu.Command{CLA: class, INS: 0xCA, Le: apdu.MaxShort})
	switch {
	case err != nil && transport(err):
		return [8]byte{}, lost(op, err)
	case err != nil:
		return [8]byte{}, broken(op, fault.CardRefused, "reader or driver trouble", err)
	case a.SW != apdu.OK:
		return [8]byte{}, broken(op, fault.CardRefused, "reader answered "+a.SW.String(), nil)
	case len(a.Data) != 8:
		return [8]byte{}, broken(op, fault.CardRefused, "identifier is not eight bytes", nil)
	}
	return [8]byte(a.Data), nil
}

// lost turns an error of the transport into a fault; the driver's code is kept.
func lost(op string, err error) *fault.Error {
	f := &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: err}
	if errors.Is(err, apdu.ErrForbidden) || errors.Is(err, apdu.ErrCommand) {
		f.Code = fault.Internal
		return f
	}
	if known, ok := errors.AsType[*fault.Error](err); ok {
		f.Device, f.Code, f.Hint = known.Device, known.Code, known.Hint
	}
	return f
}

func broken(op string, code fault.Code, hint string, cause error) *fault.Error {
	return &fault.Error{Device: "card", Op: op, Code: code, Cause: cause, Hint: hint}
}
