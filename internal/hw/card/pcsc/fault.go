package pcsc

import (
	"errors"
	"slices"

	"github.com/ebfe/scard"

	"kioskd/internal/fault"
)

// hints for a technician.
const (
	hintService = "pcscd does not answer: systemctl status pcscd.socket"
	hintReader  = "plug the reader in; pcsc_scan shows what pcscd sees"
	hintBusy    = "another program holds the card: lsof /run/pcscd/pcscd.comm names it"
	hintMute    = "card in its case, crooked, worn or of a kind that this reader does not know"
)

// serviceLost reports an error after which a context is of no use: pcscd has
// ended, or is another one by now.
func serviceLost(err error) bool {
	return anyOf(err, scard.ErrNoService, scard.ErrServiceStopped, scard.ErrCommError, scard.ErrInvalidHandle, scard.ErrShutdown)
}

func readerLost(err error) bool {
	return anyOf(err, scard.ErrUnknownReader, scard.ErrReaderUnavailable, scard.ErrNoReadersAvailable)
}

func cardLost(err error) bool { return anyOf(err, scard.ErrNoSmartcard, scard.ErrRemovedCard) }

// passing reports an error that often goes by itself: another program has the
// card for a moment, or it is just being powered up.
func passing(err error) bool {
	return anyOf(err, scard.ErrSharingViolation, scard.ErrUnresponsiveCard, scard.ErrUnpoweredCard, scard.ErrResetCard,
		scard.ErrProtoMismatch, scard.ErrNotTransacted, scard.ErrNotReady)
}

func anyOf(err error, list ...scard.Error) bool {
	e, ok := errors.AsType[scard.Error](err)
	return ok && slices.Contains(list, e)
}

// failed makes a fault of what pcscd answered.
func failed(op string, err error) *fault.Error {
	f := &fault.Error{Device: "card", Op: op, Code: fault.CardMute, Cause: err, Hint: hintMute}
	switch {
	case serviceLost(err):
		f.Device, f.Code, f.Hint = "reader", fault.ReaderGone, hintService
	case readerLost(err):
		f.Device, f.Code, f.Hint = "reader", fault.ReaderGone, hintReader
	case cardLost(err):
		f.Code, f.Hint = fault.CardLifted, ""
	case anyOf(err, scard.ErrSharingViolation):
		f.Device, f.Code, f.Hint = "reader", fault.ReaderBusy, hintBusy
	}
	return f
}
