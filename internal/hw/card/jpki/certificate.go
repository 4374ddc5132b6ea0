package jpki

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/apdu"
)

// Judge is by what a certificate is judged before the PIN is sent. The zero
// Judge judges nothing.
type Judge struct {
	// At is the caller's clock; zero leaves the validity period to the caller.
	At time.Time
	// Roots are the pinned authorities; empty leaves them to the hub. All
	// generations have the same name, so the signature chooses among them.
	Roots []*x509.Certificate
}

// check gives cert_expired or cert_foreign.
func (j Judge) check(cert *x509.Certificate) error {
	if !j.At.IsZero() && (j.At.Before(cert.NotBefore) || j.At.After(cert.NotAfter)) {
		return broken(opCert, fault.CertExpired, "compare the kiosk's clock",
			fmt.Errorf("valid from %s to %s", cert.NotBefore.UTC().Format(time.DateOnly), cert.NotAfter.UTC().Format(time.DateOnly)))
	}
	if len(j.Roots) == 0 {
		return nil
	}
	if cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return broken(opCert, fault.CertForeign, "", errors.New("certificate is not for signatures"))
	}
	for _, root := range j.Roots {
		if root.IsCA && cert.CheckSignatureFrom(root) == nil {
			return nil
		}
	}
	return broken(opCert, fault.CertForeign, "is this authority's root in the trust store?", errors.New("no pinned root has issued it"))
}

// HolderOf is a hash that tells two cards apart within a visit. It stands for
// the certificate's serial number, which the law protects: it is never stored.
func HolderOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Limits of a certificate file. 1583 bytes is the longest seen.
const (
	headerSize     = 4
	maxCertificate = 8 << 10
)

var errHeader = errors.New("file does not start with a certificate")

// certificateSize reads the length of a DER certificate from its first four
// bytes: 30 82 hh ll and hhll more.
func certificateSize(head []byte) (int, error) {
	if len(head) < headerSize || head[0] != 0x30 || head[1] != 0x82 {
		return 0, errHeader
	}
	n := int(head[2])<<8 + int(head[3]) + headerSize
	if n > maxCertificate {
		return 0, fmt.Errorf("%w: %d bytes", errHeader, n)
	}
	return n, nil
}

// neverWritten reports a file that was made but not filled.
func neverWritten(b []byte) bool {
	for _, c := range b {
		if c != 0x00 && c != 0xFF {
			return false
		}
	}
	return true
}

// errPINFirst says that the certificate is behind the PIN, as on phones.
var errPINFirst = errors.New("certificate is behind the PIN")

// readCertificate selects and reads the certificate in chunks of 256 bytes. The
// first chunk tells the length, so the last is asked for exactly; what stands
// behind the certificate is never read beyond the first chunk.
func (s *Session) readCertificate(ctx context.Context) error {
	if err := s.selectFile(ctx, opCert, apdu.FileCert); err != nil {
		return err
	}
	var der []byte
	size := apdu.MaxShort
	for len(der) < size {
		a, err := s.ch.ReadBinary(ctx, len(der), min(size-len(der), apdu.MaxShort))
		switch {
		case err != nil:
			return lost(opCert, err)
		case a.SW == apdu.NotSatisfied && len(der) == 0:
			return errPINFirst
		case a.SW != apdu.OK && (a.SW != apdu.EndOfFile || len(a.Data) == 0):
			return refused(opCert, a.SW)
		case len(a.Data) == 0:
			return broken(opCert, fault.CardRefused, "certificate ends before its length", nil)
		}
		first := len(der) == 0
		der = append(der, a.Data...)
		if !first {
			continue
		}
		if neverWritten(der) {
			return broken(opCert, fault.CertMissing, "certificate file is empty", nil)
		}
		if size, err = certificateSize(der); err != nil {
			return broken(opCert, fault.CardRefused, "", err)
		}
	}
	return s.know(der[:size])
}

// resembles makes sure that the card holds the certificate that was read from it
// before: its first bytes, with serial number and validity, tell cards apart.
func (s *Session) resembles(ctx context.Context, der []byte) error {
	if err := s.selectFile(ctx, opCert, apdu.FileCert); err != nil {
		return err
	}
	n := min(len(der), apdu.MaxShort)
	a, err := s.ch.ReadBinary(ctx, 0, n)
	if err := result(opCert, a.SW, err); err != nil {
		return err
	}
	if !bytes.Equal(a.Data, der[:n]) {
		return broken(opCert, fault.CardChanged, "", nil)
	}
	return nil
}

// know takes a certificate over into the session.
func (s *Session) know(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return broken(opCert, fault.CardRefused, "certificate does not parse", err)
	}
	scheme, err := schemeOf(cert)
	if err != nil {
		return broken(opCert, fault.CardRefused, "a newer generation of cards?", err)
	}
	s.der, s.cert, s.scheme = der, cert, scheme
	return nil
}
