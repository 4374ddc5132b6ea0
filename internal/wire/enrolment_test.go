package wire

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func someEnrolment(t *testing.T) *Enrolment {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kiosk-1"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	ack, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	seal := mustSealKey(t).Public()
	return &Enrolment{
		Kiosk: "kiosk-1", HubURL: "https://127.0.0.1:8443", HubCA: cert, ClientCert: cert,
		ClientKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
		SealKeyID: seal.ID(), SealKey: seal.Bytes(),
		AckKeys: []AckKey{AckKeyOf(ack.Public().(ed25519.PublicKey))},
	}
}

func TestEnrolmentFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "enrolment", "demo.json")
	if _, err := LoadEnrolment(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
	want := someEnrolment(t)
	for range 2 { // the second time over an existing file
		if err := StoreEnrolment(path, want); err != nil {
			t.Fatal(err)
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", st.Mode())
	}
	got, err := LoadEnrolment(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("files left behind: %v %v", left, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, *got, got); strings.Contains(text, "PRIVATE") {
		t.Fatal("the private key prints")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadEnrolment(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("a file that others can read was taken: %v", err)
	}
}

func TestEnrolmentValidation(t *testing.T) {
	other := someEnrolment(t)
	for want, change := range map[string]func(*Enrolment){
		"kiosk is missing": func(e *Enrolment) { e.Kiosk = "" },
		"hub_url":          func(e *Enrolment) { e.HubURL = "http://127.0.0.1" },
		"hub_ca":           func(e *Enrolment) { e.HubCA = "x" },
		"matching":         func(e *Enrolment) { e.ClientKey = other.ClientKey },
		"seal_key is":      func(e *Enrolment) { e.SealKey = e.SealKey[1:] },
		"seal_key_id":      func(e *Enrolment) { e.SealKeyID = other.SealKeyID },
		"ack_keys":         func(e *Enrolment) { e.AckKeys = nil },
		"named":            func(e *Enrolment) { e.AckKeys[0].ID = "x" },
	} {
		e := someEnrolment(t)
		change(e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want one about %q", err, want)
		}
		if err := StoreEnrolment(filepath.Join(t.TempDir(), "e.json"), e); err == nil {
			t.Errorf("%s: stored", want)
		}
	}
	if err := (&Enrolment{}).Validate(); err == nil || strings.Count(err.Error(), "\n") < 4 {
		t.Errorf("not every mistake is listed: %v", err)
	}
}
