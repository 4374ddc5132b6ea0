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
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
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
	clientLife = 365 * 24 * time.Hour
	early      = 24 * time.Hour
)

// PKI is the hub's identity. It is safe for concurrent use.
type PKI struct {
	ca    *x509.Certificate
	caKey *ecdsa.PrivateKey
	home  home

	mu    sync.RWMutex
	set   set
	vault *vault.Vault // one for all who ask: it follows when keys change
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
		return fmt.Errorf("cannot read ca.key: %w", err)
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
		return fmt.Errorf("cannot read ca.pem: %w", err)
	}
	if !p.caKey.PublicKey.Equal(p.ca.PublicKey) {
		return errors.New("cannot use hub CA: ca.key and ca.pem do not belong together")
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

// Offer is what kiosks get: the key to seal to, and the keys whose
// acknowledgements count, the present one first.
func (p *PKI) Offer() (sealKeyID string, sealKey []byte, acks []wire.AckKey) {
	k := p.Keys()
	present := k.Seal[k.SealTo]
	return present.ID(), present.Public().Bytes(), k.Acks
}

// Vault is for keyed hashes and sealed columns. It follows when keys change.
func (p *PKI) Vault() (*vault.Vault, error) { return p.vault, nil }

// Server issues a certificate for the given host names and addresses.
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
	certPEM, keyPEM, err := p.issue(t)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}

// Enrol issues a client certificate for a kiosk and gives its enrolment.
func (p *PKI) Enrol(kiosk, hubURL string, now time.Time) (*wire.Enrolment, error) {
	if !hub.ValidKioskID(kiosk) {
		return nil, fmt.Errorf("cannot enrol kiosk %q: not a kiosk id", kiosk)
	}
	certPEM, keyPEM, err := p.issue(&x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"kioskd"}, CommonName: kiosk},
		NotBefore: now.Add(-early), NotAfter: now.Add(clientLife), URIs: []*url.URL{hub.KioskURI(kiosk)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, err
	}
	e := &wire.Enrolment{Kiosk: kiosk, HubURL: hubURL, HubCA: p.CAPEM(), ClientCert: string(certPEM), ClientKey: string(keyPEM)}
	e.SealKeyID, e.SealKey, e.AckKeys = p.Offer()
	return e, nil
}

func (p *PKI) issue(t *x509.Certificate) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make key: %w", err)
	}
	t.SerialNumber, t.BasicConstraintsValid = serial(), true
	der, err := x509.CreateCertificate(rand.Reader, t, p.ca, key.Public(), p.caKey)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot issue certificate: %w", err)
	}
	k, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot encode key: %w", err)
	}
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", k), nil
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
