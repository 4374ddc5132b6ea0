// Package pki holds the hub's own keys in one folder: its CA, which issues the
// server's and the kiosks' certificates; the seal keys that submissions are
// sealed to; the keys that sign acknowledgements; and the vault's.
//
// The files are made once, all together, mode 0600 in a folder of mode 0700 that
// is renamed into its place, so a crash leaves a whole set or none. A key that is
// missing later is an error, never made anew: what waits at the kiosks is sealed
// to the lost one.
//
// Keys change in steps, so that nothing is refused meanwhile: a next key is made
// known, then used, and the earlier one is kept for what was done with it. See
// [PKI.Rotate], [PKI.Use] and [PKI.Retire].
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// Lives of certificates. A kiosk's clock may be a little behind, so all begin
// a day early.
const (
	caLife     = 20 * 365 * 24 * time.Hour
	serverLife = 90 * 24 * time.Hour
	early      = hub.CertificateEarly
)

// PKI is the hub's identity. It is safe for concurrent use.
type PKI struct {
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
	home  home

	reloading sync.Mutex // held while reading the rings again; before mu
	mu        sync.RWMutex
	set       set
	vault     *vault.Vault // one for all who ask: it follows when keys change
}

// Open reads the keys in dir; when dir is not there or empty it makes a set.
func Open(dir string, now time.Time) (*PKI, error) { return OpenWith(dir, "", now) }

// OpenWith is Open with the vault's keys in a file of their own, so that they need
// not lie beside the database that they open. "" = in dir.
func OpenWith(dir, vaultFile string, now time.Time) (*PKI, error) {
	f := folder{path: dir}
	untouched, err := f.untouched()
	if err != nil {
		return nil, err
	}
	if untouched {
		err := f.fill(func(draft folder) error {
			_, err := open(draft, vaultFile, now)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return open(f, vaultFile, now)
}

func open(f folder, vaultFile string, now time.Time) (*PKI, error) {
	p := &PKI{home: home{folder: f, vaultFile: vaultFile}}
	if err := p.openCA(f, now); err != nil {
		return nil, err
	}
	var err error
	if p.set, err = p.home.open(now); err != nil {
		return nil, err
	}
	p.vault, err = vault.Open(p.set.vaultRing())
	return p, err
}

func (p *PKI) openCA(f folder, now time.Time) error {
	der, err := f.block("ca.key", "EC PRIVATE KEY", func() ([]byte, error) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalECPrivateKey(k)
	})
	if err != nil {
		return err
	}
	if p.caKey, err = x509.ParseECPrivateKey(der); err != nil {
		return f.unusable("ca.key", err)
	}
	der, err = f.block("ca.pem", "CERTIFICATE", func() ([]byte, error) {
		t := &x509.Certificate{
			Subject:   pkix.Name{Organization: []string{"kioskd"}, CommonName: "kioskd hub CA"},
			NotBefore: now.Add(-early), NotAfter: now.Add(caLife), SerialNumber: serial(),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		return x509.CreateCertificate(rand.Reader, t, t, p.caKey.Public(), p.caKey)
	})
	if err != nil {
		return err
	}
	if p.ca, err = x509.ParseCertificate(der); err != nil {
		return f.unusable("ca.pem", err)
	}
	if !p.caKey.PublicKey.Equal(p.ca.PublicKey) {
		return fmt.Errorf("cannot use the hub's CA: the key in %s is not that of the certificate in %s: restore both from one backup",
			filepath.Join(f.path, "ca.key"), filepath.Join(f.path, "ca.pem"))
	}
	return nil
}

// Pool holds the hub's CA and nothing else.
func (p *PKI) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.ca)
	return pool
}

// CAPEM is the CA's certificate.
func (p *PKI) CAPEM() string { return string(encode("CERTIFICATE", p.ca.Raw)) }

// Keys are for hub.Ingest, as they are now.
func (p *PKI) Keys() hub.Keys {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.set.hub()
}

// Vault is for keyed hashes and sealed columns. It follows when keys change.
func (p *PKI) Vault() (*vault.Vault, error) { return p.vault, nil }

// CA is the CA's certificate in DER, which pairing codes pin.
func (p *PKI) CA() []byte { return p.ca.Raw }

// Server issues a certificate for the given host names and addresses. Its chain
// holds the CA as well, for a kiosk that knows only the CA's hash.
func (p *PKI) Server(now time.Time, hosts ...string) (tls.Certificate, error) {
	t := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"kioskd"}, CommonName: "kioskd hub"},
		NotBefore: now.Add(-early), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	t.SerialNumber = serial()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot make key: %w", err)
	}
	der, err := p.sign(t, key.Public())
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cannot read certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, p.ca.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// Client issues the client certificate c for a kiosk's key.
func (p *PKI) Client(c hub.Certificate, key crypto.PublicKey) (certPEM string, err error) {
	if !hub.ValidKioskID(c.Kiosk) {
		return "", fmt.Errorf("cannot issue certificate for %q: not a kiosk id", c.Kiosk)
	}
	n, ok := new(big.Int).SetString(c.Serial, 16)
	if !ok || n.Sign() <= 0 {
		return "", fmt.Errorf("cannot issue certificate: %q is no serial number", c.Serial)
	}
	der, err := p.sign(&x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"kioskd"}, CommonName: c.Kiosk},
		NotBefore: c.Issued.Add(-early), NotAfter: c.Expires, SerialNumber: n, URIs: []*url.URL{hub.KioskURI(c.Kiosk)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key)
	if err != nil {
		return "", err
	}
	return string(encode("CERTIFICATE", der)), nil
}

// Enrol makes a key for a kiosk, issues its client certificate and gives its
// enrolment. It is for the demo: a real kiosk makes its key itself and gives it
// to nobody.
func (p *PKI) Enrol(kiosk, hubURL string, now time.Time) (*wire.Enrolment, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make key: %w", err)
	}
	certPEM, err := p.Client(hub.NewCertificate(kiosk, now), key.Public())
	if err != nil {
		return nil, fmt.Errorf("cannot enrol kiosk %q: %w", kiosk, err)
	}
	k, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("cannot encode key: %w", err)
	}
	e := &wire.Enrolment{
		Kiosk: kiosk, HubURL: hubURL, HubCA: p.CAPEM(), ClientCert: certPEM, ClientKey: string(encode("EC PRIVATE KEY", k)),
	}
	e.SealKeyID, e.SealKey, e.AckKeys = p.Keys().Offer()
	return e, nil
}

func (p *PKI) sign(t *x509.Certificate, key crypto.PublicKey) (der []byte, err error) {
	t.BasicConstraintsValid = true
	if der, err = x509.CreateCertificate(rand.Reader, t, p.ca, key, p.caKey); err != nil {
		return nil, fmt.Errorf("cannot issue certificate: %w", err)
	}
	return der, nil
}

// serial gives 127 random bits, as CAs must use at least 64.
func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand's reader never fails
	}
	return n
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Fingerprint names this hub's identity, by its CA and the key of keyed hashes,
// which stay when other keys change. It tells nothing about them.
func (p *PKI) Fingerprint() (string, error) { return p.vault.Tag("set of keys", p.ca.Raw), nil }
