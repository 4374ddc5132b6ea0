// Package wire is what travels between a kiosk and the hub: canonical
// documents that a card signs, sealed submissions, signed acknowledgements and
// the interactive calls. Both sides use these types and no others.
//
// Submissions are sealed to the hub's public key before they are stored, so a
// kiosk cannot read its own queue. An [Ack] can only be had from [AckVerifier.Verify].
package wire

import (
	"time"

	"kioskd/internal/fault"
)

// Kind of a submission.
type Kind string

// The kinds.
const (
	KindIssuance    Kind = "issuance"    // record that an ID and code were handed out
	KindReservation Kind = "reservation" // signed by the card
	KindApplication Kind = "application" // signed by the card, irrevocable
	KindInquiry     Kind = "inquiry"     // signed by the card, interactive, never queued
)

// Schema is the version of document and submission formats.
const Schema = 1

// Document is what a card signs: its canonical encoding is hashed with SHA-256.
// Exactly one of the contents is set, the one that Kind names.
type Document struct {
	Schema      int          `json:"schema"`
	Kind        Kind         `json:"kind"`
	Kiosk       string       `json:"kiosk"`
	Time        time.Time    `json:"time"`  // UTC, whole seconds, the kiosk's clock
	Nonce       string       `json:"nonce"` // 16 random bytes, base64url without padding
	Reservation *Reservation `json:"reservation,omitempty"`
	Application *Application `json:"application,omitempty"`
	Inquiry     *Inquiry     `json:"inquiry,omitempty"`
}

// Reservation asks for a MyKey ID. The card's certificate says for whom.
type Reservation struct {
	Guardian bool `json:"guardian"` // a legal guardian acts for a child under 15
}

// Application links the person's reservation to one payment service, for good.
type Application struct {
	Service    string    `json:"service"`     // catalogue ID
	ServiceID  string    `json:"service_id"`  // 決済サービスID
	Codes      []Private `json:"codes"`       // セキュリティコード, one to three
	PhoneLast4 Private   `json:"phone_last4"` // "" for services that do not ask for it
	Terms      string    `json:"terms"`       // version of the terms that were accepted
	Guardian   bool      `json:"guardian"`
}

// Inquiry asks where the person stands.
type Inquiry struct{}

// Signed is a document with the card's signature over SHA-256(Document).
type Signed struct {
	Document    []byte `json:"document"`    // canonical bytes, exactly as signed
	Signature   []byte `json:"signature"`   // RSASSA-PKCS1-v1_5 or ECDSA by the certificate's key
	Certificate []byte `json:"certificate"` // DER of the user-authentication certificate
}

// Issuance is the record of an ID and code handed out at this kiosk.
type Issuance struct {
	Kiosk    string    `json:"kiosk"`
	Time     time.Time `json:"time"`
	IssueRef string    `json:"issue_ref"` // as the issuer's answer gave it
	Service  string    `json:"service"`
}

// Payload is the clear content of a submission.
type Payload struct {
	Schema   int       `json:"schema"`
	Kind     Kind      `json:"kind"`
	Signed   *Signed   `json:"signed,omitempty"`   // reservation, application
	Issuance *Issuance `json:"issuance,omitempty"` // issuance
}

// Submission is a sealed payload as it stands in the outbox and as PUT
// /v1/submissions/{id} carries it.
type Submission struct {
	ID     string `json:"id"` // 26 characters, a ULID; the idempotency key
	Kiosk  string `json:"kiosk"`
	Schema int    `json:"schema"`
	KeyID  string `json:"key_id"` // which of the hub's seal keys
	Sealed []byte `json:"sealed"` // encapsulated key ‖ ciphertext
}

// Verdict is what the hub has to say about the content of a stored submission.
type Verdict struct {
	Accepted bool       `json:"accepted"`
	Code     fault.Code `json:"code,omitempty"`     // why not accepted: already_applied, not_reserved, service_id_wrong, document_refused …
	MyKeyID  Private    `json:"mykey_id,omitempty"` // reservations
	// CompleteBy is when registration is expected to be complete (applications).
	CompleteBy time.Time `json:"complete_by,omitzero"`
}

// AckBody is what the hub signs once a submission is durably stored.
type AckBody struct {
	Schema   int       `json:"schema"`
	ID       string    `json:"id"`
	Hash     []byte    `json:"hash"` // SHA-256 of Submission.Sealed
	Kiosk    string    `json:"kiosk"`
	StoredAt time.Time `json:"stored_at"`
	Verdict  Verdict   `json:"verdict"`
}

// SignedAck is an acknowledgement on the wire.
type SignedAck struct {
	KeyID string `json:"key_id"`
	Body  []byte `json:"body"` // JSON of AckBody, exactly as signed
	Sig   []byte `json:"sig"`  // Ed25519 over "kioskd ack v1\x00" ‖ Body
}
