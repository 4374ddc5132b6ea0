package sync

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// RefusalError is the hub saying no, in the words of the protocol. It unwraps to
// a *fault.Error with the problem's code.
type RefusalError struct {
	Op         string
	Problem    wire.Problem
	RetryAfter time.Duration // 0 when the hub did not ask for a wait
}

// Error names code and status only: the detail is for the hub's people.
func (e *RefusalError) Error() string {
	return fmt.Sprintf("cannot %s: the hub refuses: %s (status %d)", e.Op, e.Problem.Code, e.Problem.Status)
}

// Unwrap lets fault.CodeOf find the code.
func (e *RefusalError) Unwrap() error {
	return &fault.Error{Device: "hub", Op: e.Op, Code: e.Problem.Code}
}

// final reports whether the same request will be refused for ever. A kiosk that
// is not accepted (401, 403) may be accepted again: that is not about the request.
func (e *RefusalError) final() bool {
	switch e.Problem.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// single reports whether the refusal of a submission is about that one alone, as when
// the hub does not hold the key to which it is sealed: a wait that comes with it is none
// for others. That a kiosk is too fast is about all, in whatever words.
func (e *RefusalError) single() bool {
	return e.Problem.Code == fault.HubRefused && e.Problem.Status != http.StatusTooManyRequests
}

// locked reports whether the hub does not hold the key to which a submission is sealed.
func (e *RefusalError) locked() bool {
	return e.Problem.Code == fault.HubRefused && e.Problem.Status == http.StatusServiceUnavailable
}

// statusError is an answer that is not in the words of the protocol.
type statusError struct {
	Status     int
	Type       string
	RetryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("status %d with content type %q", e.Status, e.Type)
}

func hubFault(op string, code fault.Code, cause error, hint string) error {
	return &fault.Error{Device: "hub", Op: op, Code: code, Cause: cause, Hint: hint}
}

// transportFault gives the failure of a round trip its code.
func transportFault(op string, err error) error {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		netOp   *net.OpError
		netErr  net.Error
	)
	switch {
	case errors.As(err, &netOp) && netOp.Op == "dial":
		return hubFault(op, fault.LineDown, err, "check the network cable and the hub's address")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return hubFault(op, fault.HubSlow, err, "")
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &record),
		errors.Is(err, http.ErrSchemeMismatch):
		return hubFault(op, fault.HubRubbish, err, "something else answers in the hub's place, or the enrolment is of another hub")
	case errors.As(err, &netOp) && netOp.Op == "remote error" && aboutCertificate(netOp.Err):
		return hubFault(op, fault.HubRefused, err, "the hub does not accept this kiosk's certificate: enrol it again")
	case netOp != nil && netOp.Op == "remote error":
		return hubFault(op, fault.HubRubbish, err, "what answers in the hub's place does not speak TLS 1.3 as a hub does")
	default:
		return hubFault(op, fault.LineDown, err, "")
	}
}

// aboutCertificate reports whether a TLS alert of the other side says that it does not
// take this side's certificate. Package tls shows the number of an alert by its text only.
func aboutCertificate(alert error) bool {
	for _, n := range []tls.AlertError{
		42,  // bad_certificate
		43,  // unsupported_certificate
		44,  // certificate_revoked
		45,  // certificate_expired
		46,  // certificate_unknown
		48,  // unknown_ca
		49,  // access_denied
		116, // certificate_required
	} {
		if alert != nil && alert.Error() == n.Error() {
			return true
		}
	}
	return false
}

// lost reports whether a connection broke under a request that may or may not
// have arrived. A connection that was never made, and one that is merely slow,
// are not lost.
func lost(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "remote error" || op.Timeout()) {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// answered reports whether err still proves that the real hub is there.
func answered(err error) bool {
	_, refused := errors.AsType[*RefusalError](err)
	return err == nil || refused
}

// statusOf is the status of the answer that err tells of, 0 when there was none.
func statusOf(err error) int {
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		return refusal.Problem.Status
	}
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.Status
	}
	return 0
}

// retryAfterOf is the wait that the hub, or a proxy before it, asked for.
func retryAfterOf(err error) time.Duration {
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		return refusal.RetryAfter
	}
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.RetryAfter
	}
	return 0
}

// parseRetryAfter reads the header in both forms. A date counts from the
// answer's own Date, for the kiosk's clock may be years off.
func parseRetryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return min(time.Duration(min(s, int(maxRetryAfter/time.Second)))*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(0, until.Sub(now)), maxRetryAfter)
}
