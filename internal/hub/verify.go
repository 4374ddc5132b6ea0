package hub

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/wire"
)

// Defaults of a [Verifier].
const (
	DefaultMaxAge   = 45 * 24 * time.Hour // longer than any line is down
	DefaultMaxAhead = 15 * time.Minute    // a kiosk's clock that runs ahead
)

const minRSABits = 2048

// Verifier checks a signed document: canonical form, kiosk, time, chain to a
// pinned root, validity when it was signed, key usage, signature.
type Verifier struct {
	Roots         *x509.CertPool // the only roots that count; the card's own CA file does not
	Intermediates *x509.CertPool // may be nil
	MaxAge        time.Duration
	MaxAhead      time.Duration
}

// verified is a document that passed.
type verified struct {
	document wire.Document
	hash     []byte
	spki     []byte // of the certificate: says who
}

// trail collects the steps that were made.
type trail []Check

func (t *trail) note(name CheckName, err error) error {
	c := Check{Name: name, OK: err == nil}
	if err != nil {
		c.Detail = err.Error()
	}
	*t = append(*t, c)
	return err
}

// Verify makes the steps in order and stops at the first that fails. The trail
// says which. now is the hub's clock, kiosk comes from the client certificate.
func (v *Verifier) verify(t *trail, s wire.Signed, kiosk string, now time.Time) (verified, error) {
	doc, err := wire.DecodeDocument(s.Document)
	if t.note(CheckCanonical, err) != nil {
		return verified{}, err
	}
	if err := t.note(CheckKiosk, sameKiosk(doc.Kiosk, kiosk)); err != nil {
		return verified{}, err
	}
	if err := t.note(CheckTime, v.checkTime(doc.Time, now)); err != nil {
		return verified{}, err
	}
	cert, err := x509.ParseCertificate(s.Certificate)
	if err != nil {
		return verified{}, t.note(CheckChain, err)
	}
	if err := v.checkCertificate(t, cert, doc.Time); err != nil {
		return verified{}, err
	}
	if err := t.note(CheckUsage, checkUsage(cert)); err != nil {
		return verified{}, err
	}
	if err := t.note(CheckSignature, checkSignature(cert.PublicKey, s.Document, s.Signature)); err != nil {
		return verified{}, err
	}
	digest := wire.Digest(s.Document)
	return verified{document: doc, hash: digest[:], spki: cert.RawSubjectPublicKeyInfo}, nil
}

func sameKiosk(got, want string) error {
	if got != want {
		return errors.New("it names another kiosk")
	}
	return nil
}

// earlyError says how long a document must wait until its time has come.
type earlyError struct{ wait, most time.Duration }

func (e *earlyError) Error() string { return fmt.Sprintf("signed more than %v in the future", e.most) }

func (v *Verifier) checkTime(signed, now time.Time) error {
	switch {
	case signed.After(now.Add(v.MaxAhead)):
		return &earlyError{signed.Sub(now.Add(v.MaxAhead)), v.MaxAhead}
	case signed.Before(now.Add(-v.MaxAge)):
		return fmt.Errorf("signed more than %v ago", v.MaxAge)
	}
	return nil
}

// checkCertificate looks at who issued the certificate, and whether it was valid
// when it signed. Only one that was not is verified a second time, at a moment
// within its life, to tell which of the two is wrong.
func (v *Verifier) checkCertificate(t *trail, cert *x509.Certificate, signed time.Time) error {
	if cert.IsCA {
		return t.note(CheckChain, errors.New("a CA's certificate signs no documents"))
	}
	invalid := v.chainAt(cert, signed)
	if invalid != nil {
		life := cert.NotAfter.Sub(cert.NotBefore)
		if err := v.chainAt(cert, cert.NotBefore.Add(life/2)); err != nil {
			return t.note(CheckChain, err)
		}
	}
	_ = t.note(CheckChain, nil)
	return t.note(CheckValidity, invalid)
}

func (v *Verifier) chainAt(cert *x509.Certificate, at time.Time) error {
	_, err := cert.Verify(x509.VerifyOptions{
		Roots: v.Roots, Intermediates: v.Intermediates, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return errors.New("outside its validity")
	}
	// The library's own words may name the subject; say the kind only.
	return errors.New("no chain to a pinned root")
}

func checkUsage(cert *x509.Certificate) error {
	if cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return errors.New("the key may not make signatures")
	}
	return nil
}

// checkSignature knows the algorithms of the cards and no others: RSA with
// SHA-256 today, ECDSA on P-384 with SHA-384 (as ASN.1) on those to come.
func checkSignature(key any, document, sig []byte) error {
	var good bool
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return errors.New("the RSA key is too short")
		}
		sum := sha256.Sum256(document)
		good = rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P384() {
			return fmt.Errorf("cannot verify with a key on %s", k.Params().Name)
		}
		sum := sha512.Sum384(document)
		good = ecdsa.VerifyASN1(k, sum[:], sig)
	default:
		return fmt.Errorf("cannot verify with a %T", key)
	}
	if !good {
		return errors.New("it does not verify")
	}
	return nil
}
