package hub

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kioskd/internal/defect"
	"kioskd/internal/fault"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI is the description of the API, as it is served.
func OpenAPI() []byte { return openAPI }

// PathOpenAPI serves the description of the API.
const PathOpenAPI = "/v1/openapi.yaml"

// Limits of the API.
const (
	defaultRate  = 50  // requests a second and kiosk
	defaultBurst = 200 // a courier that empties its queue
	callLimit    = 20 * time.Second
	// answerLife is longer than a kiosk tries, and than an inquiry may be sent again.
	answerLife = 2 * DefaultMaxAhead
)

// API is the kiosks' HTTPS interface.
type API struct {
	Ingest *Ingest
	Issuer Issuer
	Store  Store
	Vault  *vault.Vault
	Now    func() time.Time
	Log    *slog.Logger
	Rate   rate.Limit // requests a second and kiosk; 0 = default
	Burst  int
	// Messages is how many messages an hour a kiosk may send to phones; 0 = DefaultMessages.
	Messages int

	// Submissions and Audit are what a kiosk may have stored, and entries of its audit log;
	// the zero value is the default.
	Submissions, Audit Allowance

	Authority Authority // issues kiosks' certificates
	Links     *Links    // nil: this hub takes none
	Door      *Door     // what the server's connections come through; nil: they are not bounded
	Sandbox   bool      // Issuer and platform are not real: kiosks that enrol are told so

	limits     perKiosk
	told       tellings
	hoards     hoards
	enrolments strangers
	behind     behind
	holders    holders
	rows       recalled
	renewals   perKiosk
	running    keyLock
	calls      atOnce
}

// Handler gives the routes. It must be served over ServerTLS, by a server with
// Protocols.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("PUT "+wire.PathSubmissions+"{id}", a.forKiosk(a.putSubmission))
	mux.Handle("POST "+wire.PathIssueStart, a.forKiosk(interactive(a, func(ctx context.Context, kiosk string, r wire.IssueStart) (wire.IssueStarted, error) {
		return a.message(ctx, kiosk, func() (wire.IssueStarted, error) { return a.Issuer.Start(ctx, kiosk, r) })
	}, func(r wire.IssueStart) string { return r.RequestID }, fault.IssuerDown)))
	mux.Handle("POST "+wire.PathIssueResend, a.forKiosk(interactive(a, func(ctx context.Context, kiosk string, r wire.IssueResend) (wire.IssueStarted, error) {
		return a.message(ctx, kiosk, func() (wire.IssueStarted, error) { return a.Issuer.Resend(ctx, kiosk, r) })
	}, func(r wire.IssueResend) string { return r.RequestID }, fault.IssuerDown)))
	mux.Handle("POST "+wire.PathIssueVerify, a.forKiosk(interactive(a, func(ctx context.Context, kiosk string, r wire.IssueVerify) (wire.IssueVerified, error) {
		return a.Issuer.Verify(ctx, kiosk, r)
	}, func(r wire.IssueVerify) string { return r.RequestID }, fault.IssuerDown)))
	mux.Handle("POST "+wire.PathIssueComplete, a.forKiosk(interactive(a, func(ctx context.Context, kiosk string, r wire.IssueComplete) (wire.Issued, error) {
		return a.Issuer.Complete(ctx, kiosk, r)
	}, func(r wire.IssueComplete) string { return r.RequestID }, fault.IssuerDown)))
	mux.Handle("POST "+wire.PathLookup, a.forKiosk(interactive(a, func(ctx context.Context, _ string, r wire.Lookup) (wire.Account, error) {
		return a.Issuer.Lookup(ctx, r)
	}, func(r wire.Lookup) string { return r.RequestID }, fault.IssuerDown)))
	mux.Handle("POST "+wire.PathInquiry, a.forKiosk(interactive(a, func(ctx context.Context, kiosk string, r wire.InquiryRequest) (wire.Standing, error) {
		return a.Ingest.Inquire(ctx, kiosk, r)
	}, func(r wire.InquiryRequest) string { return r.RequestID }, fault.PlatformDown)))
	mux.Handle("POST "+wire.PathReport, a.forKiosk(a.report))
	mux.Handle("POST "+wire.PathEnrol, a.forKiosk(func(w http.ResponseWriter, _ *http.Request, _ string) {
		replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, "this kiosk is enrolled: renew the certificate, or connect with "+wire.ALPNEnrol))
	}))
	mux.Handle("POST "+wire.PathRenew, a.forRow(a.renew))
	mux.Handle("GET "+wire.PathDesired, a.forRow(a.getDesired))
	mux.Handle("GET "+wire.PathLink, a.forRow(a.link))
	mux.Handle("POST "+wire.PathAudit, a.forKiosk(a.audit))
	mux.Handle("GET "+PathOpenAPI, a.forKiosk(func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("Content-Type", typeYAML)
		_, _ = w.Write(openAPI)
	}))
	return a.recovered(a.unrouted(mux))
}

// unrouted answers what the mux would answer in plain text as a problem, to kiosks and at
// their rate like anything else.
func (a *API) unrouted(mux *http.ServeMux) http.Handler {
	nothing := a.forKiosk(func(w http.ResponseWriter, r *http.Request, _ string) {
		probe := &statusProbe{header: http.Header{}}
		mux.ServeHTTP(probe, r)
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			replyProblem(w, refuse(http.StatusMethodNotAllowed, fault.BadMessage, "this path takes "+allow))
			return
		}
		replyProblem(w, refuse(http.StatusNotFound, fault.BadMessage, "no such path"))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			nothing.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type statusProbe struct{ header http.Header }

// Header gives what the mux sets.
func (p *statusProbe) Header() http.Header { return p.header }

// Write drops the text.
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader drops the status: Allow says which it is.
func (p *statusProbe) WriteHeader(int) {}

// recovered turns a defect into a 500 and a log line instead of a cut connection.
func (a *API) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				a.Log.Error("Handler ended by a defect", "path", r.URL.Path, "defect", defect.New(v))
				replyProblem(w, refuse(http.StatusInternalServerError, fault.Internal, ""))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

type kioskHandler func(w http.ResponseWriter, r *http.Request, kiosk string)

// forKiosk lets enrolled kiosks in, each at its own rate.
func (a *API) forKiosk(next kioskHandler) http.Handler {
	return a.admitted(a.recall, func(w http.ResponseWriter, r *http.Request, k Kiosk) { next(w, r, k.ID) })
}

// forRow is forKiosk for those who need the kiosk's row as it is now.
func (a *API) forRow(next func(w http.ResponseWriter, r *http.Request, k Kiosk)) http.Handler {
	return a.admitted(func(ctx context.Context, id string) (Kiosk, error) { return a.Store.Kiosk(ctx, id) }, next)
}

// admitted lets in whom the row that look gives lets in.
func (a *API) admitted(look func(ctx context.Context, id string) (Kiosk, error), next func(w http.ResponseWriter, r *http.Request, k Kiosk)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := kioskOf(r, a.Now())
		if err != nil {
			replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, err.Error()))
			return
		}
		if !a.Door.admit(r.Context(), id) {
			p := refuse(http.StatusTooManyRequests, fault.TooFast, "too many connections of this kiosk are in use")
			p.RetryAfter = retryCalls
			replyProblem(w, p)
			return
		}
		if wait := a.mustWait(r.Context(), id); wait > 0 {
			p := refuse(http.StatusTooManyRequests, fault.TooFast, "too many requests of this kiosk")
			p.RetryAfter = wait
			replyProblem(w, p)
			return
		}
		k, err := look(r.Context(), id)
		switch {
		case errors.Is(err, ErrNotFound):
			a.unknown(r, id)
			replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, "this kiosk is not enrolled"))
		case err != nil:
			a.broken(w, "kiosk not read", err)
		case k.Revoked():
			a.rows.forget(id) // nobody is let in any more by what was read before
			w.Header().Set("Connection", "close")
			replyProblem(w, refuse(http.StatusForbidden, fault.KioskRevoked, "this kiosk was revoked"))
		case !a.holds(r.Context(), r, k):
			replyFormer(w)
		default:
			next(w, r, k)
		}
	})
}

// mustWait counts a request against the kiosk's limits, of this hub and of all.
func (a *API) mustWait(ctx context.Context, kiosk string) time.Duration {
	limit, burst := a.limit()
	now := a.Now()
	if wait := a.limits.wait(kiosk, limit, burst, now); wait > 0 {
		return wait
	}
	wait, err := a.told.wait(ctx, a.Store, kiosk, limit, burst, now)
	if err != nil { // this hub's own limit holds
		a.Log.Error("Budget not asked for", "kiosk", kiosk, "error", err)
	}
	return wait
}

func (a *API) limit() (rate.Limit, int) {
	if a.Rate > 0 && a.Burst > 0 {
		return a.Rate, a.Burst
	}
	return defaultRate, defaultBurst
}

// broken answers when the hub cannot do its work now, most often because its database
// is away. It is no defect, and coming again helps.
func (a *API) broken(w http.ResponseWriter, what string, err error) {
	a.Log.Error("Request failed", "what", what, "error", err)
	p := refuse(http.StatusServiceUnavailable, fault.HubSlow, "")
	p.RetryAfter = retryAway
	replyProblem(w, p)
}

// body reads a JSON body within wire.MaxBody.
func body(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != typeJSON {
		return nil, refuse(http.StatusUnsupportedMediaType, fault.BadMessage, "not "+typeJSON)
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		w.Header().Set("Connection", "close") // the rest is not waited for
		return nil, refuse(http.StatusRequestEntityTooLarge, fault.BadMessage, "the body is too long")
	case err != nil:
		// Not 400: nothing is wrong with what was to be sent, and a line that is open
		// in one direction only carries this answer back. Sent again it is taken.
		return nil, refuse(http.StatusRequestTimeout, fault.BadMessage, "the body was cut short")
	}
	return b, nil
}

func (a *API) putSubmission(w http.ResponseWriter, r *http.Request, kiosk string) {
	entrusted(r.Context()) // what is in it is opened here, and the answer may tell a MyKey ID
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	sub, err := wire.DecodeSubmission(b)
	if err != nil {
		a.garbage(r.Context(), kiosk, r.URL.Path)
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	if sub.ID != r.PathValue("id") {
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, "path and body name different ids"))
		return
	}
	if sub.Kiosk != kiosk {
		a.Log.Error("Kiosk submits for another one", "kiosk", kiosk, "alarm", true)
		a.raise(r.Context(), Alarm{Kind: AlarmForeign, Kiosk: kiosk, Text: "submits for another kiosk"})
		replyProblem(w, refuse(http.StatusForbidden, fault.HubRefused, "a kiosk submits for itself only"))
		return
	}
	wait, ack, err := a.mayStore(r.Context(), kiosk, sub)
	if wait > 0 {
		replyProblem(w, tooMuch(wait))
		return
	}
	if ack == nil && err == nil {
		ack, err = a.Ingest.Put(r.Context(), kiosk, sub)
	}
	switch {
	case err == nil:
		reply(w, http.StatusOK, ack)
	case errors.Is(err, ErrConflict):
		replyProblem(w, refuse(http.StatusConflict, fault.HubRefused, "this id is stored with other content"))
	case errors.Is(err, ErrUnknownKey):
		p := refuse(http.StatusServiceUnavailable, fault.HubRefused, "sealed to a key that this hub does not hold")
		p.RetryAfter = retryAway
		replyProblem(w, p)
	case errors.Is(err, ErrEarly):
		p := refuse(http.StatusTooEarly, fault.HubRefused, "signed in the future")
		p.RetryAfter = retryEarly
		replyProblem(w, p)
	case errors.Is(err, ErrWorthless): // about this one alone: what is genuine is taken
		p := refuse(http.StatusInsufficientStorage, fault.HubRefused, "too many submissions of this kiosk were not genuine")
		p.RetryAfter = retryWorthless
		replyProblem(w, p)
	case errors.Is(err, ErrPlatform):
		replyProblem(w, asProblem(err, fault.PlatformDown))
	default:
		a.broken(w, "submission not stored", err)
	}
}

func (a *API) report(w http.ResponseWriter, r *http.Request, kiosk string) {
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	rep, err := wire.Decode[wire.Report](b)
	if err != nil {
		a.garbage(r.Context(), kiosk, r.URL.Path)
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	if err := a.Store.Report(r.Context(), kiosk, rep, a.Now()); err != nil {
		a.broken(w, "report not stored", err)
		return
	}
	if err := a.heardOfAudit(r.Context(), kiosk, rep.Audit); err != nil && r.Context().Err() == nil {
		a.Log.Error("Audit log not compared", "kiosk", kiosk, "error", err)
	}
	w.WriteHeader(http.StatusNoContent)
}

// unknown raises one alarm for all kiosks: they have certificates of this hub's CA, so
// the database has known them. When it was lost, that is the whole fleet.
func (a *API) unknown(r *http.Request, kiosk string) {
	a.Log.Error("Kiosk is certified and unknown", "kiosk", kiosk, "remote", r.RemoteAddr, "alarm", true)
	a.raise(r.Context(), Alarm{Kind: AlarmUnknown, Text: kiosk + " from " + r.RemoteAddr +
		" was the last: it has a certificate of this hub, whose database does not know it"})
}

func (a *API) garbage(ctx context.Context, kiosk, path string) {
	a.Log.Error("Body does not parse", "kiosk", kiosk, "path", path, "alarm", true)
	a.raise(ctx, Alarm{Kind: AlarmGarbage, Kiosk: kiosk, Subject: "", Text: "sent a body that does not parse, last to " + path})
}

func (a *API) raise(ctx context.Context, al Alarm) {
	al.Last = a.Now()
	if err := a.Store.Raise(ctx, al); err != nil {
		a.Log.Error("Alarm not stored", "kind", al.Kind, "kiosk", al.Kiosk, "error", err, "alarm", true)
	}
}

// perKiosk holds one limiter a kiosk. Only enrolled certificates get here, so
// the map is as large as the fleet.
type perKiosk struct {
	mu  sync.Mutex
	all map[string]*rate.Limiter
}

// wait takes one token and gives 0, or says how long there is none.
func (p *perKiosk) wait(id string, limit rate.Limit, burst int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]*rate.Limiter{}
	}
	l, ok := p.all[id]
	if !ok {
		l = rate.NewLimiter(limit, burst)
		p.all[id] = l
	}
	res := l.ReserveN(now, 1)
	d := res.DelayFrom(now)
	if d > 0 {
		res.CancelAt(now)
	}
	return d
}
