package hub

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"kioskd/internal/wire"
)

// The algorithm goes with the key, hash included: no other pair passes.
func TestSignatureAlgorithms(t *testing.T) {
	document := []byte("document")
	short, long := sha256.Sum256(document), sha512.Sum384(document)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(key crypto.Signer, digest []byte, hash crypto.Hash) []byte {
		sig, err := key.Sign(rand.Reader, digest, hash)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	r, s, err := ecdsa.Sign(rand.Reader, p384, long[:])
	if err != nil {
		t.Fatal(err)
	}
	raw := append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
	for about, c := range map[string]struct {
		key  crypto.Signer
		sig  []byte
		good bool
	}{
		"RSA, SHA-256":             {rsaKey, sign(rsaKey, short[:], crypto.SHA256), true},
		"RSA, SHA-384":             {rsaKey, sign(rsaKey, long[:], crypto.SHA384), false},
		"P-384, SHA-384":           {p384, sign(p384, long[:], crypto.SHA384), true},
		"P-384, SHA-256":           {p384, sign(p384, short[:], crypto.SHA256), false},
		"P-384, not ASN.1":         {p384, raw, false},
		"P-256, SHA-256":           {p256, sign(p256, short[:], crypto.SHA256), false},
		"P-256, SHA-384":           {p256, sign(p256, long[:], crypto.SHA384), false},
		"signature of another key": {p384, sign(p256, long[:], crypto.SHA384), false},
		"no signature":             {p384, nil, false},
	} {
		if err := checkSignature(c.key.Public(), document, c.sig); (err == nil) != c.good {
			t.Errorf("%s: %v", about, err)
		}
		if checkSignature(c.key.Public(), []byte("another"), c.sig) == nil {
			t.Errorf("%s: signature of another document", about)
		}
	}
	if checkSignature("no key", document, nil) == nil {
		t.Error("verified without a key")
	}
}

// A certificate that may not sign proves nothing, whoever issued it.
func TestUsageOfTheCertificate(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(n int64, parent *x509.Certificate, usage x509.KeyUsage) *x509.Certificate {
		t.Helper()
		template := &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: fmt.Sprint(n)}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			KeyUsage: usage, BasicConstraintsValid: true, IsCA: parent == nil,
		}
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	root := certificate(1, nil, x509.KeyUsageCertSign)
	v := &Verifier{Roots: x509.NewCertPool(), MaxAge: DefaultMaxAge, MaxAhead: DefaultMaxAhead}
	v.Roots.AddCert(root)
	document, err := wire.EncodeDocument(wire.Document{Schema: wire.Schema, Kind: wire.KindInquiry, Kiosk: "demo", Time: now, Nonce: wire.NewNonce(), Inquiry: &wire.Inquiry{}})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum384(document)
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	for usage, failed := range map[x509.KeyUsage]CheckName{
		x509.KeyUsageDigitalSignature: "", x509.KeyUsageKeyEncipherment: CheckUsage, x509.KeyUsageContentCommitment: CheckUsage,
	} {
		var t2 trail
		_, err := v.verify(&t2, wire.Signed{Document: document, Signature: sig, Certificate: certificate(2, root, usage).Raw}, "demo", now)
		if last := t2[len(t2)-1]; (err == nil) != (failed == "") || err != nil && last.Name != failed {
			t.Errorf("usage %d: %v at %s", usage, err, last.Name)
		}
	}
	// Who issues cards' certificates is no card, whatever else its key may do.
	issuer := certificate(3, nil, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature)
	v.Roots.AddCert(issuer)
	var t3 trail
	if _, err := v.verify(&t3, wire.Signed{Document: document, Signature: sig, Certificate: issuer.Raw}, "demo", now); err == nil || t3[len(t3)-1].Name != CheckChain {
		t.Errorf("a CA's certificate signs: %v at %s", err, t3[len(t3)-1].Name)
	}
}
