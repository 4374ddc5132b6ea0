package hubtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"time"
)

// CA is a hub's authority.
type CA struct {
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand's reader never fails
	}
	return k
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		panic(err)
	}
	return n
}

// NewCA makes one that is valid for twenty years around now.
func NewCA(now time.Time) *CA {
	key := newKey()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "test hub CA"},
		NotBefore: now.AddDate(-10, 0, 0), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &CA{Cert: cert, key: key}
}

func (c *CA) issue(t *x509.Certificate, pub crypto.PublicKey) []byte {
	t.SerialNumber, t.BasicConstraintsValid, t.KeyUsage = serial(), true, x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, t, c.Cert, pub, c.key)
	if err != nil {
		panic(err)
	}
	return der
}

// Server issues a certificate for a host name or address, the CA's behind it.
func (c *CA) Server(host string, from, until time.Time) tls.Certificate {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "test hub"}, NotBefore: from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{host}
	}
	key := newKey()
	return tls.Certificate{Certificate: [][]byte{c.issue(t, key.Public()), c.Cert.Raw}, PrivateKey: key}
}

// Client issues a kiosk's certificate, in PEM.
func (c *CA) Client(kiosk string, pub crypto.PublicKey, from, until time.Time) string {
	der := c.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: kiosk}, NotBefore: from, NotAfter: until,
		URIs:        []*url.URL{{Scheme: "urn", Opaque: "kioskd:kiosk:" + kiosk}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, pub)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
