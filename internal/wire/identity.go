package wire

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
)

// Paths of identity and push. See docs/PROTOCOL.md.
const (
	PathEnrol   = "/v1/enrol"   // POST EnrolRequest → Enrolled; no client certificate, ALPNEnrol
	PathRenew   = "/v1/renew"   // POST RenewRequest → Renewed; over the present certificate
	PathDesired = "/v1/desired" // GET → Desired
	PathLink    = "/v1/link"    // WebSocket: LinkMessage from the hub, nothing but pongs from the kiosk
)

// ALPNEnrol is what a kiosk without a certificate asks for when it connects: the
// hub then takes EnrolRequest and nothing else. All other connections need a
// client certificate.
const ALPNEnrol = "kioskd-enrol/1"

// HeaderRun names the start of the daemon that opens a link: two links of one
// kiosk with different runs, both alive, are two machines with one identity.
const HeaderRun = "Kioskd-Run"

// kioskIDChars is the length of what follows k- in a kiosk's ID: 128 bits.
const kioskIDChars = 26

// KioskID is the ID of the kiosk with this public key (DER of its
// SubjectPublicKeyInfo). It stays the same when certificates are renewed.
func KioskID(spki []byte) string {
	sum := sha256.Sum256(append([]byte("kioskd kiosk id v1\x00"), spki...))
	enc := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	return "k-" + strings.ToLower(enc[:kioskIDChars])
}

// EnrolRequest asks for a certificate for the key that signed CSR.
type EnrolRequest struct {
	Token []byte `json:"token"` // of the pairing code
	CSR   []byte `json:"csr"`   // PKCS #10, DER: proves that the kiosk has the key
}

// Enrolled is the answer: everything of an Enrolment but what the kiosk knows.
type Enrolled struct {
	Kiosk      string  `json:"kiosk"` // KioskID of the key
	ClientCert string  `json:"client_cert"`
	Desired    Desired `json:"desired"`
	// Sandbox says that behind the hub nothing is real: see Enrolment.
	Sandbox bool `json:"sandbox,omitempty"`
}

// RenewRequest asks for a new certificate for the same key.
type RenewRequest struct {
	CSR []byte `json:"csr"`
}

// Renewed is the new certificate, in PEM.
type Renewed struct {
	ClientCert string `json:"client_cert"`
}

// Desired is what the hub wants a kiosk to be. The kiosk looks when the hub says
// so over the link, at each start, and now and then: the hint may be lost.
type Desired struct {
	Revision  string   `json:"revision"` // hash of all that follows
	Name      string   `json:"name"`     // as operators call the kiosk
	SealKeyID string   `json:"seal_key_id"`
	SealKey   []byte   `json:"seal_key"`
	AckKeys   []AckKey `json:"ack_keys"` // the present one first
}

// LinkKind says what a LinkMessage is about.
type LinkKind string

// The kinds of messages over the link. A kiosk ignores kinds that it does not know.
const (
	LinkLook    LinkKind = "look"    // Desired may have changed
	LinkRevoked LinkKind = "revoked" // the link closes: this identity is no longer accepted
	LinkDrain   LinkKind = "drain"   // this hub ends: connect again, after AfterMS
)

// LinkMessage is one push of the hub. It is a hint: what it speaks of is read
// over the API.
type LinkMessage struct {
	Kind    LinkKind `json:"kind"`
	AfterMS int      `json:"after_ms,omitempty"`
}

// RenewalDue is when a certificate with this life is to be renewed: when two
// thirds of its life are over.
func RenewalDue(notBefore, notAfter time.Time) time.Time {
	return notBefore.Add(notAfter.Sub(notBefore) / 3 * 2)
}
