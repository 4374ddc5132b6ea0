package jpki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	"kioskd/internal/fault"
)

func label(s string) []byte { return append([]byte(s), bytes.Repeat([]byte{' '}, 160-len(s))...) }

func TestKindOf(t *testing.T) {
	for s, want := range map[string]Kind{
		"JPKIAPICCTOKEN2":  KindMyNumber,
		"JPKIAPICCTOKEN":   kindOld,
		"JPKIAPGPSETOKEN":  KindAndroid,
		"JPKIAPIOSTOKEN":   KindIPhone,
		"JPKIAPICCTOKEN3":  KindUnknown,
		" JPKIAPICCTOKEN2": KindUnknown,
		"":                 KindUnknown,
	} {
		if got := kindOf(label(s)); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if kindOf([]byte("JPKIAPICCTOKEN2")) != KindUnknown {
		t.Error("a label that is cut short decides nothing")
	}
}

func FuzzToken(f *testing.F) {
	f.Add(label("JPKIAPICCTOKEN2"))
	f.Add(label("JPKIAPICCTOKEN"))
	f.Add([]byte{})
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, b []byte) {
		k := kindOf(b)
		if k == KindUnknown {
			return
		}
		if len(b) < labelSize || !bytes.HasPrefix(b, []byte("JPKIAP")) {
			t.Fatalf("%q out of %q", k, b)
		}
	})
}

func FuzzCertificateSize(f *testing.F) {
	f.Add([]byte{0x30, 0x82, 0x06, 0x2B})
	f.Add([]byte{0x30, 0x82, 0xFF, 0xFF})
	f.Add([]byte{0x30, 0x81, 0x10})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := certificateSize(b)
		if err == nil && (n < headerSize || n > maxCertificate) {
			t.Fatalf("%d bytes", n)
		}
	})
}

func made(t *testing.T, change func(*x509.Certificate), public any, signer any, parent *x509.Certificate) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"},
		NotBefore: time.Unix(1_700_000_000, 0), NotAfter: time.Unix(1_900_000_000, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if change != nil {
		change(c)
	}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJudge(t *testing.T) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.Subject.CommonName = true, x509.KeyUsageCertSign, "root"
	}
	root := made(t, authority, rootKey.Public(), rootKey, nil)
	twinKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	twin := made(t, authority, twinKey.Public(), twinKey, nil) // same name, other generation
	leaf := made(t, nil, rootKey.Public(), rootKey, root)
	wrongUse := made(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }, rootKey.Public(), rootKey, root)
	underLeaf := made(t, func(c *x509.Certificate) { c.Subject.CommonName = "y" }, rootKey.Public(), rootKey, leaf)

	in := time.Unix(1_800_000_000, 0)
	roots := func(r ...*x509.Certificate) []*x509.Certificate { return r }
	for about, c := range map[string]struct {
		judge Judge
		cert  *x509.Certificate
		want  fault.Code
	}{
		"nothing to judge by":        {Judge{}, leaf, ""},
		"in time":                    {Judge{At: in}, leaf, ""},
		"first second":               {Judge{At: leaf.NotBefore}, leaf, ""},
		"last second":                {Judge{At: leaf.NotAfter}, leaf, ""},
		"too early":                  {Judge{At: leaf.NotBefore.Add(-time.Second)}, leaf, fault.CertExpired},
		"too late":                   {Judge{At: leaf.NotAfter.Add(time.Second)}, leaf, fault.CertExpired},
		"pinned root":                {Judge{At: in, Roots: roots(root)}, leaf, ""},
		"two roots of the same name": {Judge{At: in, Roots: roots(twin, root)}, leaf, ""},
		"root of the same name only": {Judge{At: in, Roots: roots(twin)}, leaf, fault.CertForeign},
		"not for signatures":         {Judge{At: in, Roots: roots(root)}, wrongUse, fault.CertForeign},
		"issued by a card":           {Judge{At: in, Roots: roots(leaf)}, underLeaf, fault.CertForeign},
	} {
		if got := fault.CodeOf(c.judge.check(c.cert)); got != c.want {
			t.Errorf("%s: %q, want %q", about, got, c.want)
		}
	}
}

// Whatever is misjudged as a file without content would hide a defect of the card.
func TestNeverWritten(t *testing.T) {
	if !neverWritten([]byte{0xFF, 0xFF, 0x00}) || neverWritten([]byte{0xFF, 0x30}) {
		t.Error("filler is not told from content")
	}
}
