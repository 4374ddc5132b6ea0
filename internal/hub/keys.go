package hub

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"

	"kioskd/internal/wire"
)

// Keys are what the hub opens submissions and signs acknowledgements with.
type Keys struct {
	Seal   map[string]wire.SealPrivateKey // by key ID: the present one, the next, earlier ones
	SealTo string                         // ID of the present one, which kiosks seal to
	Ack    ed25519.PrivateKey             // the present one
	Acks   []wire.AckKey                  // that kiosks trust: the present one first, the next, earlier ones
}

// Offer is what kiosks get: the key to seal to, and the keys whose
// acknowledgements count, the present one first.
func (k Keys) Offer() (sealKeyID string, sealKey []byte, acks []wire.AckKey) {
	present := k.Seal[k.SealTo]
	return present.ID(), present.Public().Bytes(), k.Acks
}

// sign makes the acknowledgement that is stored with a submission.
func (k Keys) sign(body wire.AckBody) ([]byte, error) {
	ack, err := wire.SignAck(k.Ack, wire.AckKeyOf(k.Ack.Public().(ed25519.PublicKey)).ID, body)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(ack)
	if err != nil {
		return nil, fmt.Errorf("cannot encode acknowledgement: %w", err)
	}
	return b, nil
}

// current gives a stored acknowledgement as it is to be answered. One that was
// signed with a key which has been retired since is signed anew, word for word:
// kiosks no longer know that key, and would hand over for ever.
func (k Keys) current(stored []byte) ([]byte, error) {
	ack, err := wire.DecodeSignedAck(stored)
	if err != nil {
		return nil, fmt.Errorf("cannot read stored acknowledgement: %w", err)
	}
	if slices.ContainsFunc(k.Acks, func(a wire.AckKey) bool { return a.ID == ack.KeyID }) {
		return stored, nil
	}
	body, err := wire.Decode[wire.AckBody](ack.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read stored acknowledgement: %w", err)
	}
	return k.sign(body)
}
