package jpki

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/apdu"
)

const (
	// MaxTries is the counter of the user-authentication PIN after a success.
	MaxTries = 3
	// TriesUnknown stands for a counter that could not be read.
	TriesUnknown = -1
)

// afterLimit bounds what is still done when the caller's context has ended:
// reading the counter after a lost VERIFY, and taking a verified PIN back.
const afterLimit = 2 * time.Second

// Info is what Inspect finds out.
type Info struct {
	Kind      Kind
	TriesLeft int // TriesUnknown when a fault came before the counter
	// Certificate is the DER of the user-authentication certificate; nil when it
	// is behind the PIN. Holder and the times go with it.
	Certificate []byte
	Holder      string // see HolderOf
	NotBefore   time.Time
	NotAfter    time.Time
}

// Session is a dialogue with one identified card on one connection. It does not
// own the connection.
type Session struct {
	ch      *apdu.Channel
	kind    Kind // KindUnknown: not identified on this connection
	exposed bool // a PIN may stand verified: End takes it back
	der     []byte
	cert    *x509.Certificate
	scheme  scheme
}

// Open identifies the card: by selecting the certification service and by the
// label of its token. A FeliCa card is card_wrong_kind, an old 住基カード is
// card_old, anything else that is not a My Number card is card_unknown.
func Open(ctx context.Context, conn card.Conn) (*Session, error) {
	s, err := selected(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Inspect opens a session for one look.
func Inspect(ctx context.Context, conn card.Conn, j Judge) (Info, error) {
	s, err := Open(ctx, conn)
	if err != nil {
		return Info{TriesLeft: TriesUnknown}, err
	}
	return s.Inspect(ctx, j)
}

// selected starts a session with the certification service selected, which is
// enough where the caller knows the card from this insertion.
func selected(ctx context.Context, conn card.Conn) (*Session, error) {
	if card.TechOf(conn.ATR()) == card.TechFeliCa {
		return nil, broken(opOpen, fault.CardWrongKind, "", nil)
	}
	s := &Session{ch: apdu.NewChannel(conn)}
	if err := s.selectService(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// selectService selects the application. Some cards answer 6F00 to whatever
// comes first after power-up, so that word is worth one more SELECT.
func (s *Session) selectService(ctx context.Context) error {
	sw, err := s.ch.SelectApplication(ctx, apdu.JPKI())
	if err == nil && sw == apdu.NoDiagnosis {
		sw, err = s.ch.SelectApplication(ctx, apdu.JPKI())
	}
	return result(opSelect, sw, err)
}

func (s *Session) selectFile(ctx context.Context, op operation, f apdu.File) error {
	if s.ch.File() == f {
		return nil
	}
	sw, err := s.ch.SelectFile(ctx, f)
	return result(op, sw, err)
}

func result(op operation, sw apdu.SW, err error) error {
	switch {
	case err != nil:
		return lost(op, err)
	case sw != apdu.OK:
		return refused(op, sw)
	default:
		return nil
	}
}

func (s *Session) identify(ctx context.Context) error {
	if err := s.selectFile(ctx, opToken, apdu.FileInfo); err != nil {
		return err
	}
	a, err := s.ch.ReadBinary(ctx, 0, labelSize)
	if err := result(opToken, a.SW, err); err != nil {
		return err
	}
	switch kind := kindOf(a.Data); kind {
	case kindOld:
		return broken(opToken, fault.CardOld, "", nil)
	case KindUnknown:
		return broken(opToken, fault.CardUnknown, "label of the token is not known", nil)
	default:
		s.kind = kind
		return nil
	}
}

// ready selects the service again where an earlier Sign has left it.
func (s *Session) ready(ctx context.Context) error {
	if s.ch.Selected() {
		return nil
	}
	return s.selectService(ctx)
}

// Inspect reads the certificate, where it is free, and then the counter; the
// PIN file stays current, so that Sign needs not select it. It costs no try.
//
// On cert_expired, cert_foreign and pin_blocked the Info is complete all the same.
func (s *Session) Inspect(ctx context.Context, j Judge) (Info, error) {
	info := Info{Kind: s.kind, TriesLeft: TriesUnknown}
	if err := s.ready(ctx); err != nil {
		return info, err
	}
	if err := s.readCertificate(ctx); err != nil && !errors.Is(err, errPINFirst) {
		return info, err
	}
	left, err := s.tries(ctx)
	if err != nil {
		return info, err
	}
	info.TriesLeft = left
	if s.cert != nil {
		info.Certificate, info.Holder = s.der, HolderOf(s.der)
		info.NotBefore, info.NotAfter = s.cert.NotBefore, s.cert.NotAfter
		if err := j.check(s.cert); err != nil {
			return info, err
		}
	}
	if left == 0 {
		return info, broken(opTries, fault.PINBlocked, "only a municipal office resets it", nil)
	}
	return info, nil
}

// tries reads the counter: 0 when blocked. It costs none. A PIN that stands
// verified hides the counter; leaving the application takes it back.
func (s *Session) tries(ctx context.Context) (int, error) {
	sw, err := s.query(ctx)
	if err == nil && sw == apdu.OK {
		s.leave(ctx)
		if err := s.selectService(ctx); err != nil {
			return TriesUnknown, err
		}
		sw, err = s.query(ctx)
	}
	if err != nil {
		return TriesUnknown, err
	}
	return triesOf(sw)
}

func (s *Session) query(ctx context.Context) (apdu.SW, error) {
	if err := s.selectFile(ctx, opTries, apdu.FilePIN); err != nil {
		return 0, err
	}
	sw, err := s.ch.QueryPIN(ctx)
	if err != nil {
		return 0, lost(opTries, err)
	}
	return sw, nil
}

// triesOf reads the answer to a query. A counter above the maximum belongs to
// some other PIN, and the user-authentication PIN must never be tried on that.
func triesOf(sw apdu.SW) (int, error) {
	left, counted := sw.Tries()
	switch {
	case counted && left <= MaxTries:
		return left, nil
	case counted:
		return TriesUnknown, broken(opTries, fault.CardRefused, "counter above three: not the user-authentication PIN", &StatusError{sw})
	case sw == apdu.Blocked, sw == apdu.BlockedISO:
		return 0, nil
	default:
		return TriesUnknown, refused(opTries, sw)
	}
}

// End takes a verified PIN back, if one may stand verified. It is called before
// the connection is closed, and after the signature has been put to use: nobody
// has to wait for it. It runs even when the caller's context has ended. Its
// failure changes nothing: closing the connection powers the card down.
func (s *Session) End(ctx context.Context) {
	if s.exposed {
		s.leave(ctx)
	}
}

// leave selects the issuer security domain.
func (s *Session) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterLimit)
	defer cancel()
	if sw, err := s.ch.SelectApplication(ctx, apdu.ISD()); err == nil && sw == apdu.OK {
		s.exposed = false
	}
}
