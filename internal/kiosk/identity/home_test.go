package identity_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/hub/pki"
	"kioskd/internal/kiosk/identity"
	"kioskd/internal/kiosk/identity/hubtest"
	"kioskd/internal/wire"
)

func enrolled(t *testing.T, h identity.Home) *wire.Enrolment {
	t.Helper()
	hub := hubtest.New(t)
	if _, err := h.Enrol(t.Context(), hub.Code(t), identity.Options{}); err != nil {
		t.Fatal(err)
	}
	e, err := h.Load()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestKeyInACredential: systemd's folder is read and never written, and the ID is
// that of the key in it.
func TestKeyInACredential(t *testing.T) {
	plain := newHome(t)
	e := enrolled(t, plain)
	folder := t.TempDir()
	write(t, filepath.Join(folder, identity.KeyName), e.ClientKey, 0o440)
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })

	t.Run("the key of an enrolment moves there", func(t *testing.T) {
		if err := os.Remove(plain.KeyFile); err != nil {
			t.Fatal(err)
		}
		if _, err := plain.Load(); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "its key") {
			t.Errorf("without its key: %v", err)
		}
		moved := identity.At(plain.File, "", folder)
		got, err := moved.Load()
		if err != nil || got.ClientKey != e.ClientKey {
			t.Errorf("%v, %v", got, err)
		}
		if place := moved.KeyPlace(got); place != filepath.Join(folder, identity.KeyName) {
			t.Errorf("the key is said to lie in %s", place)
		}
	})
	t.Run("an enrolment uses it", func(t *testing.T) {
		h := identity.At(filepath.Join(t.TempDir(), "enrolment.json"), "", folder)
		if got := enrolled(t, h); got.Kiosk != e.Kiosk {
			t.Errorf("kiosk %s, want %s", got.Kiosk, e.Kiosk)
		}
		if _, err := os.Stat(h.KeyFile); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a key file was made beside the credential: %v", err)
		}
	})
	t.Run("an enrolment that did not see it", func(t *testing.T) {
		h := newHome(t) // as from a shell: without the folder
		if _, err := identity.At(plain.File, "", "").Enrol(t.Context(), hubtest.New(t).Code(t), identity.Options{}); err == nil || !strings.Contains(err.Error(), "-p LoadCredentialEncrypted=identity.key") {
			t.Errorf("err %v, want how to run it", err)
		}
		other := enrolled(t, h)
		both := identity.At(h.File, "", folder)
		got, err := both.Load()
		if err != nil || got.ClientKey != other.ClientKey || both.KeyPlace(got) != h.KeyFile {
			t.Fatalf("the key that fits is not taken: %v", err)
		}
		if again := enrolled(t, both); again.Kiosk != other.Kiosk {
			t.Errorf("kiosk %s, was %s", again.Kiosk, other.Kiosk)
		}
		if err := os.Remove(h.KeyFile); err != nil {
			t.Fatal(err)
		}
		if _, err := both.Load(); err == nil || !strings.Contains(err.Error(), folder) {
			t.Errorf("none fits: %v", err)
		}
	})
	t.Run("open to all", func(t *testing.T) {
		open := t.TempDir()
		write(t, filepath.Join(open, identity.KeyName), e.ClientKey, 0o444)
		if _, err := identity.At(plain.File, "", open).Load(); err == nil || !strings.Contains(err.Error(), "open to others") {
			t.Errorf("err %v", err)
		}
	})
}

func TestKeyFileIsRefused(t *testing.T) {
	hub := hubtest.New(t)
	for _, tc := range []struct {
		name, text, want string
		mode             fs.FileMode
	}{
		{"open to the group", "", "open to others (mode 0640): run chmod 600", 0o640},
		{"no key", "hello", "not one ECDSA P-256 key", 0o600},
		{"another kind", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n", "not one ECDSA P-256 key", 0o600},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHome(t)
			text := tc.text
			if text == "" {
				e := enrolled(t, newHome(t))
				text = e.ClientKey
			}
			write(t, h.KeyFile, text, tc.mode)
			_, err := h.Enrol(t.Context(), hub.Code(t), identity.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "MC4") {
				t.Errorf("err %v, want %q", err, tc.want)
			}
			if after, err := os.ReadFile(h.KeyFile); err != nil || string(after) != text {
				t.Errorf("the file was touched: %v", err)
			}
			if n := hub.Asked(wire.PathEnrol); n != 0 {
				t.Errorf("the hub was asked %d times", n)
			}
		})
	}
}

// TestWholeEnrolment: the demo hub writes the key into the enrolment. That works as
// it is; enrolling by a code keeps this key, in a file of its own.
func TestWholeEnrolment(t *testing.T) {
	keys, err := pki.Open(filepath.Join(t.TempDir(), "hub"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	demo, err := keys.Enrol("demo", "https://127.0.0.1:1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	h := newHome(t)
	if err := wire.StoreEnrolment(h.File, demo); err != nil {
		t.Fatal(err)
	}
	e, err := h.Load()
	if err != nil || e.ClientKey != demo.ClientKey || h.KeyPlace(e) != h.File {
		t.Fatalf("%v, %v", e, err)
	}
	hub := hubtest.New(t)
	out, err := h.Enrol(t.Context(), hub.Code(t), identity.Options{})
	if err != nil || !strings.Contains(out.Strands(), "the kiosk was demo before") {
		t.Fatalf("%q, %v", out.Strands(), err)
	}
	key, err := identity.KeyOf(demo)
	if err != nil {
		t.Fatal(err)
	}
	if e, err = h.Load(); err != nil || e.ClientKey != demo.ClientKey || e.Kiosk != key.Kiosk() {
		t.Errorf("the key did not stay: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", key, key, *key, key); strings.Contains(text, "PRIVATE") {
		t.Error("the key prints")
	}
}

// TestALostKeyIsNotMadeAnew: what waits in the outbox is addressed by its ID.
func TestALostKeyIsNotMadeAnew(t *testing.T) {
	h := newHome(t)
	enrolled(t, h)
	if err := os.Remove(h.KeyFile); err != nil {
		t.Fatal(err)
	}
	hub := hubtest.New(t)
	if _, err := h.Enrol(t.Context(), hub.Code(t), identity.Options{}); err == nil || !strings.Contains(err.Error(), "put it back") {
		t.Errorf("err %v", err)
	}
}

// With another kiosk's key in its place a kiosk does not become that one by mistake.
func TestAKeyOfAnotherKiosk(t *testing.T) {
	h, other := newHome(t), newHome(t)
	was := enrolled(t, h)
	enrolled(t, other)
	b, err := os.ReadFile(other.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.KeyFile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	hub := hubtest.New(t)
	code := hub.Code(t)
	if _, err := h.Enrol(t.Context(), code, identity.Options{}); err == nil || !strings.Contains(err.Error(), "is not that of "+was.Kiosk) {
		t.Errorf("err = %v", err)
	}
	if err := os.Rename(h.File, h.File+".old"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Enrol(t.Context(), code, identity.Options{}); err != nil {
		t.Errorf("when it shall be another: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	h := newHome(t)
	e := enrolled(t, h)
	before := h.Sum()
	if err := h.Update(e, func(e *wire.Enrolment) { e.Name = "新しい名前" }); err != nil {
		t.Fatal(err)
	}
	if h.Sum() == before {
		t.Error("the change does not show in the sum")
	}
	got, err := h.Load()
	if err != nil || got.Name != "新しい名前" || got.ClientKey != e.ClientKey {
		t.Errorf("%v, %v", got, err)
	}
	if err := h.Update(e, func(e *wire.Enrolment) { e.AckKeys = nil }); err == nil {
		t.Error("an enrolment without keys was stored")
	}
	enrolled(t, h) // at another hub, meanwhile
	if err := h.Update(e, func(*wire.Enrolment) {}); !errors.Is(err, identity.ErrChanged) {
		t.Errorf("the new enrolment was overwritten: %v", err)
	}
}

// Whoever can read the folder can lock it. That does not stop the kiosk for ever without
// a word, and a lock that is given back in time does not stop it at all.
func TestALockedFolder(t *testing.T) {
	h := newHome(t)
	e := enrolled(t, h)
	synctest.Test(t, func(t *testing.T) {
		folder, err := os.Open(filepath.Dir(h.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_SH); err != nil {
			t.Fatal(err)
		}
		change := func(e *wire.Enrolment) { e.Name = "changed" }
		if err := h.Update(e, change); err == nil || !strings.Contains(err.Error(), "another program holds") {
			t.Errorf("err = %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = folder.Close() })
		if err := h.Update(e, change); err != nil {
			t.Error(err)
		}
	})
}

func TestRenewedIsChecked(t *testing.T) {
	h := newHome(t)
	e := enrolled(t, h)
	old, err := e.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	foreign := hubtest.NewCA(time.Now())
	now := time.Now()
	for want, text := range map[string]string{
		"not one certificate": "hello",
		"does not verify":     foreign.Client(e.Kiosk, old.PublicKey, now, now.AddDate(1, 0, 0)),
		"another key":         foreign.Client(e.Kiosk, foreign.Cert.PublicKey, now, now.AddDate(1, 0, 0)),
		"another kiosk":       foreign.Client("k-b", old.PublicKey, now, now.AddDate(1, 0, 0)),
	} {
		if _, err := identity.Renewed(e, text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err %v, want %q", err, want)
		}
	}
	if until, err := identity.Renewed(e, e.ClientCert, now); err != nil || !until.Equal(old.NotAfter) {
		t.Errorf("the present one: %v, %v", until, err)
	}
}
