// Command gen makes the certificates and keys of the virtual cards. Run it
// through go generate in the parent directory; it overwrites testdata.
//
// The certificates have the shape of real user-authentication certificates
// (RSA-2048, sha256WithRSA, opaque subject) under a hierarchy of their own,
// O=JPKI-TEST, that nothing but a demo trusts.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// loadPersons is how many ordinary holders there are for load tests.
const loadPersons = 20

type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func main() {
	if err := run("testdata"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make %s: %w", dir, err)
	}
	from, to := first(2025, 1), first(2045, 1)
	root, err := makeAuthority("JPKI-TEST", first(2015, 1), first(2055, 1))
	if err != nil {
		return err
	}
	// Same names but for the organisation: only the signature tells it apart.
	other, err := makeAuthority("JPKI-OTHER", first(2015, 1), first(2055, 1))
	if err != nil {
		return err
	}
	if err := write(filepath.Join(dir, "root.pem"), block("CERTIFICATE", root.cert.Raw)); err != nil {
		return err
	}
	if err := write(filepath.Join(dir, "root-foreign.pem"), block("CERTIFICATE", other.cert.Raw)); err != nil {
		return err
	}
	names := []string{"taro", "hanako", "child", "one-try", "two-tries", "blocked", "phone", "oldcard"}
	for i := range loadPersons {
		names = append(names, fmt.Sprintf("person-%02d", i+1))
	}
	for _, n := range names {
		if err := holder(dir, n, root, from, to); err != nil {
			return err
		}
	}
	if err := holder(dir, "expired", root, first(2016, 4), first(2021, 4)); err != nil {
		return err
	}
	return holder(dir, "foreign", other, from, to)
}

func makeAuthority(org string, from, to time.Time) (*authority, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	name := pkix.Name{
		Country: []string{"JP"}, Organization: []string{org},
		OrganizationalUnit: []string{"JPKI for user authentication", "Japan Agency for Local Authority Information Systems"},
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: name, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("cannot make the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cannot parse the authority: %w", err)
	}
	return &authority{cert, key}, nil
}

func holder(dir, file string, ca *authority, from, to time.Time) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("cannot make a key: %w", err)
	}
	serial, err := serialNumber()
	if err != nil {
		return err
	}
	opaque := make([]byte, 13)
	if _, err := rand.Read(opaque); err != nil {
		return fmt.Errorf("cannot read random bytes: %w", err)
	}
	policy, err := x509.OIDFromInts([]uint64{1, 2, 392, 200149, 8, 5, 0, 3, 20})
	if err != nil {
		return fmt.Errorf("cannot build the policy: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Country: []string{"JP"}, CommonName: fmt.Sprintf("%X", opaque)},
		NotBefore:    from, NotAfter: to,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{{1, 2, 392, 200149, 8, 5, 0, 3, 20}},
		Policies:              []x509.OID{policy},
		CRLDistributionPoints: []string{"http://crl.jpki-test.invalid/user-authentication/municipality-00000.crl"},
		OCSPServer:            []string{"http://ocsp.jpki-test.invalid/user-authentication"},
		SignatureAlgorithm:    x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, key.Public(), ca.key)
	if err != nil {
		return fmt.Errorf("cannot make the certificate of %s: %w", file, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cannot encode the key of %s: %w", file, err)
	}
	return write(filepath.Join(dir, file+".pem"), block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8))
}

func serialNumber() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 31))
	if err != nil {
		return nil, fmt.Errorf("cannot read random bytes: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

func block(kind string, der []byte) *pem.Block { return &pem.Block{Type: kind, Bytes: der} }

func write(path string, blocks ...*pem.Block) error {
	var b bytes.Buffer
	for _, bl := range blocks {
		if err := pem.Encode(&b, bl); err != nil {
			return fmt.Errorf("cannot encode %s: %w", path, err)
		}
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

func first(y int, m time.Month) time.Time {
	jst := time.FixedZone("JST", 9*60*60)
	return time.Date(y, m, 1, 0, 0, 0, 0, jst)
}
