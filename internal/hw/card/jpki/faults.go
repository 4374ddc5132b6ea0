package jpki

import (
	"context"
	"errors"
	"fmt"

	"kioskd/internal/fault"
	"kioskd/internal/hw/card/apdu"
)

// operation is what was being done when a card answered. Its text stands in the
// fault's Op.
type operation string

const (
	opOpen    operation = "open the card"
	opSelect  operation = "select the certification service"
	opToken   operation = "read the token information"
	opCert    operation = "read the certificate"
	opTries   operation = "read the PIN counter"
	opVerify  operation = "verify the PIN"
	opKey     operation = "select the key"
	opCompute operation = "sign"
	opCheck   operation = "check the signature"
)

// refused turns a status word that is not success into a fault.
func refused(op operation, sw apdu.SW) *fault.Error {
	return &fault.Error{Device: "card", Op: string(op), Code: codeOf(op, sw), Cause: &StatusError{sw}, Hint: hintOf(sw)}
}

// StatusError is the status word behind a fault.
type StatusError struct{ SW apdu.SW }

// Error gives the status word.
func (e *StatusError) Error() string { return "card answered " + e.SW.String() }

// codeOf says what a status word means to the shopper. It depends on what was
// being done: a file that is not found is a stranger's card at the first SELECT
// and a certificate that was never issued later on.
func codeOf(op operation, sw apdu.SW) fault.Code {
	missing := sw == apdu.NotFound || sw == apdu.NoObject
	switch op {
	case opSelect, opToken:
		if missing || foreignTongue(sw) {
			return fault.CardUnknown
		}
	case opCert:
		if missing || sw == apdu.OffsetPast {
			return fault.CertMissing
		}
	case opTries:
		switch left, counted := sw.Tries(); {
		case missing:
			return fault.CertMissing
		case counted && left == 0, sw == apdu.Blocked, sw == apdu.BlockedISO:
			return fault.PINBlocked
		}
	case opVerify:
		switch left, counted := sw.Tries(); {
		case counted && left == 0, sw == apdu.Blocked, sw == apdu.BlockedISO:
			return fault.PINBlocked
		case counted, sw == apdu.WrongNoCounter:
			return fault.PINWrong
		}
	default:
	}
	return fault.CardRefused
}

// foreignTongue: words with which a card of another kind turns a SELECT down.
func foreignTongue(sw apdu.SW) bool {
	switch sw {
	case apdu.NoFunction, apdu.Parameters, apdu.NoInstruction, apdu.NoClass, apdu.Length, apdu.NotSatisfied, apdu.Conditions:
		return true
	default:
		return false
	}
}

// hintOf is for the technician who reads the log.
func hintOf(sw apdu.SW) string {
	if left, ok := sw.Tries(); ok {
		return fmt.Sprintf("PIN counter at %d", left)
	}
	switch sw & 0xFF00 {
	case 0x6100:
		return "more data announced but not given: reader or card breaks the chaining"
	case 0x6C00:
		return "card insists on another length"
	default:
	}
	switch sw {
	case apdu.OK:
		return "PIN stands verified from an earlier use: power the card down"
	case apdu.WrongNoCounter:
		return "key without a retry limit: not the PIN of a My Number card"
	case apdu.Blocked, apdu.BlockedISO:
		return "PIN blocked: only a municipal office resets it"
	case apdu.NotSatisfied:
		return "card wants the PIN first, or dropped it: power the card down and try again"
	case apdu.Conditions:
		return "conditions of use not satisfied: input of a length the key does not take"
	case apdu.NoCurrentFile:
		return "no current file: the card was reset meanwhile, or another program talks to it"
	case apdu.WrongStructure:
		return "file is of another structure than expected"
	case apdu.NotFound:
		return "no such application or file: not a My Number card, or the certificate was not issued"
	case apdu.NoObject:
		return "no such data or key on the card"
	case apdu.Parameters:
		return "parameters not known to this card: not a My Number card, or a newer generation"
	case apdu.NoFunction:
		return "function not supported by this card"
	case apdu.Length:
		return "length not accepted: check whether the reader passes short APDUs unchanged"
	case apdu.OffsetPast, apdu.EndOfFile:
		return "read past the end of the file"
	case apdu.NoChannel, apdu.NoSecureMsg:
		return "logical channels and secure messaging are not served"
	case apdu.NoInstruction, apdu.NoClass:
		return "command not known to this card: not a My Number card"
	case apdu.NoDiagnosis:
		return "card gives no reason: lift it and put it on again"
	default:
		return "unexpected status word: note it with the kind of card and reader"
	}
}

// lost turns an error of the transport into a fault. The code of the driver is
// kept; an answer that ran out of time is a mute card.
func lost(op operation, err error) *fault.Error {
	f := &fault.Error{Device: "card", Op: string(op), Code: fault.CardMute, Cause: err}
	var known *fault.Error
	switch {
	case errors.Is(err, apdu.ErrForbidden), errors.Is(err, apdu.ErrCommand):
		f.Code, f.Hint = fault.Internal, "a defect of this program: nothing was sent"
	case errors.Is(err, apdu.ErrAnswer):
		f.Code, f.Hint = fault.CardRefused, "answer without a status word: reader or driver trouble"
	case errors.As(err, &known):
		f.Device, f.Code, f.Hint = known.Device, known.Code, known.Hint
	case errors.Is(err, context.DeadlineExceeded):
		f.Hint = "no answer in time"
	}
	return f
}

// broken is a fault without a status word.
func broken(op operation, code fault.Code, hint string, cause error) *fault.Error {
	return &fault.Error{Device: "card", Op: string(op), Code: code, Cause: cause, Hint: hint}
}
