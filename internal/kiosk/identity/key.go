package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"kioskd/internal/wire"
)

// Modes that give others a key. A credential may be readable by the service's group:
// systemd makes it so where the service has a user of its own.
const (
	neverFile       fs.FileMode = 0o077
	neverCredential fs.FileMode = 0o037
)

// Key is the kiosk's private key. It prints as nothing.
type Key struct {
	signer crypto.Signer
	spki   []byte
	pem    string
	from   string // the file
}

// Format keeps the key out of logs in every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "private key") }

// Kiosk is the ID that this key gives a kiosk.
func (k *Key) Kiosk() string { return wire.KioskID(k.spki) }

// From is the file that the key lies in.
func (k *Key) From() string { return k.from }

// Request is a certificate request for this key and a kiosk's ID, PKCS #10 in DER.
func (k *Key) Request(kiosk string) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{Organization: []string{"kioskd"}, CommonName: kiosk},
	}, k.signer)
	if err != nil {
		return nil, fmt.Errorf("cannot make certificate request: %w", err)
	}
	return der, nil
}

// KeyOf is the key of a whole enrolment.
func KeyOf(e *wire.Enrolment) (*Key, error) { return parseKey("the enrolment", []byte(e.ClientKey)) }

// keys gives what is in each of the places beside the enrolment where a key may be
// kept; a place where nothing is, is left out.
func (h Home) keys() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		for _, place := range []struct {
			path  string
			never fs.FileMode
		}{{h.credential(), neverCredential}, {h.KeyFile, neverFile}} {
			if place.path == "" {
				continue
			}
			var key *Key
			b, err := wire.ReadPrivate(place.path, place.never)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue
			case err != nil:
				err = fmt.Errorf("cannot read the kiosk's key: %w", err)
			default:
				key, err = parseKey(place.path, b)
			}
			if !yield(key, err) {
				return
			}
		}
	}
}

// key is the first of the keys.
func (h Home) key() (*Key, error) {
	for key, err := range h.keys() {
		return key, err
	}
	return nil, fmt.Errorf("cannot read the kiosk's key: %w", fs.ErrNotExist)
}

// fitting gives e with the key of its certificate, wherever that lies: an enrolment
// by hand may not have seen the credential of the daemon, and have made another one.
// Where there is no key the error is fs.ErrNotExist.
func (h Home) fitting(e *wire.Enrolment) (*wire.Enrolment, *Key, error) {
	var bad []error
	for key, err := range h.keys() {
		if err != nil {
			bad = append(bad, err)
			continue
		}
		whole := e.WithKey(key.pem)
		err = whole.Validate()
		if err == nil {
			return whole, key, nil
		}
		bad = append(bad, fmt.Errorf("cannot use enrolment %s with the key in %s: %w", h.File, key.from, err))
	}
	if bad == nil {
		return nil, nil, fs.ErrNotExist
	}
	return nil, nil, errors.Join(bad...)
}

// ensureKey gives the key, and makes it when this kiosk never had one.
func (h Home) ensureKey() (*Key, error) {
	former, err := wire.LoadEnrolment(h.File)
	if err == nil && former.ClientKey == "" {
		if _, key, err := h.fitting(former); err == nil {
			return key, nil // the ID stays
		}
	}
	key, err := h.key()
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key, err = h.formerKey()
	if err != nil {
		return nil, err
	}
	if err := wire.WritePrivate(h.KeyFile, []byte(key.pem)); err != nil {
		return nil, fmt.Errorf("cannot store the kiosk's key: %w", err)
	}
	key.from = h.KeyFile
	return key, nil
}

// formerKey is the key that stands in the present enrolment file, or a new one.
func (h Home) formerKey() (*Key, error) {
	e, err := wire.LoadEnrolment(h.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newKey()
	case err != nil:
		return nil, err // it may hold the key: nothing is made in its place
	case e.ClientKey != "":
		return KeyOf(e)
	}
	return nil, fmt.Errorf("cannot find the key of enrolment %s in %s: if it lies in a credential of systemd, run this as "+
		"systemd-run --pipe --wait -p LoadCredentialEncrypted=%s kioskd enrol -; else put it back, or remove the enrolment "+
		"if it is lost; what still waits in the outbox then has to be fetched by hand", h.File, h.KeyFile, KeyName)
}

func newKey() (*Key, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("cannot encode key: %w", err)
	}
	defer clear(der)
	return parseKey("", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// parseKey reads PEM in either of the usual forms. Its errors never quote.
func parseKey(from string, text []byte) (*Key, error) {
	bad := fmt.Errorf("cannot read the kiosk's key in %s: it is not one ECDSA P-256 key in PEM", from)
	b, _ := pem.Decode(text)
	if b == nil {
		return nil, bad
	}
	var k *ecdsa.PrivateKey
	switch b.Type {
	case "EC PRIVATE KEY":
		k, _ = x509.ParseECPrivateKey(b.Bytes)
	case "PRIVATE KEY":
		parsed, _ := x509.ParsePKCS8PrivateKey(b.Bytes)
		k, _ = parsed.(*ecdsa.PrivateKey)
	}
	if k == nil || k.Curve != elliptic.P256() {
		return nil, bad
	}
	spki, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil, bad
	}
	return &Key{signer: k, spki: spki, pem: string(text), from: from}, nil
}
