package kiosk

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/jpki"
	"kioskd/internal/wire"
)

// inspect answers Inspect. The card stays open until it is needed for the
// signature, so that only counter, VERIFY, key and signature are left after the
// last digit of the PIN.
func (k *Kiosk) inspect(ctx context.Context, v *visit, e flow.Inspect) flow.Fact {
	seen := flow.CardSeen{Ticket: e.Ticket, Card: e.Card, TriesLeft: jpki.TriesUnknown}
	v.cards.close(k.log)
	o, err := k.openCard(ctx, e.Card)
	if err == nil {
		var info jpki.Info
		if info, err = o.session.Inspect(ctx, k.judge()); err == nil {
			v.cards.keep(o, info.Certificate, k.log)
		} else {
			o.close(k.log)
		}
		seen.Holder, seen.TriesLeft = info.Holder, info.TriesLeft
	}
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
	result, err := k.signOn(ctx, v, e.Card, jpki.Order{
		PIN: e.PIN, MinTries: e.MinTries, Message: document, Holder: e.Holder,
		Certificate: v.cards.certificate(e.Card), Judge: k.judge(),
	})
	signed.TriesLeft, signed.Verified, signed.Holder = result.TriesLeft, result.Verified, result.Holder
	signed.Signed = wire.Signed{Document: document, Signature: result.Signature, Certificate: result.Certificate}
	if signed.Fault = cardFault(err); signed.Fault != "" {
		clear(document)
		signed.Signed = wire.Signed{}
	}
	return signed
}

// signOn has the card sign on the connection that was kept since it was
// identified, or on a new one. A wrong PIN leaves the connection as it was.
func (k *Kiosk) signOn(ctx context.Context, v *visit, number uint64, order jpki.Order) (jpki.Result, error) {
	o, ok := v.cards.take(number)
	if !ok {
		v.cards.close(k.log)
		result := jpki.Result{TriesLeft: jpki.TriesUnknown}
		err := k.withCard(ctx, number, func(conn card.Conn) (err error) {
			result, err = jpki.Sign(ctx, conn, order)
			return err
		})
		return result, err
	}
	result, err := o.session.Sign(ctx, order)
	if code := fault.CodeOf(err); !result.Verified && (code == fault.PINWrong || code == fault.PINTriesLow) {
		v.cards.keep(o, order.Certificate, k.log)
	} else {
		k.running.Go(func() { o.close(k.log) }) // the shopper does not wait for it
	}
	return result, err
}

// document gives the canonical bytes that the card signs.
func (k *Kiosk) document(e flow.Sign) ([]byte, error) {
	id, ok := k.opt.Identity()
	if !ok {
		return nil, &fault.Error{Device: "hub", Op: "make a document", Code: fault.NotEnrolled,
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
			application.Codes = append(application.Codes, wire.Private(code.Text()))
		}
		d.Application = &application
	}
	return wire.EncodeDocument(d)
}

// withCard lends the card with this number to f.
func (k *Kiosk) withCard(ctx context.Context, number uint64, f func(card.Conn) error) error {
	conn, err := k.connect(ctx, number)
	if err != nil {
		return err
	}
	err = f(conn)
	closeCard(conn, k.log)
	return err
}

// connect opens the card. What is said to it shows in the debug log, without data.
func (k *Kiosk) connect(ctx context.Context, number uint64) (card.Conn, error) {
	conn, err := k.opt.Reader.Connect(ctx, number)
	if err != nil {
		k.log.Info("Cannot open the card", "code", fault.CodeOf(err), "err", err)
		return nil, err
	}
	return apdu.Trace(conn, k.log), nil
}

// openCard opens the card and identifies it.
func (k *Kiosk) openCard(ctx context.Context, number uint64) (*openCard, error) {
	conn, err := k.connect(ctx, number)
	if err != nil {
		return nil, err
	}
	session, err := jpki.Open(ctx, conn)
	if err != nil {
		closeCard(conn, k.log)
		return nil, err
	}
	return &openCard{number: number, conn: conn, session: session}, nil
}

// cardFault is the fault of a card dialogue; one that ran out of time is a mute card.
func cardFault(err error) fault.Code {
	if err == nil {
		return ""
	}
	return faultOf(err, fault.CardMute)
}
