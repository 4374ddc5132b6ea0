// Package vault keeps short personal data unreadable in the hub's database:
// [Vault.Seal] encrypts what must come back, [Vault.Tag] replaces what only has
// to be recognised again by a keyed hash.
//
// What is sealed names its key, so that keys can be changed: the present one
// seals, and every key of the [Ring] opens. The key of the keyed hashes is apart
// from them and stays for ever, for with another one no person, card or phone
// would be recognised again.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"

	"kioskd/internal/secret"
)

// KeySize is the length of a vault's keys in bytes.
const KeySize = 32

// PrefixSize is how many bytes at the beginning of a sealed value name its key.
const PrefixSize = len(magic) + idSize

const (
	// magic begins every value but those of the first version, which begin with
	// their nonce: random bytes, that no prefix is taken for.
	magic  = "KV2"
	idSize = 8
)

// Errors of opening.
var (
	// ErrOpen says that a value was not sealed by this vault for this purpose.
	ErrOpen = errors.New("cannot open sealed value")
	// ErrNoKey says that a value is sealed with a key that the vault does not hold.
	// It is an ErrOpen.
	ErrNoKey = fmt.Errorf("%w: its key is not in this vault", ErrOpen)
)

// Ring is what a vault is made of.
type Ring struct {
	Present []byte   // seals
	Others  [][]byte // open as well: earlier ones, and the next
	Oldest  []byte   // opens what was sealed before values named their keys; nil = Present
	Tag     []byte   // of keyed hashes; see TagKey
}

// TagKey is the key of keyed hashes that hubs derived from their first key, before
// the two were apart.
func TagKey(first []byte) ([]byte, error) { return derive(first, "kioskd hub vault tag v1", KeySize) }

// KeyID names a key: a hash of it that tells nothing about it.
func KeyID(master []byte) (string, error) {
	id, err := derive(master, "kioskd hub vault id v1", idSize)
	if err != nil {
		return "", err
	}
	return "vault-" + hex.EncodeToString(id), nil
}

// Vault seals and tags. It is safe for concurrent use, also while its ring is replaced.
type Vault struct{ ring atomic.Pointer[ring] }

type ring struct {
	present string // prefix
	aeads   map[string]cipher.AEAD
	oldest  cipher.AEAD
	tag     []byte
}

// New makes a vault of one key, from which all others are derived.
func New(master []byte) (*Vault, error) {
	tag, err := TagKey(master)
	if err != nil {
		return nil, err
	}
	return Open(Ring{Present: master, Tag: tag})
}

// Open makes a vault of a ring.
func Open(r Ring) (*Vault, error) {
	v := &Vault{}
	return v, v.Replace(r)
}

// Replace changes the ring. What was sealed with a key that is no longer in it
// does not open any more.
func (v *Vault) Replace(r Ring) error {
	if len(r.Tag) != KeySize {
		return fmt.Errorf("cannot make vault: key of keyed hashes has %d bytes, not %d", len(r.Tag), KeySize)
	}
	n := &ring{aeads: map[string]cipher.AEAD{}, tag: bytes.Clone(r.Tag)}
	for i, master := range append([][]byte{r.Present}, r.Others...) {
		prefix, aead, err := cipherOf(master)
		if err != nil {
			return err
		}
		if i == 0 {
			n.present, n.oldest = prefix, aead
		}
		n.aeads[prefix] = aead
	}
	if r.Oldest != nil {
		_, aead, err := cipherOf(r.Oldest)
		if err != nil {
			return err
		}
		n.oldest = aead
	}
	v.ring.Store(n)
	return nil
}

func cipherOf(master []byte) (prefix string, aead cipher.AEAD, err error) {
	enc, err := derive(master, "kioskd hub vault seal v1", KeySize)
	if err != nil {
		return "", nil, err
	}
	id, err := derive(master, "kioskd hub vault id v1", idSize)
	if err != nil {
		return "", nil, err
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return "", nil, fmt.Errorf("cannot make cipher: %w", err)
	}
	aead, err = cipher.NewGCM(block)
	if err != nil {
		return "", nil, fmt.Errorf("cannot make cipher: %w", err)
	}
	return magic + string(id), aead, nil
}

func derive(master []byte, purpose string, n int) ([]byte, error) {
	if len(master) != KeySize {
		return nil, fmt.Errorf("cannot make vault: key has %d bytes, not %d", len(master), KeySize)
	}
	b, err := hkdf.Key(sha256.New, master, nil, purpose, n)
	if err != nil {
		return nil, fmt.Errorf("cannot derive key: %w", err)
	}
	return b, nil
}

// Seal encrypts plain with the present key. The purpose is bound in: a value that
// was sealed for one column or row does not open in another.
func (v *Vault) Seal(purpose string, plain []byte) []byte {
	r := v.ring.Load()
	aead := r.aeads[r.present]
	out := make([]byte, PrefixSize+aead.NonceSize(), PrefixSize+aead.NonceSize()+len(plain)+aead.Overhead())
	copy(out, r.present)
	_, _ = rand.Read(out[PrefixSize:]) // never fails
	return aead.Seal(out, out[PrefixSize:], plain, []byte(r.present+purpose))
}

// Open decrypts what Seal made for the same purpose, with whichever key of the ring.
func (v *Vault) Open(purpose string, sealed []byte) ([]byte, error) {
	r := v.ring.Load()
	prefix, rest, known := split(sealed)
	aead, held := r.aeads[prefix]
	switch {
	case held:
		purpose = prefix + purpose
	case known:
		return nil, fmt.Errorf("%w: %s", ErrNoKey, idOf(prefix))
	default: // of the first version
		aead, rest = r.oldest, sealed
	}
	if len(rest) < aead.NonceSize() {
		return nil, ErrOpen
	}
	plain, err := aead.Open(secret.Room(len(rest)), rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(purpose))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// split tells the key's name from the rest, where there is one.
func split(sealed []byte) (prefix string, rest []byte, known bool) {
	if len(sealed) < PrefixSize || string(sealed[:len(magic)]) != magic {
		return "", nil, false
	}
	return string(sealed[:PrefixSize]), sealed[PrefixSize:], true
}

func idOf(prefix string) string { return "vault-" + hex.EncodeToString([]byte(prefix[len(magic):])) }

// Present is the ID of the key that seals.
func (v *Vault) Present() string { return idOf(v.ring.Load().present) }

// Holds says whether the vault opens what is sealed with this key.
func (v *Vault) Holds(id string) bool {
	_, ok := v.ring.Load().aeads[prefixOf(id)]
	return ok
}

// Prefix is how values begin that are sealed with the present key.
func (v *Vault) Prefix() []byte { return []byte(v.ring.Load().present) }

// SealedWith gives the ID of the key of a sealed value; "" for one of the first version.
func SealedWith(sealed []byte) string {
	prefix, _, known := split(sealed)
	if !known {
		return ""
	}
	return idOf(prefix)
}

func prefixOf(id string) string {
	b, err := hex.DecodeString(id[min(len("vault-"), len(id)):])
	if err != nil {
		return ""
	}
	return magic + string(b)
}

// Tag is a keyed hash in hex: equal values give equal tags, and nobody without
// the key can try out card or phone numbers against it.
func (v *Vault) Tag(purpose string, value []byte) (tag string) {
	secret.Aside(func() {
		m := hmac.New(sha256.New, v.ring.Load().tag)
		m.Write([]byte(purpose))
		m.Write([]byte{0})
		m.Write(value)
		tag = hex.EncodeToString(m.Sum(nil))
	})
	return tag
}

// Format keeps the keys out of logs in every verb.
func (*Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// Format keeps the keys out of logs in every verb.
func (Ring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }
