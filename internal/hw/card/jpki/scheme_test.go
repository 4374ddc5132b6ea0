package jpki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"testing"

	"kioskd/internal/fault"
)

func ecKey(t testing.TB, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// The key type of the certificate decides. What is not served is refused before
// a PIN is spent on it.
func TestSchemeOf(t *testing.T) {
	p256, p384 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	if s, err := schemeOf(made(t, nil, p384.Public(), p384, nil)); err != nil || !s.(ecdsaSHA384).key.Equal(p384.Public()) {
		t.Errorf("P-384: %v, %v", s, err)
	}
	s := &Session{}
	if err := s.know(made(t, nil, p256.Public(), p256, nil).Raw); fault.CodeOf(err) != fault.CardRefused || s.cert != nil {
		t.Errorf("P-256: %v", err)
	}
	if err := s.know(made(t, nil, p384.Public(), p384, nil).Raw); err != nil || s.cert == nil {
		t.Errorf("P-384: %v", err)
	}
	for bits, want := range map[int]bool{1024: false, 2048: true, 3072: false} {
		key := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), bits-1, 1), E: 65537}
		if _, err := schemeOf(&x509.Certificate{PublicKey: key}); (err == nil) != want {
			t.Errorf("RSA-%d: %v", bits, err)
		}
	}
}

// The card's signature may come in either form, and leaves in one.
func TestECDSAForms(t *testing.T) {
	key := ecKey(t, elliptic.P384())
	e, message := ecdsaSHA384{&key.PublicKey}, []byte("message")
	sum := sha512.Sum384(message)
	if !bytes.Equal(e.input(message), sum[:]) {
		t.Error("the card is not given the hash")
	}
	for range 15 { // short numbers come up now and then
		r, s, err := ecdsa.Sign(rand.Reader, key, e.input(message))
		if err != nil {
			t.Fatal(err)
		}
		raw := append(r.FillBytes(make([]byte, 48)), s.FillBytes(make([]byte, 48))...)
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		for _, sig := range [][]byte{raw, der} {
			if err := e.check(message, sig); err != nil || !bytes.Equal(e.normal(sig), der) {
				t.Errorf("%X: %v, normal %X", sig, err, e.normal(sig))
			}
			if e.check([]byte("other"), sig) == nil {
				t.Error("signature of another message")
			}
		}
		for about, sig := range map[string][]byte{
			"nothing": nil, "cut short": der[:len(der)-1], "one more": append(bytes.Clone(der), 0), "raw, cut short": raw[:95],
			"zeros": make([]byte, 96), "r and s swapped": append(bytes.Clone(raw[48:]), raw[:48]...),
		} {
			if e.check(message, sig) == nil {
				t.Errorf("%s verifies", about)
			}
		}
	}
	// ASN.1 that happens to have the length of the other form stays what it is.
	short, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).Lsh(big.NewInt(1), 44*8), new(big.Int).Lsh(big.NewInt(1), 44*8)})
	if err != nil || len(short) != 96 {
		t.Fatal(err, len(short))
	}
	if !bytes.Equal(e.normal(short), short) {
		t.Error("ASN.1 was taken for r and s side by side")
	}
}

func FuzzNormal(f *testing.F) {
	key := ecKey(f, elliptic.P384())
	f.Add([]byte{})
	f.Add(make([]byte, 96))
	f.Fuzz(func(t *testing.T, sig []byte) {
		e := ecdsaSHA384{&key.PublicKey}
		if once := e.normal(sig); !bytes.Equal(e.normal(once), once) {
			t.Fatalf("%X has two normal forms", sig)
		}
		if e.check([]byte("message"), sig) == nil {
			t.Fatalf("%X verifies", sig)
		}
	})
}
