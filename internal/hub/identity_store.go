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
//
// What Invite, Enrol, Certify, Revoke and Restore do is noted in [OwnLog] in the same
// transaction: what cannot be noted is not done.
type IdentityStore interface {
	// Invite stores an invitation, and forgets those that ended long ago. It is in
	// [OwnLog] as [NoteKioskInvited].
	Invite(ctx context.Context, i Invitation) error
	// Enrol uses an invitation: marks it used, enrols its kiosk (or enrols it anew,
	// which lifts a revocation) and notes the certificate, all or nothing, and tells
	// all hubs. Of several keys with one invitation the first gets in; the others get
	// one of the errors above. The same key again, because the answer was lost, gets
	// in until the invitation ends, but then no revocation is lifted.
	//
	// A kiosk that is enrolled anew is so from after the issue of every certificate
	// that was noted of it, whatever the hubs' clocks say: by that they are told from
	// those to come. What is noted now is Kiosk.Own of the certificate.
	//
	// Each time that it gets in is in [OwnLog], as [NoteKioskEnrolled]; where the answer
	// of the database is lost maybe twice.
	Enrol(ctx context.Context, e Enrolment) (Kiosk, error)
	// Certify notes a further certificate of a kiosk that is enrolled since then, or
	// gives ErrNotFound: also when it was enrolled anew meanwhile. The last few of
	// each kiosk are kept. by is the serial of the certificate that it was asked for with.
	// It is in [OwnLog] as [NoteKioskRenewed], once, with [RenewedAgain] where by is not
	// the newest that was noted before.
	Certify(ctx context.Context, c Certificate, enrolled time.Time, by string) error
	// Certificates lists the certificates of a kiosk, newest first.
	Certificates(ctx context.Context, kiosk string) ([]Certificate, error)
	// Revoke refuses a kiosk from now on and tells all hubs, or gives ErrNotFound.
	// When and why it was revoked first stays. [NoteKioskRevoked] is noted once: not
	// where it was revoked before.
	Revoke(ctx context.Context, kiosk, reason string, at time.Time) error
	// Restore lifts a revocation and tells all hubs, or gives ErrNotFound.
	// [NoteKioskRestored] is noted, at this time, where there was one to lift.
	Restore(ctx context.Context, kiosk string, at time.Time) error
	// EnrolledSince lists the kiosks that were enrolled then or later: of each only ID,
	// KeyHash and EnrolledAt.
	EnrolledSince(ctx context.Context, t time.Time) ([]Kiosk, error)
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
