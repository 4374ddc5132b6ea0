package identity

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/wire"
)

// kioskURN is how a client certificate names its kiosk. See docs/PROTOCOL.md.
const kioskURN = "urn:kioskd:kiosk:"

// CheckCertificate says what is wrong with a certificate (PEM) that the hub gave: it
// must be for this key and kiosk, and come from the hub's CA. at is the hub's time.
func CheckCertificate(text string, key *Key, kiosk, hubCA string, at time.Time) (*x509.Certificate, error) {
	b, rest := pem.Decode([]byte(text))
	if b == nil || b.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("it is not one certificate in PEM")
	}
	cert, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return nil, fmt.Errorf("it does not parse: %w", err)
	}
	if !bytes.Equal(cert.RawSubjectPublicKeyInfo, key.spki) {
		return nil, errors.New("it is for another key")
	}
	if cert.Subject.CommonName != kiosk || len(cert.URIs) != 1 || cert.URIs[0].String() != kioskURN+kiosk {
		return nil, errors.New("it names another kiosk")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(hubCA))
	if _, err := cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return nil, fmt.Errorf("it does not verify: %w", err)
	}
	return cert, nil
}

// Renewed says what is wrong with a certificate that is to take the place of e's, and
// gives when it ends.
func Renewed(e *wire.Enrolment, text string, at time.Time) (time.Time, error) {
	key, err := KeyOf(e)
	if err != nil {
		return time.Time{}, err
	}
	old, err := e.Certificate()
	if err != nil {
		return time.Time{}, err
	}
	cert, err := CheckCertificate(text, key, e.Kiosk, e.HubCA, at)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("cannot use the renewed certificate: %w", err)
	case cert.NotAfter.Before(old.NotAfter):
		return time.Time{}, errors.New("cannot use the renewed certificate: it ends before the present one")
	}
	return cert.NotAfter, nil
}
