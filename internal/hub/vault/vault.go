// Package vault keeps short personal data unreadable in the hub's database:
// [Vault.Seal] encrypts what must come back, [Vault.Tag] replaces what only has
// to be recognised again by a keyed hash.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// KeySize is the length of a vault's key in bytes.
const KeySize = 32

// ErrOpen says that a value was not sealed by this vault for this purpose.
var ErrOpen = errors.New("cannot open sealed value")

// Vault seals and tags with keys derived from one master key. It is safe for
// concurrent use.
type Vault struct {
	aead cipher.AEAD
	tag  []byte
}

// New makes a vault from a master key of KeySize bytes.
func New(master []byte) (*Vault, error) {
	if len(master) != KeySize {
		return nil, fmt.Errorf("cannot make vault: key has %d bytes, not %d", len(master), KeySize)
	}
	enc, err := hkdf.Key(sha256.New, master, nil, "kioskd hub vault seal v1", KeySize)
	if err != nil {
		return nil, fmt.Errorf("cannot derive key: %w", err)
	}
	tag, err := hkdf.Key(sha256.New, master, nil, "kioskd hub vault tag v1", KeySize)
	if err != nil {
		return nil, fmt.Errorf("cannot derive key: %w", err)
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return nil, fmt.Errorf("cannot make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("cannot make cipher: %w", err)
	}
	return &Vault{aead: aead, tag: tag}, nil
}

// Seal encrypts plain. The purpose is bound in: a value that was sealed for one
// column does not open in another.
func (v *Vault) Seal(purpose string, plain []byte) []byte {
	nonce := make([]byte, v.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return v.aead.Seal(nonce, nonce, plain, []byte(purpose))
}

// Open decrypts what Seal made for the same purpose.
func (v *Vault) Open(purpose string, sealed []byte) ([]byte, error) {
	n := v.aead.NonceSize()
	if len(sealed) < n {
		return nil, ErrOpen
	}
	plain, err := v.aead.Open(nil, sealed[:n], sealed[n:], []byte(purpose))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Tag is a keyed hash in hex: equal values give equal tags, and nobody without
// the key can try out card or phone numbers against it.
func (v *Vault) Tag(purpose string, value []byte) string {
	m := hmac.New(sha256.New, v.tag)
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(value)
	return hex.EncodeToString(m.Sum(nil))
}
