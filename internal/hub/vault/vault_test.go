package vault_test

import (
	"bytes"
	"errors"
	"testing"

	"kioskd/internal/hub/vault"
)

func TestVault(t *testing.T) {
	a, err := vault.New(make([]byte, vault.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	b, err := vault.New(bytes.Repeat([]byte{1}, vault.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	sealed := a.Seal("x", []byte("clear"))
	if got, err := a.Open("x", sealed); err != nil || string(got) != "clear" {
		t.Errorf("opened %q (%v)", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return a.Open("y", sealed) },
		"other key":     func() ([]byte, error) { return b.Open("x", sealed) },
		"changed":       func() ([]byte, error) { return a.Open("x", changed) },
		"short":         func() ([]byte, error) { return a.Open("x", sealed[:5]) },
	} {
		if _, err := open(); !errors.Is(err, vault.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := a.Tag("x", nil); again != a.Tag("x", []byte{}) {
		t.Error("a tag is not stable")
	}
	if a.Tag("x", nil) == b.Tag("x", nil) || a.Tag("x", nil) == a.Tag("y", nil) {
		t.Error("tags do not tell keys and purposes apart")
	}
	if _, err := vault.New(nil); err == nil {
		t.Error("an empty key is accepted")
	}
}
