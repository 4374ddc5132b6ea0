package hub

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const (
	// retryAway is when a kiosk should ask again while a connector is away.
	retryAway = 5 * time.Second
	// retryEarly is when it should ask again with a document from the future: one of the
	// two clocks may have been set right by then.
	retryEarly = time.Minute
	// retryWorthless is when it should ask again for what its hub does not keep today.
	retryWorthless = 10 * time.Minute
)

// problem is a refusal on its way out.
type problem struct {
	status int
	Refusal
}

func (p *problem) Error() string { return p.Refusal.Error() }

func refuse(status int, code fault.Code, detail string) *problem {
	return &problem{status: status, Refusal: Refusal{Code: code, Detail: detail}}
}

// statusOf gives the HTTP status of a refusal by issuer or platform.
func statusOf(c fault.Code) int {
	switch c {
	case fault.BadMessage:
		return http.StatusBadRequest
	case fault.LoginLocked, fault.TooFast:
		return http.StatusTooManyRequests
	case fault.SessionLost:
		return http.StatusGone
	case fault.AlreadyRegistered, fault.AlreadyApplied:
		return http.StatusConflict
	case fault.IssuerDown, fault.PlatformDown:
		return http.StatusServiceUnavailable
	default:
		return http.StatusUnprocessableEntity
	}
}

// asProblem turns any error into what the kiosk is told. away is the code of
// the connector that was asked.
func asProblem(err error, away fault.Code) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*Refusal](err); ok {
		return &problem{status: statusOf(r.Code), Refusal: *r}
	}
	return &problem{status: http.StatusServiceUnavailable, Refusal: Refusal{Code: away, RetryAfter: retryAway}}
}

func (p *problem) wire() wire.Problem {
	return wire.Problem{
		Type: "about:blank", Title: http.StatusText(p.status), Status: p.status, Code: p.Code, Detail: p.Detail,
		Field: p.Field, TriesLeft: max(p.TriesLeft, 0), RetryAfterSec: int((p.RetryAfter + time.Second - 1) / time.Second),
	}
}

func (p *problem) body() []byte {
	b, err := json.Marshal(p.wire())
	if err != nil {
		return []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`)
	}
	return b
}

const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
	typeYAML    = "application/yaml"
)

// reply writes a finished answer. Errors of writing are the kiosk's hanging up. Who
// has to wait does so without a connection.
func reply(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", typeJSON)
	if status >= http.StatusBadRequest {
		h.Set("Content-Type", typeProblem)
		var p wire.Problem
		if json.Unmarshal(body, &p) == nil && p.RetryAfterSec > 0 {
			h.Set("Retry-After", strconv.Itoa(p.RetryAfterSec))
		}
	}
	if status == http.StatusTooManyRequests {
		h.Set("Connection", "close")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func replyProblem(w http.ResponseWriter, p *problem) { reply(w, p.status, p.body()) }

// final says whether the same call would be answered the same again.
func (p *problem) final() bool {
	return p.status < http.StatusInternalServerError && p.status != http.StatusTooManyRequests
}
