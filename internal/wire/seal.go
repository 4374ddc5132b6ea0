package wire

import (
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxSealed is the largest Submission.Sealed: the last bucket, the encapsulated
// key and the authentication tag.
const MaxSealed = 32<<10 + 1136

const (
	sealContext  = "kioskd submission v1"
	keyIDContext = "kioskd seal key v1\x00"
)

// ErrUnsealable says that a submission was not sealed for this key, this kiosk
// and this ID, or was changed since.
var ErrUnsealable = errors.New("cannot open submission")

// The suite is fixed for schema 1: X25519 with ML-KEM-768, HKDF-SHA256, AES-256-GCM.
func sealSuite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.MLKEM768X25519(), hpke.HKDFSHA256(), hpke.AES256GCM()
}

// SealPublicKey is what kiosks seal to. The zero value seals nothing.
type SealPublicKey struct {
	id  string
	key hpke.PublicKey
}

// SealPrivateKey opens what was sealed to its public half.
type SealPrivateKey struct {
	pub SealPublicKey
	key hpke.PrivateKey
}

// NewSealKey makes a key for a hub.
func NewSealKey() (SealPrivateKey, error) {
	kem, _, _ := sealSuite()
	k, err := kem.GenerateKey()
	if err != nil {
		return SealPrivateKey{}, fmt.Errorf("cannot make seal key: %w", err)
	}
	return privateOf(k), nil
}

// ParseSealPublicKey reads what SealPublicKey.Bytes gave.
func ParseSealPublicKey(b []byte) (SealPublicKey, error) {
	kem, _, _ := sealSuite()
	k, err := kem.NewPublicKey(b)
	if err != nil {
		return SealPublicKey{}, fmt.Errorf("cannot read seal public key: %w", err)
	}
	return publicOf(k), nil
}

// ParseSealPrivateKey reads what SealPrivateKey.Bytes gave.
func ParseSealPrivateKey(b []byte) (SealPrivateKey, error) {
	kem, _, _ := sealSuite()
	k, err := kem.NewPrivateKey(b)
	if err != nil {
		return SealPrivateKey{}, errors.New("cannot read seal private key")
	}
	return privateOf(k), nil
}

func publicOf(k hpke.PublicKey) SealPublicKey {
	sum := sha256.Sum256(append([]byte(keyIDContext), k.Bytes()...))
	return SealPublicKey{id: "seal-" + hex.EncodeToString(sum[:8]), key: k}
}

func privateOf(k hpke.PrivateKey) SealPrivateKey {
	return SealPrivateKey{pub: publicOf(k.PublicKey()), key: k}
}

// ID names the key: a hash of it.
func (k SealPublicKey) ID() string { return k.id }

// Bytes serialises the key.
func (k SealPublicKey) Bytes() []byte {
	if k.key == nil {
		return nil
	}
	return k.key.Bytes()
}

// ID names the key: a hash of its public half.
func (k SealPrivateKey) ID() string { return k.pub.id }

// Public is the half that kiosks get.
func (k SealPrivateKey) Public() SealPublicKey { return k.pub }

// Bytes serialises the private key, for the hub's key store.
func (k SealPrivateKey) Bytes() ([]byte, error) {
	if k.key == nil {
		return nil, errors.New("cannot serialise an empty seal key")
	}
	return k.key.Bytes()
}

// Format keeps the key out of logs in every verb.
func (SealPrivateKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("***")) }

// Seal encrypts p to the hub. Kiosk, id, schema and key are bound in: the result
// opens under no other. Only the size class of p can be seen from outside.
func Seal(pub SealPublicKey, kiosk, id string, p Payload) (Submission, error) {
	if pub.key == nil {
		return Submission{}, errors.New("cannot seal: no key")
	}
	s := Submission{ID: id, Kiosk: kiosk, Schema: Schema, KeyID: pub.id}
	if !ValidID(id) {
		return Submission{}, errors.New("cannot seal: not a submission ID")
	}
	if err := checkName("kiosk", kiosk); err != nil {
		return Submission{}, fmt.Errorf("cannot seal: %w", err)
	}
	plain, err := padded(p)
	if err != nil {
		return Submission{}, fmt.Errorf("cannot seal: %w", err)
	}
	if s.Sealed, err = pub.seal(sealInfo(s), plain); err != nil {
		return Submission{}, fmt.Errorf("cannot seal: %w", err)
	}
	return s, nil
}

// seal encrypts plain and clears it.
func (k SealPublicKey) seal(info, plain []byte) ([]byte, error) {
	defer clear(plain)
	_, kdf, aead := sealSuite()
	return hpke.Seal(k.key, kdf, aead, info, plain)
}

// Open decrypts s and checks its form. What the payload says (signature, chain,
// kiosk of the document) is for the caller to check.
func Open(priv SealPrivateKey, s Submission) (Payload, error) {
	if err := s.validate(); err != nil {
		return Payload{}, fmt.Errorf("%w: %w", ErrUnsealable, err)
	}
	if priv.key == nil || s.KeyID != priv.pub.id {
		return Payload{}, fmt.Errorf("%w: it is sealed to another key", ErrUnsealable)
	}
	_, kdf, aead := sealSuite()
	plain, err := hpke.Open(priv.key, kdf, aead, sealInfo(s), s.Sealed)
	if err != nil {
		return Payload{}, fmt.Errorf("%w: %w", ErrUnsealable, err)
	}
	defer clear(plain)
	return unpadded(plain)
}

// Hash is the content hash of s, which its acknowledgement names.
func (s Submission) Hash() []byte {
	sum := Digest(s.Sealed)
	return sum[:]
}

func (s Submission) validate() error {
	switch {
	case s.Schema != Schema:
		return fmt.Errorf("schema %d is not %d", s.Schema, Schema)
	case !ValidID(s.ID):
		return errors.New("id is not a submission ID")
	case len(s.Sealed) == 0 || len(s.Sealed) > MaxSealed:
		return errors.New("sealed is empty or too long")
	}
	if err := checkName("key_id", s.KeyID); err != nil {
		return err
	}
	return checkName("kiosk", s.Kiosk)
}

// sealInfo binds the outside of a submission to its inside. Every part carries
// its length, so that no two submissions share one context.
func sealInfo(s Submission) []byte {
	var b []byte
	for _, part := range []string{sealContext, s.Kiosk, s.ID, s.KeyID} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
		b = append(b, part...)
	}
	return binary.BigEndian.AppendUint32(b, uint32(s.Schema))
}
