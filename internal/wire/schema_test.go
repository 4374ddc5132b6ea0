package wire

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"
)

// What a later version means by a message nobody here knows: it is not taken for one of
// this version, whoever has signed or sealed it.
func TestNoOtherSchemaIsTaken(t *testing.T) {
	seal := mustSealKey(t)
	signer, err := NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	key := AckKeyOf(signer.Public().(ed25519.PublicKey))
	v, err := NewAckVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	for schema, taken := range map[int]bool{Schema: true, Schema - 1: false, Schema + 1: false, -Schema: false} {
		s := Submission{ID: NewSubmissionID(), Kiosk: "kiosk-1", Schema: schema, KeyID: seal.ID()}
		plain, err := padded(somePayload(t))
		if err != nil {
			t.Fatal(err)
		}
		if s.Sealed, err = seal.Public().seal(sealInfo(s), plain); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(seal, s); (err == nil) != taken || !taken && !errors.Is(err, ErrUnsealable) {
			t.Errorf("schema %d: opened: %v", schema, err)
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeSubmission(b); (err == nil) != taken || !taken && !errors.Is(err, ErrMalformed) {
			t.Errorf("schema %d: decoded: %v", schema, err)
		}
		body := someAck()
		body.Schema = schema
		if b, err = encode(body); err != nil {
			t.Fatal(err)
		}
		ack := SignedAck{KeyID: key.ID, Body: b, Sig: ed25519.Sign(signer, ackMessage(b))}
		if got, err := v.Verify(ack, body.ID, body.Hash, body.Kiosk); got.Proven() != taken || !taken && !errors.Is(err, ErrAck) {
			t.Errorf("schema %d: acknowledged: %v", schema, err)
		}
		p := somePayload(t)
		p.Schema = schema
		if b, err = encode(p); err != nil {
			t.Fatal(err)
		}
		if b, err = pad(b); err != nil {
			t.Fatal(err)
		}
		if _, err := unpadded(b); (err == nil) != taken || !taken && !errors.Is(err, ErrMalformed) {
			t.Errorf("schema %d: payload read: %v", schema, err)
		}
	}
}

// The padding is zeros and nothing else: what is bound by the seal, and looked at by
// nobody, would be a place to hide something in.
func TestPaddingHidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b []byte, end int)
		taken  bool
	}{
		"as it is":          {func([]byte, int) {}, true},
		"its first byte":    {func(b []byte, end int) { b[end] = 1 }, false},
		"its last byte":     {func(b []byte, _ int) { b[len(b)-1] = 1 }, false},
		"a space":           {func(b []byte, end int) { b[end] = ' ' }, false},
		"longer than it is": {func(b []byte, _ int) { b[0] = 1 }, false},
	} {
		p := somePayload(t)
		text, err := encode(p)
		if err != nil {
			t.Fatal(err)
		}
		end := lengthPrefix + len(text)
		b, err := pad(text)
		if err != nil {
			t.Fatal(err)
		}
		c.change(b, end)
		if _, err := unpadded(b); (err == nil) != c.taken || !c.taken && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
