package pki

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// The certificate is renewed while the hub serves, long before it ends, for the
// same names; and its chain holds the CA that pairing codes pin.
func TestServerCertificateIsRenewed(t *testing.T) {
	now := time.Now()
	keys, err := Open(filepath.Join(t.TempDir(), "keys"), now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Serving(func() time.Time { return now }, slog.New(slog.DiscardHandler), "hub.example.jp", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	serials := map[string]bool{}
	const days = 365
	for range days {
		c, err := s.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Certificate) != 2 || !bytes.Equal(c.Certificate[1], keys.CA()) {
			t.Fatal("the chain lacks the CA")
		}
		for _, name := range []string{"hub.example.jp", "192.0.2.1"} {
			if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: keys.Pool(), DNSName: name, CurrentTime: now.Add(24 * time.Hour)}); err != nil {
				t.Fatalf("%s at %v: %v", name, now, err)
			}
		}
		if left := c.Leaf.NotAfter.Sub(now); left < serverLife/4 {
			t.Fatalf("only %v are left", left)
		}
		serials[c.Leaf.SerialNumber.String()] = true
		now = now.Add(24 * time.Hour)
	}
	if len(serials) < 5 || len(serials) > 8 {
		t.Errorf("%d certificates in a year", len(serials))
	}
}
