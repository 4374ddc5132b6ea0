package jpki

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
	"kioskd/internal/secret"
)

// Order is what is to be signed, by whom and on which conditions.
type Order struct {
	// PIN is borrowed: the caller wipes it.
	PIN secret.Secret
	// MinTries is how many tries must be left for the PIN to be sent at all: 2, or
	// 1 after the shopper's explicit yes. Less than 1 counts as 1.
	MinTries int
	// Message is what is signed; the hash goes with the certificate's key (SHA-256
	// for RSA).
	Message []byte
	// Holder, when set, is the card that must be lying there.
	Holder string
	// Certificate may bring along what Inspect has read from the card of this very
	// insertion; it is then not read again but for its beginning, which tells one
	// card from another. A Session, which has its own, takes no other.
	Certificate []byte
	Judge       Judge
}

// Result is what came of it. With an error, TriesLeft and Verified still tell
// what is known of the PIN.
type Result struct {
	Signature   []byte
	Certificate []byte
	Holder      string
	TriesLeft   int  // TriesUnknown when the counter could not be read
	Verified    bool // the card has accepted the PIN
}

// Sign has the card sign on a connection of its own, and takes the PIN back.
func Sign(ctx context.Context, conn card.Conn, o Order) (Result, error) {
	none := Result{TriesLeft: TriesUnknown}
	s, err := selected(ctx, conn)
	if err != nil {
		return none, err
	}
	if err := s.identify(ctx); err != nil {
		return none, err
	}
	if o.Certificate != nil {
		if err := s.resembles(ctx, o.Certificate); err != nil {
			return none, err
		}
	}
	defer s.End(ctx)
	return s.Sign(ctx, o)
}

// Sign reads the counter, verifies the PIN once, signs, and checks the
// signature. See the promises of the package. The PIN stands verified afterwards:
// the caller owes an [Session.End].
//
// With fewer tries left than Order.MinTries the fault is pin_tries_low and
// nothing was sent: the shopper is to be asked again, knowing the number.
func (s *Session) Sign(ctx context.Context, o Order) (Result, error) {
	res := Result{TriesLeft: TriesUnknown}
	if !apdu.FourDigits(o.PIN.Bytes()) {
		return res, broken(opVerify, fault.Internal, "PIN is not four digits: nothing was sent", nil)
	}
	if err := s.ready(ctx); err != nil {
		return res, err
	}
	if err := s.certify(ctx, o); err != nil {
		return res, err
	}
	if s.cert != nil {
		if err := s.accept(o, &res); err != nil {
			return res, err
		}
	}
	left, err := s.tries(ctx)
	if err != nil {
		return res, err
	}
	res.TriesLeft = left
	switch {
	case left == 0:
		return res, broken(opVerify, fault.PINBlocked, "only a municipal office resets it", nil)
	case left < o.MinTries:
		return res, broken(opVerify, fault.PINTriesLow, "fewer tries left than agreed: nothing was sent", fmt.Errorf("%d of %d tries left", left, o.MinTries))
	}
	if err := ctx.Err(); err != nil {
		return res, lost(opVerify, err) // before VERIFY, so that nothing is uncertain
	}
	if err := s.verify(ctx, o, &res); err != nil {
		return res, err
	}
	if s.cert == nil { // a phone: its certificate is open now
		if err := s.readCertificate(ctx); err != nil {
			if errors.Is(err, errPINFirst) {
				err = refused(opCert, apdu.NotSatisfied)
			}
			return res, err
		}
		if err := s.accept(o, &res); err != nil {
			return res, err
		}
	}
	return res, s.compute(ctx, o, &res)
}

// certify sees to a certificate, where the card gives it before the PIN.
func (s *Session) certify(ctx context.Context, o Order) error {
	switch {
	case s.cert != nil:
		return nil
	case o.Certificate != nil:
		return s.know(o.Certificate)
	}
	if err := s.readCertificate(ctx); err != nil && !errors.Is(err, errPINFirst) {
		return err
	}
	return nil
}

// accept judges the certificate and the holder.
func (s *Session) accept(o Order, res *Result) error {
	res.Certificate, res.Holder = s.der, HolderOf(s.der)
	if o.Holder != "" && o.Holder != res.Holder {
		return broken(opCert, fault.CardChanged, "", nil)
	}
	return o.Judge.check(s.cert)
}

// verify sends the PIN, once. An answer that does not come, or does not parse,
// leaves it open whether a try is spent; the counter is read again then.
func (s *Session) verify(ctx context.Context, o Order, res *Result) error {
	s.exposed = true
	sw, err := s.ch.VerifyPIN(ctx, o.PIN.Bytes())
	if err != nil {
		if errors.Is(err, apdu.ErrForbidden) || errors.Is(err, apdu.ErrCommand) {
			return lost(opVerify, err)
		}
		s.recount(ctx, res)
		return broken(opVerify, fault.PINUncertain, "the answer was lost: the counter tells whether a try is spent", err)
	}
	if sw == apdu.OK {
		res.Verified, res.TriesLeft = true, MaxTries
		return nil
	}
	f := refused(opVerify, sw)
	switch left, counted := sw.Tries(); {
	case counted && left <= MaxTries:
		res.TriesLeft, s.exposed = left, false
	case f.Code == fault.PINBlocked:
		res.TriesLeft, s.exposed = 0, false
	default: // a word that does not say what it did to the counter
		s.recount(ctx, res)
		if f.Code == fault.PINWrong && res.TriesLeft == 0 {
			f.Code = fault.PINBlocked
		}
	}
	return f
}

// recount reads the counter after a VERIFY whose effect is not known, without
// selecting anything: what is current may be unknown, but a query costs no try.
func (s *Session) recount(ctx context.Context, res *Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterLimit)
	defer cancel()
	res.TriesLeft = TriesUnknown
	sw, err := s.ch.QueryPIN(ctx)
	if err != nil {
		return
	}
	if sw == apdu.OK { // it was carried out, and the PIN was right
		res.Verified, res.TriesLeft = true, MaxTries
		return
	}
	if left, err := triesOf(sw); err == nil {
		res.TriesLeft = left
	}
}

// compute lets the key sign and checks the signature on the host.
func (s *Session) compute(ctx context.Context, o Order, res *Result) error {
	if err := s.selectFile(ctx, opKey, apdu.FileKey); err != nil {
		return err
	}
	a, err := s.ch.ComputeSignature(ctx, s.scheme.input(o.Message))
	if err := result(opCompute, a.SW, err); err != nil {
		return err
	}
	if err := s.scheme.check(o.Message, a.Data); err != nil {
		return broken(opCheck, fault.SignatureBroken, "card and certificate do not belong together, or the answer was damaged", err)
	}
	res.Signature = s.scheme.normal(a.Data)
	return nil
}
