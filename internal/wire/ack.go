package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

const (
	ackContext      = "kioskd ack v1\x00"
	ackKeyIDContext = "kioskd ack key v1\x00"
	maxAckBody      = 4 << 10
)

// ErrAck says that an acknowledgement proves nothing: wrong key, wrong
// signature, or it speaks of something else.
var ErrAck = errors.New("cannot accept acknowledgement")

// AckKey is one public key that a kiosk trusts for acknowledgements.
type AckKey struct {
	ID  string `json:"id"`
	Key []byte `json:"key"` // Ed25519, 32 bytes
}

// NewAckKey makes a signing key for a hub.
func NewAckKey() (ed25519.PrivateKey, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make acknowledgement key: %w", err)
	}
	return priv, nil
}

// AckKeyOf gives the trusted form of a public key; its ID is a hash of it.
func AckKeyOf(pub ed25519.PublicKey) AckKey {
	sum := sha256.Sum256(append([]byte(ackKeyIDContext), pub...))
	return AckKey{ID: "ack-" + hex.EncodeToString(sum[:8]), Key: pub}
}

// SignAck signs body as the hub, after the submission is durably stored.
func SignAck(priv ed25519.PrivateKey, keyID string, body AckBody) (SignedAck, error) {
	if len(priv) != ed25519.PrivateKeySize {
		return SignedAck{}, errors.New("cannot sign acknowledgement: no key")
	}
	if err := body.validate(); err != nil {
		return SignedAck{}, fmt.Errorf("cannot sign acknowledgement: %w", err)
	}
	b, err := encode(body)
	if err != nil {
		return SignedAck{}, err
	}
	if len(b) > maxAckBody {
		return SignedAck{}, errors.New("cannot sign acknowledgement: it is too long")
	}
	return SignedAck{KeyID: keyID, Body: b, Sig: ed25519.Sign(priv, ackMessage(b))}, nil
}

// DecodeSignedAck reads the answer to a PUT. It proves nothing yet.
func DecodeSignedAck(b []byte) (SignedAck, error) {
	s, err := Decode[SignedAck](b)
	if err != nil {
		return SignedAck{}, fmt.Errorf("cannot decode acknowledgement: %w", err)
	}
	if len(s.Body) == 0 || len(s.Body) > maxAckBody || len(s.Sig) != ed25519.SignatureSize {
		return SignedAck{}, fmt.Errorf("cannot decode acknowledgement: %w: wrong lengths", ErrMalformed)
	}
	return s, nil
}

// Ack is the proof that the hub has durably stored one submission. It cannot be
// had but from AckVerifier.Verify; the zero Ack proves nothing.
type Ack struct {
	proven bool
	body   AckBody
}

// Proven is false for the zero Ack only.
func (a Ack) Proven() bool { return a.proven }

// ID of the submission that is stored.
func (a Ack) ID() string { return a.body.ID }

// HashIs reports whether the acknowledgement is for content of this hash.
func (a Ack) HashIs(hash []byte) bool {
	return a.proven && subtle.ConstantTimeCompare(a.body.Hash, hash) == 1
}

// Verdict is what the hub has to say about the content.
func (a Ack) Verdict() Verdict { return a.body.Verdict }

// StoredAt is the hub's time of storing.
func (a Ack) StoredAt() time.Time { return a.body.StoredAt }

// AckVerifier holds the keys that are trusted. It is safe for concurrent use.
type AckVerifier struct{ keys map[string]ed25519.PublicKey }

// NewAckVerifier trusts keys and no others.
func NewAckVerifier(keys ...AckKey) (*AckVerifier, error) {
	v := &AckVerifier{keys: make(map[string]ed25519.PublicKey, len(keys))}
	for _, k := range keys {
		if err := k.validate(); err != nil {
			return nil, err
		}
		v.keys[k.ID] = ed25519.PublicKey(k.Key)
	}
	if len(v.keys) == 0 {
		return nil, errors.New("cannot verify acknowledgements: no trusted key")
	}
	return v, nil
}

func (k AckKey) validate() error {
	if len(k.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("acknowledgement key is not %d bytes", ed25519.PublicKeySize)
	}
	if want := AckKeyOf(k.Key).ID; k.ID != want {
		return fmt.Errorf("acknowledgement key is named %q, its hash says %q", k.ID, want)
	}
	return nil
}

// Knows reports whether a key with this ID is trusted.
func (v *AckVerifier) Knows(id string) bool { return v.keys[id] != nil }

// Verify accepts s only when a trusted key signed it and it speaks of this
// submission, this content and this kiosk.
func (v *AckVerifier) Verify(s SignedAck, wantID string, wantHash []byte, wantKiosk string) (Ack, error) {
	key, ok := v.keys[s.KeyID]
	if !ok {
		return Ack{}, fmt.Errorf("%w: its key is not trusted", ErrAck)
	}
	if len(s.Body) > maxAckBody || !ed25519.Verify(key, ackMessage(s.Body), s.Sig) {
		return Ack{}, fmt.Errorf("%w: the signature is wrong", ErrAck)
	}
	body, err := Decode[AckBody](s.Body)
	if err != nil {
		return Ack{}, fmt.Errorf("%w: %w", ErrAck, err)
	}
	if err := body.validate(); err != nil {
		return Ack{}, fmt.Errorf("%w: %w", ErrAck, err)
	}
	switch {
	case body.ID != wantID:
		return Ack{}, fmt.Errorf("%w: it is for another submission", ErrAck)
	case subtle.ConstantTimeCompare(body.Hash, wantHash) != 1:
		return Ack{}, fmt.Errorf("%w: it is for other content", ErrAck)
	case body.Kiosk != wantKiosk:
		return Ack{}, fmt.Errorf("%w: it is for another kiosk", ErrAck)
	}
	return Ack{proven: true, body: body}, nil
}

func (b AckBody) validate() error {
	switch {
	case b.Schema != Schema:
		return fmt.Errorf("schema %d is not %d", b.Schema, Schema)
	case !ValidID(b.ID):
		return errors.New("id is not a submission ID")
	case len(b.Hash) != sha256.Size:
		return fmt.Errorf("hash is not %d bytes", sha256.Size)
	case b.Verdict.Accepted && b.Verdict.Code != "":
		return errors.New("accepted, and yet a reason why not")
	case !b.Verdict.Accepted && b.Verdict.Code == "":
		return errors.New("not accepted, and no reason")
	}
	return checkName("kiosk", b.Kiosk)
}

func ackMessage(body []byte) []byte { return append([]byte(ackContext), body...) }
