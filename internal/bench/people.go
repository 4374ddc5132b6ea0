package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"sync"
	"time"

	"kioskd/internal/wire"
)

// people hold cards of an authority of the bench's own: RSA keys of 2048 bits, as
// real cards have.
type people struct {
	roots *x509.CertPool
	cards []signer
}

type signer struct {
	key  *rsa.PrivateKey
	cert []byte
}

func newPeople(n int) (*people, error) {
	rootKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(24 * time.Hour)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		return nil, err
	}
	if root, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	p := &people{roots: x509.NewCertPool()}
	p.roots.AddCert(root)
	for i := range n {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(int64(i) + 2), Subject: pkix.Name{CommonName: "holder"},
			NotBefore: root.NotBefore, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		}, root, key.Public(), rootKey)
		if err != nil {
			return nil, err
		}
		p.cards = append(p.cards, signer{key: key, cert: der})
	}
	return p, nil
}

// queue seals n reservations as the kiosk of e would.
func (p *people) queue(e *wire.Enrolment, n int) ([]wire.Submission, error) {
	seal, err := wire.ParseSealPublicKey(e.SealKey)
	if err != nil {
		return nil, err
	}
	queue := make([]wire.Submission, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			signed, err := p.cards[i%len(p.cards)].sign(wire.Document{
				Schema: wire.Schema, Kind: wire.KindReservation, Kiosk: e.Kiosk, Time: time.Now().UTC().Truncate(time.Second),
				Nonce: wire.NewNonce(), Reservation: &wire.Reservation{},
			})
			if err != nil {
				errs[i] = err
				return
			}
			queue[i], errs[i] = wire.Seal(seal, e.Kiosk, wire.NewSubmissionID(),
				wire.Payload{Schema: wire.Schema, Kind: wire.KindReservation, Signed: &signed})
		})
	}
	wg.Wait()
	return queue, errors.Join(errs...)
}

func (s signer) sign(d wire.Document) (wire.Signed, error) {
	b, err := wire.EncodeDocument(d)
	if err != nil {
		return wire.Signed{}, err
	}
	digest := wire.Digest(b)
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	return wire.Signed{Document: b, Signature: sig, Certificate: s.cert}, err
}

// plainClient is a client with the kiosk's certificate and nothing of ours besides.
func plainClient(e *wire.Enrolment) (*http.Client, error) {
	cert, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(e.HubCA))
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots, Certificates: []tls.Certificate{cert}},
	}}, nil
}
