package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"slices"
	"strings"
	"time"
)

type signer = crypto.Signer

// ca is an authority to be made.
type ca struct {
	file, organisation, unit string
	key                      func() (signer, error) // for its own key and its holders'
}

// order is a holder's certificate to be made.
type order struct {
	file     string
	from, to time.Time
	size     int    // of the certificate, by a comment; 0 = as it comes
	basic    *basic // set: a certificate for signing
}

// basic is what a certificate for signing says of its holder.
type basic struct {
	name, address string
	sexAndBirth   string // one digit and YYYYMMDD
}

// maker makes what is missing.
type maker struct {
	dir string
	all bool
}

// hierarchy makes an authority and its holders. An authority whose key was not
// kept can issue nothing more; only -all replaces it.
func (m maker) hierarchy(c ca, holders []order) error {
	cert, key, err := m.authority(c)
	if err != nil {
		return err
	}
	for _, o := range holders {
		switch _, _, err := load(m.dir, o.file); {
		case err == nil && !m.all:
			continue
		case err != nil && !m.all && !errors.Is(err, fs.ErrNotExist):
			return err
		case key == nil:
			return fmt.Errorf("cannot issue a certificate to %s: the key of %s was not kept", o.file, c.file)
		}
		own, err := c.key()
		if err != nil {
			return err
		}
		der, err := o.issue(cert, key, own)
		if err != nil {
			return fmt.Errorf("cannot make the certificate of %s: %w", o.file, err)
		}
		if err := store(m.dir, o.file, der, own); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) authority(c ca) (*x509.Certificate, signer, error) {
	if !m.all {
		cert, key, err := load(m.dir, c.file)
		if !errors.Is(err, fs.ErrNotExist) {
			return cert, key, err
		}
	}
	key, err := c.key()
	if err != nil {
		return nil, nil, err
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, NotBefore: first(2015, 1), NotAfter: first(2055, 1),
		Subject: pkix.Name{
			Country: []string{"JP"}, Organization: []string{c.organisation},
			OrganizationalUnit: []string{c.unit, "Japan Agency for Local Authority Information Systems"},
		},
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SignatureAlgorithm: algorithm(key),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make the authority %s: %w", c.file, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot parse the authority %s: %w", c.file, err)
	}
	return cert, key, store(m.dir, c.file, der, key)
}

func algorithm(key signer) x509.SignatureAlgorithm {
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		return x509.ECDSAWithSHA384
	}
	return x509.SHA256WithRSA
}

// issue makes the certificate. A size that is asked for is reached in a second
// go, when it is known how much is missing.
func (o order) issue(parent *x509.Certificate, by, own signer) ([]byte, error) {
	t, err := o.template(algorithm(by))
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, own.Public(), by)
	if err != nil || o.size == 0 {
		return der, err
	}
	extensions := t.ExtraExtensions
	for pad := o.size - len(der); pad > 0; pad -= len(der) - o.size {
		c, err := comment(pad)
		if err != nil {
			return nil, err
		}
		t.ExtraExtensions = append(slices.Clip(extensions), c)
		if der, err = x509.CreateCertificate(rand.Reader, t, parent, own.Public(), by); err != nil || len(der) == o.size {
			return der, err
		}
	}
	return nil, fmt.Errorf("cannot reach %d bytes", o.size)
}

func (o order) template(by x509.SignatureAlgorithm) (*x509.Certificate, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	opaque := make([]byte, 13)
	if _, err := rand.Read(opaque); err != nil {
		return nil, fmt.Errorf("cannot read random bytes: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Country: []string{"JP"}, CommonName: fmt.Sprintf("%X", opaque)},
		NotBefore:    o.from, NotAfter: o.to,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		SignatureAlgorithm:    by,
	}
	use, number := "user-authentication", uint64(3)
	if o.basic != nil {
		use, number = "digital-signature", 1
		t.KeyUsage |= x509.KeyUsageContentCommitment
		names, err := o.basic.extension()
		if err != nil {
			return nil, err
		}
		t.ExtraExtensions = append(t.ExtraExtensions, names)
	}
	policy, err := x509.OIDFromInts([]uint64{1, 2, 392, 200149, 8, 5, 0, number, 20})
	if err != nil {
		return nil, fmt.Errorf("cannot build the policy: %w", err)
	}
	t.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 392, 200149, 8, 5, 0, int(number), 20}}
	t.Policies = []x509.OID{policy}
	t.CRLDistributionPoints = []string{"http://crl.jpki-test.invalid/" + use + "/municipality-00000.crl"}
	t.OCSPServer = []string{"http://ocsp.jpki-test.invalid/" + use}
	return t, nil
}

// extension is the alternative name of a certificate for signing: the four
// basic facts and two flags for characters that were replaced.
func (b *basic) extension() (pkix.Extension, error) {
	type otherName struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"utf8,explicit,tag:0"`
	}
	var names []asn1.RawValue
	for i, text := range []string{b.name, "0", b.sexAndBirth[:1], b.sexAndBirth[1:], b.address, "0"} {
		der, err := asn1.MarshalWithParams(otherName{asn1.ObjectIdentifier{1, 2, 392, 200149, 8, 5, 5, i + 1}, text}, "tag:0")
		if err != nil {
			return pkix.Extension{}, fmt.Errorf("cannot encode a name: %w", err)
		}
		names = append(names, asn1.RawValue{FullBytes: der})
	}
	return extension(asn1.ObjectIdentifier{2, 5, 29, 17}, names)
}

// comment is an extension that means nothing and is n bytes longer than nothing,
// give or take its own lengths.
func comment(n int) (pkix.Extension, error) {
	return extension(asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 13}, strings.Repeat("-", n))
}

func extension(id asn1.ObjectIdentifier, value any) (pkix.Extension, error) {
	der, err := asn1.Marshal(value)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("cannot encode an extension: %w", err)
	}
	return pkix.Extension{Id: id, Value: der}, nil
}

func serialNumber() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 31))
	if err != nil {
		return nil, fmt.Errorf("cannot read random bytes: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}
