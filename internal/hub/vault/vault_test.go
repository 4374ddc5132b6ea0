package vault_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
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

func key(b byte) []byte { return bytes.Repeat([]byte{b}, vault.KeySize) }

// Keys change: the present one seals, all of the ring open, and who was tagged
// before is recognised after.
func TestKeysChange(t *testing.T) {
	tag, err := vault.TagKey(key(1))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(key(1))
	if err != nil {
		t.Fatal(err)
	}
	first, person := v.Seal("x", []byte("first")), v.Tag("person", []byte("somebody"))
	must := func(r vault.Ring) {
		t.Helper()
		if err := v.Replace(r); err != nil {
			t.Fatal(err)
		}
	}
	must(vault.Ring{Present: key(2), Others: [][]byte{key(1)}, Oldest: key(1), Tag: tag})
	second := v.Seal("x", []byte("second"))
	for want, sealed := range map[string][]byte{"first": first, "second": second} {
		if got, err := v.Open("x", sealed); err != nil || string(got) != want {
			t.Errorf("%s opens as %q (%v)", want, got, err)
		}
	}
	if v.Tag("person", []byte("somebody")) != person {
		t.Error("a change of keys changed the keyed hashes")
	}
	one, _ := vault.KeyID(key(1))
	two, _ := vault.KeyID(key(2))
	if vault.SealedWith(first) != one || vault.SealedWith(second) != two || v.Present() != two || !v.Holds(one) {
		t.Errorf("sealed with %s and %s, present %s", vault.SealedWith(first), vault.SealedWith(second), v.Present())
	}
	if !bytes.HasPrefix(second, v.Prefix()) || bytes.HasPrefix(first, v.Prefix()) {
		t.Error("the prefix does not tell keys apart")
	}
	// The name of a key is bound in: it cannot be exchanged.
	forged := append(bytes.Clone(second[:vault.PrefixSize]), first[vault.PrefixSize:]...)
	if _, err := v.Open("x", forged); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("under another key's name: %v", err)
	}
	must(vault.Ring{Present: key(2), Tag: tag})
	if _, err := v.Open("x", first); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("without its key: %v", err)
	}
}

// What the first version sealed has no key's name and opens with the oldest key.
func TestValuesOfTheFirstVersion(t *testing.T) {
	// nonce ‖ AES-256-GCM, under HKDF-SHA256(key of sevens, "kioskd hub vault seal v1"), for the purpose "phone".
	enc, err := hkdf.Key(sha256.New, key(7), nil, "kioskd hub vault seal v1", vault.KeySize)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, aead.NonceSize())
	old := aead.Seal(nonce, nonce, []byte("09012345678"), []byte("phone"))
	for name, r := range map[string]vault.Ring{
		"alone":   {Present: key(7), Tag: key(0)},
		"rotated": {Present: key(8), Others: [][]byte{key(7)}, Oldest: key(7), Tag: key(0)},
	} {
		v, err := vault.Open(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Open("phone", old); err != nil || string(got) != "09012345678" {
			t.Errorf("%s: %q (%v)", name, got, err)
		}
		if vault.SealedWith(old) != "" {
			t.Error("it names a key")
		}
	}
}

func TestKeysAreNotLogged(t *testing.T) {
	r := vault.Ring{Present: key('A'), Tag: key('B')}
	v, err := vault.Open(r)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %+v %#v %s %v", r, r, r, v, v); strings.Contains(s, "AAA") || strings.Contains(s, "65") || !strings.Contains(s, "***") {
		t.Errorf("logged as %s", s)
	}
}
