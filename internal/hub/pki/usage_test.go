package pki

import (
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/hub"
)

// One CA is behind the hub's certificate and those of all kiosks: each is good for its
// own side only, so that no kiosk can pass for the hub, and the hub for no kiosk.
func TestCertificatesAreGoodForOneSide(t *testing.T) {
	now := time.Now()
	p := opened(t, filepath.Join(t.TempDir(), "keys"), now)
	server, err := p.Server(now, "hub.example.jp")
	if err != nil {
		t.Fatal(err)
	}
	e, err := p.Enrol("kiosk-1", "https://hub.example.jp:8443", now)
	if err != nil {
		t.Fatal(err)
	}
	kiosk, err := e.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cert   *x509.Certificate
		serves bool
	}{"hub": {server.Leaf, true}, "kiosk": {kiosk, false}} {
		for usage, want := range map[x509.ExtKeyUsage]bool{
			x509.ExtKeyUsageServerAuth: c.serves, x509.ExtKeyUsageClientAuth: !c.serves, x509.ExtKeyUsageCodeSigning: false,
		} {
			_, err := c.cert.Verify(x509.VerifyOptions{Roots: p.Pool(), CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
			if (err == nil) != want {
				t.Errorf("%s, usage %d: %v", name, usage, err)
			}
		}
		if c.cert.IsCA || !c.cert.BasicConstraintsValid || c.cert.KeyUsage != x509.KeyUsageDigitalSignature {
			t.Errorf("%s: it may issue others, or more than sign: %v", name, c.cert.KeyUsage)
		}
	}
	if life := kiosk.NotAfter.Sub(now); life > hub.ClientLife {
		t.Errorf("a kiosk's certificate is good for %v", life)
	}
}
