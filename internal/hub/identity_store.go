package hub

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrInvitation is under every error that an invitation does not let in. Which
// one it was is for the operator's log; the kiosk learns only that it is refused.
var ErrInvitation = errors.New("cannot enrol")

// Why an invitation does not let in.
var (
	ErrInviteUnknown = fmt.Errorf("%w: there is no such pairing code", ErrInvitation)
	ErrInviteExpired = fmt.Errorf("%w: the pairing code has expired", ErrInvitation)
	ErrInviteUsed    = fmt.Errorf("%w: the pairing code was used before", ErrInvitation)
)

// IdentityStore keeps who may speak to the hub. The kiosk's row is the truth:
// every request is held against it.
type IdentityStore interface {
	// Invite stores an invitation, and forgets those that ended long ago.
	Invite(ctx context.Context, i Invitation) error
	// Enrol uses an invitation: marks it used, enrols its kiosk (or enrols it anew,
	// which lifts a revocation) and notes the certificate, all or nothing. Of
	// several keys with one invitation the first gets in; the others get one of the
	// errors above. The same key again, because the answer was lost, gets in until
	// the invitation ends, but then no revocation is lifted.
	Enrol(ctx context.Context, e Enrolment) (Kiosk, error)
	// Certify notes a further certificate of a kiosk, or gives ErrNotFound. The
	// last few of each kiosk are kept.
	Certify(ctx context.Context, c Certificate) error
	// Certificates lists the certificates of a kiosk, newest first.
	Certificates(ctx context.Context, kiosk string) ([]Certificate, error)
	// Revoke refuses a kiosk from now on and tells all hubs, or gives ErrNotFound.
	// When and why it was revoked first stays.
	Revoke(ctx context.Context, kiosk, reason string, at time.Time) error
	// Restore lifts a revocation and tells all hubs, or gives ErrNotFound.
	Restore(ctx context.Context, kiosk string) error
	// Revoked lists the kiosks that are revoked.
	Revoked(ctx context.Context) ([]string, error)
}

// Invitation is the right to enrol one kiosk, once. Only the hash of its token is
// stored.
type Invitation struct {
	TokenHash []byte
	Name      string // of the kiosk, for operators
	Made      time.Time
	Expires   time.Time
}

// Enrolment is what a kiosk asks for with an invitation.
type Enrolment struct {
	TokenHash   []byte
	KeyHash     []byte // SHA-256 of the public key (SubjectPublicKeyInfo, DER)
	Certificate Certificate
}

// Certificate is a client certificate that the hub's CA has issued.
type Certificate struct {
	Serial  string // hexadecimal
	Kiosk   string
	Issued  time.Time
	Expires time.Time
}

// What stores remember of the past.
const (
	CertificatesKept = 20                  // of each kiosk
	InvitationsKept  = 30 * 24 * time.Hour // after their end
)
