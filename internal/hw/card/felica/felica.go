// Package felica reads the number of a WAON card through a PC/SC reader.
//
// A FeliCa card speaks frames of its own, and each make of reader has its own
// way to carry them; see [Strategy]. The dialogue is: ask the reader for the
// card's identifier (to know that the card still lies there), poll for the common
// area FE00, and read one block without a key from the service that holds the
// number. The identifier that the reader reports belongs to the card's first
// system, which on a WAON card is not the common area, so the one that the poll
// returns is used.
//
// The number is what is printed on the card. Anybody can read or imitate it: it
// saves typing and proves nothing.
//
// Faults: card_wrong_kind where no WAON can be on the card, waon_unreadable
// where this reader or card does not tell the number (the shopper types it),
// card_lifted, card_mute and reader_gone as the driver reports them. Every error
// is a *fault.Error. Neither identifiers nor numbers are logged or put into errors.
package felica

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

// Service codes at which the number has been described. A working program reads
// the first; the second is only a label in a list.
const (
	Service684F uint16 = 0x684F
	Service67CF uint16 = 0x67CF
)

// Common is the system code of the area that WAON shares with others.
const Common uint16 = 0xFE00

// anySystem is answered by every FeliCa card.
const anySystem uint16 = 0xFFFF

// Config says where the number is. The zero Config is the default.
type Config struct {
	Service uint16 // 0 = Service684F
	// Strategies are tried in this order; nil = all that there are.
	Strategies []Strategy
}

func (c Config) withDefaults() Config {
	if c.Service == 0 {
		c.Service = Service684F
	}
	if c.Strategies == nil {
		c.Strategies = []Strategy{Passthrough{}}
	}
	return c
}

// Strategy carries one FeliCa frame, length byte included, through a make of
// reader, and brings the card's frame back. ErrSilent says that the reader works
// and no card answered; ErrUnsupported, that the reader does not know this way.
// Other errors are the transport's.
type Strategy interface {
	Name() string
	Exchange(ctx context.Context, conn card.Conn, frame []byte) ([]byte, error)
}

// What a Strategy may find.
var (
	ErrSilent      = errors.New("no card answered the frame")
	ErrUnsupported = errors.New("reader does not carry frames this way")
)

// ReadWAON reads the 16 digits of the WAON card that lies there.
func ReadWAON(ctx context.Context, conn card.Conn, cfg Config) (string, error) {
	cfg = cfg.withDefaults()
	if card.TechOf(conn.ATR()) != card.TechFeliCa {
		return "", broken("recognise the card", fault.CardWrongKind, "", nil)
	}
	if _, err := IDm(ctx, conn); err != nil {
		return "", err
	}
	for _, s := range cfg.Strategies {
		idm, err := poll(ctx, conn, s, Common)
		switch {
		case errors.Is(err, ErrUnsupported):
			continue
		case errors.Is(err, ErrSilent):
			// Some readers report what they do not support as silence. If the card
			// answers when asked for any system, there is no common area on it.
			if _, err := poll(ctx, conn, s, anySystem); err != nil {
				if transport(err) {
					return "", lost("poll the card", err)
				}
				continue
			}
			return "", broken("find the common area", fault.CardWrongKind, "", nil)
		case errors.Is(err, errFrame):
			return "", broken("poll the card", fault.WAONUnreadable, "strategy "+s.Name(), err)
		case err != nil:
			return "", lost("poll the card", err)
		}
		return number(ctx, conn, s, idm, cfg.Service)
	}
	return "", broken("carry a FeliCa frame", fault.WAONUnreadable, "no strategy fits this reader", nil)
}

func number(ctx context.Context, conn card.Conn, s Strategy, idm [8]byte, service uint16) (string, error) {
	const op = "read the WAON number"
	raw, err := s.Exchange(ctx, conn, readFrame(idm, service, 0))
	switch {
	case errors.Is(err, ErrSilent), errors.Is(err, ErrUnsupported):
		return "", broken(op, fault.WAONUnreadable, "strategy "+s.Name(), err)
	case err != nil:
		return "", lost(op, err)
	}
	block, err := parseRead(raw, idm)
	if err != nil {
		return "", broken(op, fault.WAONUnreadable, fmt.Sprintf("service %04X; try another in the configuration", service), err)
	}
	digits, err := Number(block)
	if err != nil {
		return "", broken(op, fault.WAONUnreadable, fmt.Sprintf("service %04X; try another in the configuration", service), err)
	}
	return digits, nil
}

func poll(ctx context.Context, conn card.Conn, s Strategy, system uint16) ([8]byte, error) {
	raw, err := s.Exchange(ctx, conn, pollFrame(system))
	if err != nil {
		return [8]byte{}, err
	}
	return parsePoll(raw)
}

// IDm asks the reader for the identifier of the card's first system. It
// identifies a card and proves nothing; it is not for storage.
func IDm(ctx context.Context, conn card.Conn) ([8]byte, error) {
	const op = "read the card's identifier"
	a, err := apdu.Pseudo(ctx, conn, apdu.Command{CLA: 0xFF, INS: 0xCA, Le: apdu.MaxShort})
	switch {
	case err != nil:
		return [8]byte{}, lost(op, err)
	case a.SW != apdu.OK:
		return [8]byte{}, broken(op, fault.CardRefused, "reader answered "+a.SW.String(), nil)
	case len(a.Data) != 8:
		return [8]byte{}, broken(op, fault.CardRefused, "identifier is not eight bytes", nil)
	}
	return [8]byte(a.Data), nil
}

// Passthrough is the way of ACR1251, ACR1252 and ACM1252: FF 00 00 00 with the
// bare frame.
type Passthrough struct{}

// Name implements Strategy.
func (Passthrough) Name() string { return "passthrough" }

// Exchange implements Strategy.
func (Passthrough) Exchange(ctx context.Context, conn card.Conn, frame []byte) ([]byte, error) {
	a, err := apdu.Pseudo(ctx, conn, apdu.Command{CLA: 0xFF, Data: frame})
	if err != nil {
		return nil, err
	}
	switch a.SW {
	case apdu.OK:
		if len(a.Data) == 0 {
			return nil, ErrSilent
		}
		return a.Data, nil
	case 0x6300, 0x6400, 0x6401, 0x6A82:
		return nil, fmt.Errorf("%w: %s", ErrSilent, a.SW)
	default:
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, a.SW)
	}
}

// transport reports whether err came from the way to the card, not from the
// card's or the reader's answer.
func transport(err error) bool {
	return !errors.Is(err, ErrSilent) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, errFrame)
}

// lost turns an error of the transport into a fault; the driver's code is kept.
func lost(op string, err error) *fault.Error {
	f := &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: err}
	var known *fault.Error
	switch {
	case errors.Is(err, apdu.ErrForbidden), errors.Is(err, apdu.ErrCommand):
		f.Code = fault.Internal
	case errors.Is(err, apdu.ErrAnswer):
		f.Code, f.Hint = fault.WAONUnreadable, "answer without a status word: reader or driver trouble"
	case errors.As(err, &known):
		f.Device, f.Code, f.Hint = known.Device, known.Code, known.Hint
	}
	return f
}

func broken(op string, code fault.Code, hint string, cause error) *fault.Error {
	return &fault.Error{Device: "card", Op: op, Code: code, Cause: cause, Hint: hint}
}
