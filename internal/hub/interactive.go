package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const (
	// callsEach is how many interactive calls of one kiosk may run at a time. It serves
	// one visit, which waits for one call; the others are those that earlier visits gave
	// up and that go on here, and the repetition of a call whose connection broke.
	// What they cost, the time of a connector and of password hashing, is everybody's.
	callsEach = 4
	// retryCalls is when a kiosk should ask again that has too many.
	retryCalls = 2 * time.Second
)

var requestID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// interactive makes a handler of a call that a shopper waits for. The same
// request id with the same body gives the stored answer; away is the code for a
// connector that does not answer.
func interactive[Req, Resp any](
	a *API, do func(context.Context, string, Req) (Resp, error), idOf func(Req) string, away fault.Code,
) kioskHandler {
	return func(w http.ResponseWriter, r *http.Request, kiosk string) {
		entrusted(r.Context())
		b, p := body(w, r)
		if p != nil {
			replyProblem(w, p)
			return
		}
		defer clear(b) // may hold a password; a [Forgetter] reaches the others' copies
		req, err := wire.Decode[Req](b)
		if err != nil {
			a.garbage(r.Context(), kiosk, r.URL.Path)
			replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
			return
		}
		id := idOf(req)
		if !requestID.MatchString(id) {
			p := refuse(http.StatusBadRequest, fault.BadMessage, "8 to 64 letters, digits, - and _")
			p.Field = "request_id"
			replyProblem(w, p)
			return
		}
		// Only now: a body that comes slowly, or never, costs nobody anything.
		leave, ok := a.calls.enter(kiosk)
		if !ok {
			p := refuse(http.StatusTooManyRequests, fault.TooFast, "too many calls of this kiosk are running")
			p.RetryAfter = retryCalls
			replyProblem(w, p)
			return
		}
		defer leave()
		key := AnswerKey{Kiosk: kiosk, Scope: r.URL.Path, RequestID: id}
		unlock, err := a.running.lock(r.Context(), key)
		if err != nil {
			return // the kiosk hung up while an earlier call was running
		}
		defer unlock()
		if shared, ok := a.Store.(CallLocker); ok {
			unlock, err := shared.LockCall(r.Context(), key)
			if err != nil {
				if r.Context().Err() == nil { // else the kiosk hung up
					a.broken(w, "call not begun", err)
				}
				return
			}
			defer unlock()
		}
		// What has begun is ended, also when the kiosk hangs up: its next try
		// finds the answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callLimit)
		defer cancel()
		status, answer, err := a.answer(ctx, key, b, func() given {
			resp, err := do(ctx, kiosk, req)
			if err != nil {
				return a.refusal(key.Scope, err, away)
			}
			out, err := json.Marshal(resp)
			if err != nil {
				return a.refusal(key.Scope, err, fault.Internal)
			}
			return given{status: http.StatusOK, body: out, final: true, issued: issuedOf(kiosk, resp)}
		})
		if err != nil {
			a.broken(w, "answer not stored", err)
			return
		}
		reply(w, status, answer)
		clear(answer) // may hold codes
	}
}

// given is the answer to a call. One that is not final may be tried again.
type given struct {
	status int
	body   []byte
	final  bool
	issued *Issuance // what it hands out, or nil
}

// refusal gives the answer to an error: that somebody is away now is not final.
func (a *API) refusal(scope string, err error, away fault.Code) given {
	p := asProblem(err, away)
	if p.Code == away {
		a.Log.Error("Connector did not answer", "path", scope, "error", err)
	}
	return given{status: p.status, body: p.body(), final: p.final()}
}

// answer gives the stored answer, or makes and stores one.
func (a *API) answer(ctx context.Context, key AnswerKey, request []byte, act func() given) (int, []byte, error) {
	tag := a.Vault.Tag("request", request)
	purpose := answerPurpose(key.Scope, key.RequestID)
	now := a.Now()
	have, err := a.Store.Answer(ctx, key, now)
	switch {
	case err == nil:
		if have.RequestTag != tag {
			p := refuse(http.StatusConflict, fault.BadMessage, "this request id was used for another request")
			p.Field = "request_id"
			return p.status, p.body(), nil
		}
		b, err := a.Vault.Open(purpose, have.Sealed)
		if err != nil {
			return 0, nil, fmt.Errorf("cannot open answer: %w", err)
		}
		return have.Status, b, nil
	case !errors.Is(err, ErrNotFound):
		return 0, nil, fmt.Errorf("cannot look for answer: %w", err)
	}
	is := act()
	if !is.final {
		return is.status, is.body, nil
	}
	// The connector has acted; its answer must be kept even when the call's
	// time is up by now.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	err = a.Store.PutAnswer(keep, key, Answer{
		RequestTag: tag, Status: is.status, Sealed: a.Vault.Seal(purpose, is.body), Expires: now.Add(answerLife), Issued: is.issued,
	}, now)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot store answer: %w", err)
	}
	return is.status, is.body, nil
}

// keyLock lets one call at a time run for each key.
type keyLock struct {
	mu   sync.Mutex
	held map[AnswerKey]chan struct{}
}

func (l *keyLock) lock(ctx context.Context, k AnswerKey) (unlock func(), err error) {
	for {
		l.mu.Lock()
		busy, ok := l.held[k]
		if !ok {
			if l.held == nil {
				l.held = map[AnswerKey]chan struct{}{}
			}
			done := make(chan struct{})
			l.held[k] = done
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, k)
				l.mu.Unlock()
				close(done)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// atOnce counts each kiosk's calls that are running.
type atOnce struct {
	mu      sync.Mutex
	running map[string]int
}

// enter begins a call, unless the kiosk has as many as it may. leave ends it.
func (c *atOnce) enter(kiosk string) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = map[string]int{}
	}
	if c.running[kiosk] >= callsEach {
		return nil, false
	}
	c.running[kiosk]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.running[kiosk]--; c.running[kiosk] == 0 {
			delete(c.running, kiosk)
		}
	}, true
}
