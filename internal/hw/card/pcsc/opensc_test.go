package pcsc_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/pcsc"
)

// OpenSC is a client that nobody here wrote. That it finds its way on the virtual
// card shows that the card keeps the rules of the real one, and not only those
// that this program happens to use.

// tool runs a program of OpenSC or OpenSSL and gives what it printed.
func tool(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "OPENSC_DEBUG=0", "HOME="+t.TempDir())
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := tool(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func TestOpenSC(t *testing.T) {
	r := newRig(t, pcsc.Options{})
	r.put("taro")
	// As on a real card a verified PIN outlives the program that verified it, and
	// OpenSC does not bear the answer to a query then: the card is lifted between.
	relay := func() { r.lift(); r.put("taro") }
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }

	t.Run("knows the card", func(t *testing.T) {
		if out := must(t, "opensc-tool", "-n"); !strings.Contains(strings.ToLower(out), "jpki") {
			t.Errorf("opensc-tool -n: %s", out)
		}
	})
	t.Run("lists what is on it", func(t *testing.T) {
		out := must(t, "pkcs15-tool", "-D")
		for _, want := range []string{"User Authentication PIN", "Digital Signature PIN", "User Authentication Certificate", "Digital Signature Certificate"} {
			if !strings.Contains(out, want) {
				t.Errorf("pkcs15-tool -D lacks %q:\n%s", want, out)
			}
		}
	})
	t.Run("reads the counters", func(t *testing.T) {
		out := must(t, "pkcs15-tool", "--list-pins")
		if !strings.Contains(out, "Tries left") || !strings.Contains(strings.Join(strings.Fields(out), " "), "Tries left : 3") {
			t.Errorf("pkcs15-tool --list-pins:\n%s", out)
		}
	})
	t.Run("reads the certificate", func(t *testing.T) {
		block, _ := pem.Decode([]byte(must(t, "pkcs15-tool", "--read-certificate", "1")))
		if block == nil || !bytes.Equal(block.Bytes, cardtest.TaroProfile().Certificate) {
			t.Error("another certificate was read than the card holds")
		}
	})
	t.Run("reads the signing certificate after its password only", func(t *testing.T) {
		if out, err := tool(t, "pkcs15-tool", "--read-certificate", "2"); err == nil {
			t.Errorf("it was read without the password: %.60s", out)
		}
		out := must(t, "pkcs15-tool", "--read-certificate", "2", "--verify-pin", "--auth-id", "2", "--pin", cardtest.TaroProfile().SignPassword)
		if block, _ := pem.Decode([]byte(out)); block == nil {
			t.Errorf("no certificate: %s", out)
		}
	})
	t.Run("signs, and OpenSSL verifies", func(t *testing.T) {
		relay()
		cert, err := x509.ParseCertificate(cardtest.TaroProfile().Certificate)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file("key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
		write(t, file("message"), []byte("what is signed"))
		must(t, "pkcs11-tool", "--slot", "0", "-l", "-p", "1234", "--sign", "-m", "SHA256-RSA-PKCS", "--id", "01", "-i", file("message"), "-o", file("signature"))
		if out := must(t, "openssl", "dgst", "-sha256", "-verify", file("key.pem"), "-signature", file("signature"), file("message")); !strings.Contains(out, "Verified OK") {
			t.Errorf("openssl: %s", out)
		}
		write(t, file("message"), []byte("what was not signed"))
		if out, err := tool(t, "openssl", "dgst", "-sha256", "-verify", file("key.pem"), "-signature", file("signature"), file("message")); err == nil {
			t.Errorf("another message verifies too: %s", out)
		}
	})
	t.Run("a wrong PIN costs a try, and a right one gives it back", func(t *testing.T) {
		relay()
		if out, err := tool(t, "pkcs15-tool", "--verify-pin", "--auth-id", "1", "--pin", "9999"); err == nil {
			t.Errorf("a wrong PIN is right: %s", out)
		}
		card, _ := r.slot.Card("taro").(*cardtest.JPKI)
		if card.TriesLeft() != 2 {
			t.Errorf("%d tries left", card.TriesLeft())
		}
		must(t, "pkcs15-tool", "--verify-pin", "--auth-id", "1", "--pin", "1234")
		if card.TriesLeft() != 3 {
			t.Errorf("%d tries left", card.TriesLeft())
		}
	})
}

// A card that is none of ours is not taken for one.
func TestOpenSCAndAStranger(t *testing.T) {
	newRig(t, pcsc.Options{}).put("unknown")
	if out, _ := tool(t, "opensc-tool", "-n"); strings.Contains(strings.ToLower(out), "jpki") {
		t.Errorf("opensc-tool -n: %s", out)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
