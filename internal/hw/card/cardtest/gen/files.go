package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// load reads a certificate and the key behind it, which authorities of the
// first days do not have.
func load(dir, file string) (*x509.Certificate, signer, error) {
	b, err := os.ReadFile(filepath.Join(dir, file+".pem"))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the certificate of %s: %w", file, err)
	}
	certificate, rest := pem.Decode(b)
	if certificate == nil {
		return nil, nil, fmt.Errorf("cannot read the certificate of %s: not PEM", file)
	}
	cert, err := x509.ParseCertificate(certificate.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot parse the certificate of %s: %w", file, err)
	}
	private, _ := pem.Decode(rest)
	if private == nil {
		return cert, nil, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the key of %s: %w", file, err)
	}
	s, ok := key.(signer)
	if !ok {
		return nil, nil, fmt.Errorf("cannot sign with the key of %s", file)
	}
	return cert, s, nil
}

func store(dir, file string, der []byte, key signer) error {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("cannot encode the key of %s: %w", file, err)
	}
	var b bytes.Buffer
	for _, bl := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := pem.Encode(&b, bl); err != nil {
			return fmt.Errorf("cannot encode %s: %w", file, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, file+".pem"), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	return nil
}
