package hub

import (
	"context"
	"fmt"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Issuer is a payment service's issuer. Each call may be repeated with the same
// request ID and then does nothing again. A refusal is a [*Refusal]; any other
// error means that the issuer is away.
//
// Complete may come again for its session with another request ID and another
// password, because the kiosk did not hear the answer: it then issues nothing
// anew, gives the same ID and codes, and the password that came last counts, in
// one transaction. Once somebody has applied with the ID, the session is over.
//
// The issuer limits messages and wrong codes for each phone and each payment
// card over all sessions. A message that must wait is refused as otp_no_resend
// with RetryAfter.
type Issuer interface {
	Start(ctx context.Context, kiosk string, req wire.IssueStart) (wire.IssueStarted, error)
	Resend(ctx context.Context, kiosk string, req wire.IssueResend) (wire.IssueStarted, error)
	Verify(ctx context.Context, kiosk string, req wire.IssueVerify) (wire.IssueVerified, error)
	// Complete issues once; asked again in the same session it gives the same ID and
	// changes the password, unless a request with a higher Try has come already: that
	// is refused as session_lost.
	Complete(ctx context.Context, kiosk string, req wire.IssueComplete) (wire.Issued, error)
	Lookup(ctx context.Context, req wire.Lookup) (wire.Account, error)
}

// Platform is the programme's points platform. Reserve and Apply are
// irrevocable and idempotent by submission ID: the hub calls them before it
// stores the submission, so after a crash it calls them again. A refusal is a
// [*Refusal]; any other error means that the platform is away.
type Platform interface {
	Reserve(ctx context.Context, r ReserveOrder) (mykeyID wire.Private, err error)
	Apply(ctx context.Context, a ApplyOrder) (completeBy time.Time, err error)
	Standing(ctx context.Context, person Person) (wire.Standing, error)
}

// Person is a keyed hash of the public key of a person's certificate. Neither
// serial number nor name is stored.
type Person string

// ReserveOrder asks for a MyKey ID.
type ReserveOrder struct {
	Submission string
	Person     Person
	Guardian   bool
}

// ApplyOrder links a person to a payment service.
type ApplyOrder struct {
	Submission string
	Person     Person
	Content    wire.Application
}

// Refusal is a No that the shopper can be told about.
type Refusal struct {
	Code       fault.Code
	Field      string
	TriesLeft  int
	RetryAfter time.Duration
	Detail     string // for engineers; holds nothing personal
}

// Error says what was refused.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return fmt.Sprintf("cannot go on: %s", r.Code)
	}
	return fmt.Sprintf("cannot go on: %s: %s", r.Code, r.Detail)
}
