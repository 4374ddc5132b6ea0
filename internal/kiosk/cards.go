package kiosk

import (
	"context"
	"errors"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/wire"
)

// cards remembers, for one visit, the certificate of the card that lies there,
// so that it is read once. A card with another number has none yet.
type cards struct {
	mu     sync.Mutex
	number uint64
	der    []byte
}

func (c *cards) note(number uint64, der []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number, c.der = number, der
}

// certificate of the card with this number, or nil.
func (c *cards) certificate(number uint64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number != number {
		return nil
	}
	return c.der
}

// inspect answers Inspect.
func (k *Kiosk) inspect(ctx context.Context, v *visit, e flow.Inspect) flow.Fact {
	seen := flow.CardSeen{Ticket: e.Ticket, Card: e.Card}
	err := k.withCard(ctx, e.Card, func(conn card.Conn) error {
		info, err := jpki.Inspect(ctx, conn, k.judge())
		if err == nil {
			v.cards.note(e.Card, info.Certificate)
		}
		seen.Holder, seen.TriesLeft = info.Holder, info.TriesLeft
		return err
	})
	seen.Fault = cardFault(err)
	return seen
}

// judge is by what certificates are judged before the PIN is sent.
func (k *Kiosk) judge() jpki.Judge { return jpki.Judge{At: k.hubTime(), Roots: k.opt.Roots} }

// hubTime is what time it is for the hub.
func (k *Kiosk) hubTime() time.Time {
	now := k.opt.Clock.Now()
	if k.opt.Skew != nil {
		now = now.Add(k.opt.Skew())
	}
	return now
}

// readWAON answers ReadWAON.
func (k *Kiosk) readWAON(ctx context.Context, e flow.ReadWAON) flow.Fact {
	seen := flow.WAONSeen{Ticket: e.Ticket}
	err := k.withCard(ctx, e.Card, func(conn card.Conn) (err error) {
		seen.Number, err = felica.ReadWAON(ctx, conn, k.opt.WAON)
		return err
	})
	seen.Fault = cardFault(err)
	return seen
}

// sign answers Sign: one connection, one VERIFY at most, one signature.
func (k *Kiosk) sign(ctx context.Context, v *visit, e flow.Sign) flow.Fact {
	// The ID is drawn with the signature, so that one document is one submission
	// however often it is tried to store it.
	signed := flow.DocumentSigned{Ticket: e.Ticket, ID: wire.NewSubmissionID()}
	document, err := k.document(e)
	if err != nil {
		// Found before the card is asked, so that no PIN try is spent.
		signed.Fault = fault.CodeOf(err)
		return signed
	}
	signed.TriesLeft = jpki.TriesUnknown
	err = k.withCard(ctx, e.Card, func(conn card.Conn) error {
		result, err := jpki.Sign(ctx, conn, jpki.Order{
			PIN: e.PIN, MinTries: e.MinTries, Message: document, Holder: e.Holder,
			Certificate: v.cards.certificate(e.Card), Judge: k.judge(),
		})
		signed.TriesLeft, signed.Verified, signed.Holder = result.TriesLeft, result.Verified, result.Holder
		signed.Signed = wire.Signed{Document: document, Signature: result.Signature, Certificate: result.Certificate}
		return err
	})
	if signed.Fault = cardFault(err); signed.Fault != "" {
		clear(document)
		signed.Signed = wire.Signed{}
	}
	return signed
}

// document gives the canonical bytes that the card signs.
func (k *Kiosk) document(e flow.Sign) ([]byte, error) {
	id, ok := k.opt.Identity()
	if !ok {
		return nil, &fault.Error{Device: "hub", Op: "make a document", Code: fault.HubRefused,
			Cause: errors.New("this kiosk is not enrolled"), Hint: "enrol the kiosk at its hub"}
	}
	d := e.Document
	d.Kiosk = id
	d.Time = k.hubTime().UTC().Truncate(time.Second)
	d.Nonce = wire.NewNonce()
	if d.Application != nil {
		application := *d.Application // the flow keeps its own
		application.Codes = nil
		for _, code := range e.Codes {
			application.Codes = append(application.Codes, string(code.Bytes()))
		}
		d.Application = &application
	}
	return wire.EncodeDocument(d)
}

// withCard lends the card with this number to f.
func (k *Kiosk) withCard(ctx context.Context, number uint64, f func(card.Conn) error) error {
	conn, err := k.opt.Reader.Connect(ctx, number)
	if err != nil {
		return err
	}
	err = f(conn)
	if closing := conn.Close(); closing != nil && err == nil {
		// The card has answered; that it could not be powered down is for the log.
		k.log.Warn("Cannot close the card", "fault", fault.CodeOf(closing))
	}
	return err
}

// cardFault is the fault of a card dialogue; one that ran out of time is a mute card.
func cardFault(err error) fault.Code {
	if err == nil {
		return ""
	}
	return faultOf(err, fault.CardMute)
}
