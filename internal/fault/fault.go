// Package fault is the closed set of things that go wrong. One code is at once
// the key of a screen text, a metric label, a log value and the anchor of a
// page in the operator's manual.
package fault

import "errors"

// Code names one fault. Codes are stable: they are never renamed or reused.
type Code string

// Faults of the card and its reader.
const (
	ReaderGone      Code = "reader_gone"      // no reader, or pcscd is away
	ReaderBusy      Code = "reader_busy"      // another program of this machine holds the card
	CardUnknown     Code = "card_unknown"     // neither a My Number card nor a FeliCa card
	CardMute        Code = "card_mute"        // the card does not answer
	CardLifted      Code = "card_lifted"      // taken away while it was being read
	CardWrongKind   Code = "card_wrong_kind"  // FeliCa where My Number is needed, or the reverse
	CardOld         Code = "card_old"         // 住基カード, not a My Number card
	CardPhone       Code = "card_phone"       // a phone-hosted certificate that this step cannot use
	CardChanged     Code = "card_changed"     // another card than before in this procedure
	CertMissing     Code = "cert_missing"     // no user-authentication certificate on the card
	CertExpired     Code = "cert_expired"     // outside its validity
	CertForeign     Code = "cert_foreign"     // not issued under a pinned root
	PINWrong        Code = "pin_wrong"        // tries left are shown beside it
	PINBlocked      Code = "pin_blocked"      // only a municipal office resets it
	PINTriesLow     Code = "pin_tries_low"    // fewer tries are left than the shopper agreed to: ask first
	PINUncertain    Code = "pin_uncertain"    // the answer to VERIFY was lost: read the counter, ask again
	CardRefused     Code = "card_refused"     // unexpected status word
	WAONUnreadable  Code = "waon_unreadable"  // this reader cannot read the number: type it
	SignatureBroken Code = "signature_broken" // the card's answer does not verify
)

// Faults of the printer.
const (
	PrinterGone   Code = "printer_gone"
	PaperOut      Code = "paper_out"
	PaperLow      Code = "paper_low"
	CoverOpen     Code = "cover_open"
	CutterJam     Code = "cutter_jam"
	HeadHot       Code = "head_hot"
	PrinterFailed Code = "printer_failed" // any other printer error
	SlipUnknown   Code = "slip_unknown"   // the fate of the slip is not known
)

// Faults of the line and the hub.
const (
	LineDown     Code = "line_down"     // the hub cannot be reached
	HubSlow      Code = "hub_slow"      // no answer within the shopper's patience
	HubRefused   Code = "hub_refused"   // the hub does not accept this kiosk or request
	HubRubbish   Code = "hub_rubbish"   // the answer does not parse or verify
	IssuerDown   Code = "issuer_down"   // the payment service's issuer is away
	PlatformDown Code = "platform_down" // the points platform is away
	ClockWrong   Code = "clock_wrong"   // the kiosk's clock is too far from the hub's
)

// Faults of the kiosk's identity at its hub.
const (
	NotEnrolled  Code = "not_enrolled"  // no hub knows this kiosk: nothing real can be done here
	KioskRevoked Code = "kiosk_revoked" // the hub does not accept this kiosk any more
	CertExpiring Code = "cert_expiring" // the kiosk's certificate ends soon and its renewal fails
	// EnrolmentLost: the kiosk goes on with what it has in memory, and would not after a restart.
	EnrolmentLost Code = "enrolment_lost"
	AuditDisputed Code = "audit_disputed" // the hub does not take this kiosk's audit log
)

// Refusals that a shopper can be told about.
const (
	CardDeclined      Code = "card_declined"      // the issuer does not accept this card or these details
	AlreadyRegistered Code = "already_registered" // this payment card is registered already: use the management page
	SMSNotSent        Code = "sms_not_sent"       // the message could not be sent to this number
	OTPWrong          Code = "otp_wrong"          // wrong one-time password
	OTPExpired        Code = "otp_expired"        // ask for a new one
	OTPExhausted      Code = "otp_exhausted"      // too many wrong: ask for a new one
	OTPNoResend       Code = "otp_no_resend"      // no further message can be sent
	SessionLost       Code = "session_lost"       // the hub forgot this procedure: start it again
	LoginWrong        Code = "login_wrong"        // phone and password do not match
	LoginLocked       Code = "login_locked"       // too many wrong log-ins: wait
	NotReserved       Code = "not_reserved"       // no MyKey ID yet: reserve first
	AlreadyApplied    Code = "already_applied"    // one application a person; it cannot be changed
	ServiceIDWrong    Code = "service_id_wrong"   // ID, code and phone do not belong together
	DocumentRefused   Code = "document_refused"   // chain, validity or signature not accepted by the hub
)

// Faults of the kiosk itself.
const (
	StorageFailed  Code = "storage_failed"  // the outbox did not commit: nothing was sent
	StorageSlow    Code = "storage_slow"    // it is not known whether the outbox committed: trying again doubles nothing
	StorageFull    Code = "storage_full"    // the disk is nearly full: nothing new is begun
	StorageDamaged Code = "storage_damaged" // the outbox's file was damaged: what could be read was saved
	Internal       Code = "internal"        // a defect: the visit ends safely
	TooFast        Code = "too_fast"        // too many messages
	BadMessage     Code = "bad_message"     // a message that does not parse
)

// All returns every code, in a stable order. Tests hold it against texts and docs.
func All() []Code {
	return []Code{
		ReaderGone, ReaderBusy, CardUnknown, CardMute, CardLifted, CardWrongKind, CardOld, CardPhone, CardChanged,
		CertMissing, CertExpired, CertForeign, PINWrong, PINBlocked, PINTriesLow, PINUncertain, CardRefused,
		WAONUnreadable, SignatureBroken,
		PrinterGone, PaperOut, PaperLow, CoverOpen, CutterJam, HeadHot, PrinterFailed, SlipUnknown,
		LineDown, HubSlow, HubRefused, HubRubbish, IssuerDown, PlatformDown, ClockWrong,
		NotEnrolled, KioskRevoked, CertExpiring, EnrolmentLost, AuditDisputed,
		CardDeclined, AlreadyRegistered, SMSNotSent, OTPWrong, OTPExpired, OTPExhausted, OTPNoResend,
		SessionLost, LoginWrong, LoginLocked, NotReserved, AlreadyApplied, ServiceIDWrong, DocumentRefused,
		StorageFailed, StorageSlow, StorageFull, StorageDamaged, Internal, TooFast, BadMessage,
	}
}

// Error is a fault at the edge of the hardware or of the hub.
type Error struct {
	Device string // "reader", "card", "printer", "light", "hub", "outbox"
	Op     string // what was being done: "verify pin"
	Code   Code
	Cause  error  // may be nil; never carries a secret
	Hint   string // what a technician does about it; may be empty
}

// Error says "cannot OP: CODE: cause".
func (e *Error) Error() string {
	s := "cannot " + e.Op + ": " + string(e.Code)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf finds the code in err, or Internal. The code of nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
