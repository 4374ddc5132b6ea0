package sync

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/sync/linetest"
	"kioskd/internal/wire"
)

// lineRig is a courier with its outbox, the whole hub, and a line between them. The
// courier goes round only when it is told to, and waits for nothing.
type lineRig struct {
	*modelWorld
	t       *testing.T
	store   *sqlite.Store
	box     *sandbox.Sandbox
	issuer  *countingIssuer
	hub     *httptest.Server
	line    *linetest.Line
	outbox  *Outbox
	client  *Client
	courier *Courier
	now     time.Time
	between func(http.Handler) http.Handler // before the hub's handler, nil = nothing
	mu      stdsync.Mutex                   // guards between
}

// A line that stops has to be waited out; nothing else has.
const (
	soonTired  = 200 * time.Millisecond
	neverTired = 20 * time.Second
)

func newLineRig(t *testing.T) *lineRig {
	t.Helper()
	r := &lineRig{modelWorld: newModelWorld(t), t: t, now: time.Now()}
	dir := r.base
	var err error
	r.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
	r.ok(err)
	r.box, err = sandbox.Open(t.Context(), filepath.Join(dir, "sandbox.db"), r.vault, sandbox.Options{Catalogue: r.cat})
	r.ok(err)
	r.issuer = &countingIssuer{Issuer: r.box, asked: map[string]int{}}
	r.ok(r.store.EnsureKiosk(t.Context(), "demo", time.Now()))
	r.ok(hub.Admit(t.Context(), r.store, r.vault))
	store := hub.Seal(r.store, r.vault)
	quiet := slog.New(slog.DiscardHandler)
	api := &hub.API{
		Ingest: &hub.Ingest{
			Store: store, Platform: r.box, Keys: r.pki.Keys, Vault: r.vault, Now: time.Now, Log: quiet,
			Verifier: &hub.Verifier{Roots: r.roots, MaxAge: hub.DefaultMaxAge, MaxAhead: hub.DefaultMaxAhead},
		},
		Issuer: r.issuer, Store: store, Vault: r.vault, Now: time.Now, Log: quiet, Rate: 1e6, Burst: 1e6,
	}
	whole := api.Handler()
	cert, err := r.pki.Server(time.Now(), "127.0.0.1")
	r.ok(err)
	r.hub = r.server(hub.ServerTLS(cert, r.pki.Pool()), http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		h := whole
		if r.between != nil {
			h = r.between(whole)
		}
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	}))
	r.line, err = linetest.Listen(t.Context(), r.hub.Listener.Addr().String())
	r.ok(err)
	e := *r.enrol
	e.HubURL = "https://" + r.line.Addr()
	r.client, err = NewClient(&e, ClientOptions{Background: neverTired, Interactive: neverTired, Connect: neverTired})
	r.ok(err)
	r.outbox, err = OpenOutbox(t.Context(), filepath.Join(dir, "outbox.db"), func() (*wire.Enrolment, bool) { return &e, true }, quiet)
	r.ok(err)
	r.courier = NewCourier(r.outbox, r.client, quiet, CourierOptions{})
	r.courier.now = func() time.Time { return r.now }
	t.Cleanup(func() {
		r.client.Close()
		r.ok(r.line.Close())
		r.hub.Close()
		r.ok(r.outbox.Close())
		r.ok(r.store.Close())
		r.ok(r.box.Close())
	})
	return r
}

// server is anybody who listens, with or without TLS.
func (r *lineRig) server(c *tls.Config, h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if c == nil {
		s.Start()
		return s
	}
	s.TLS = c
	s.StartTLS()
	return s
}

func (r *lineRig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// commit puts one submission into the outbox, in a visit of its own.
func (r *lineRig) commit() wire.Submission {
	r.t.Helper()
	c, err := r.outbox.Commit(r.t.Context(), Entry{Visit: wire.NewSubmissionID(), Payload: r.payload(wire.KindIssuance, time.Now())})
	r.ok(err)
	s, err := r.outbox.take(r.t.Context(), c.ID)
	r.ok(err)
	return s
}

// round sends what waits, over a new connection, after every wait is over.
func (r *lineRig) round() {
	r.client.Close()
	r.now = r.now.Add(2 * maxRetryAfter)
	r.courier.round(r.t.Context())
}

func (r *lineRig) waits(s wire.Submission) bool {
	r.t.Helper()
	list, err := r.outbox.heads(r.t.Context(), "")
	r.ok(err)
	return slices.ContainsFunc(list, func(d due) bool { return d.id == s.ID })
}

// stored reports whether the hub has it, as it was committed.
func (r *lineRig) stored(s wire.Submission) bool {
	r.t.Helper()
	row, err := r.store.Submission(r.t.Context(), s.ID)
	return err == nil && bytes.Equal(row.Hash, s.Hash())
}

// heals sends over a line that is in order: what waits arrives.
func (r *lineRig) heals(s wire.Submission, after string) {
	r.t.Helper()
	r.client.opts.Background = neverTired
	r.line.Next()
	r.line.Lead(r.hub.Listener.Addr().String())
	r.line.Break()
	r.round()
	if r.waits(s) || !r.stored(s) {
		r.t.Errorf("%s, and then a good line: it waits %t, it is stored %t", after, r.waits(s), r.stored(s))
	}
	if !r.courier.line.up {
		r.t.Errorf("%s, and then a good line: it is called down", after)
	}
}

// all is how many submissions the hub holds.
func (r *lineRig) all() int {
	r.t.Helper()
	_, n, err := r.store.Submissions(r.t.Context(), hub.Filter{Limit: 1})
	r.ok(err)
	return n
}

// A connection that fails at any byte of a sending, either way and in every manner,
// costs nothing but another try.
func TestALineThatFailsAtAnyByte(t *testing.T) {
	r := newLineRig(t)
	s := r.commit()
	r.round() // a clean exchange shows where the records end
	if r.waits(s) {
		t.Fatal("it is not sent over a good line")
	}
	sent, kept, lost := 1, 0, 0
	for _, f := range r.failures(seeded(t), 1) {
		what := fmt.Sprintf("%s %s after byte %d", f.How, f.Way, f.At)
		s := r.commit()
		sent++
		if f.How == linetest.Stop {
			r.client.opts.Background = soonTired
		}
		r.fresh(f)
		r.round()
		switch {
		case !r.waits(s) && !r.stored(s):
			list, err := r.outbox.List(t.Context())
			t.Fatalf("%s: it will not be sent again, and the hub does not have it (%+v, %v)", what, list, err)
		case r.waits(s) && r.stored(s):
			lost++
		case r.waits(s):
			kept++
		}
		r.heals(s, what)
	}
	if n := r.all(); n != sent {
		t.Errorf("the hub holds %d submissions, %d were committed", n, sent)
	}
	t.Logf("%d sendings; %d did not reach the hub, of %d the answer was lost", sent, kept, lost)
	if kept == 0 || lost == 0 {
		t.Error("the line did not fail")
	}
}

// Answers may overtake each other: each is held to what it answers.
func TestAnswersInAnotherOrder(t *testing.T) {
	r := newLineRig(t)
	var subs []wire.Submission
	for range sendersAtOnce {
		subs = append(subs, r.commit())
	}
	turns := make([]chan struct{}, sendersAtOnce+1)
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	close(turns[sendersAtOnce]) // the last to come is answered first
	var mu stdsync.Mutex
	came := 0
	r.between = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, req)
			mu.Lock()
			mine := came
			came++
			mu.Unlock()
			defer close(turns[mine])
			select {
			case <-turns[mine+1]:
			case <-time.After(5 * time.Second):
				t.Error("they do not come at once")
			}
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			_, _ = w.Write(answer.Body.Bytes())
		})
	}
	r.round()
	for i, s := range subs {
		if r.waits(s) || !r.stored(s) {
			t.Errorf("submission %d: it waits %t, it is stored %t", i, r.waits(s), r.stored(s))
		}
	}
}

// Every request comes twice, at once or one after the other, and either answer
// reaches the kiosk.
func TestEveryRequestTwice(t *testing.T) {
	r := newLineRig(t)
	for i := range 6 {
		r.between = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, err := io.ReadAll(req.Body)
				if err != nil {
					return
				}
				var answers [2]*httptest.ResponseRecorder
				var both stdsync.WaitGroup
				for n := range answers {
					answers[n] = httptest.NewRecorder()
					again := req.Clone(context.WithoutCancel(req.Context()))
					again.Body = io.NopCloser(bytes.NewReader(body))
					both.Go(func() { next.ServeHTTP(answers[n], again) })
					if i%2 == 0 {
						both.Wait()
					}
				}
				both.Wait()
				if !bytes.Equal(answers[0].Body.Bytes(), answers[1].Body.Bytes()) {
					t.Errorf("the answers differ: %s, %s", answers[0].Body, answers[1].Body)
				}
				w.Header().Set("Content-Type", answers[i%2].Header().Get("Content-Type"))
				_, _ = w.Write(answers[i/3%2].Body.Bytes())
			})
		}
		s := r.commit()
		r.round()
		if r.waits(s) || !r.stored(s) {
			t.Errorf("it waits %t, it is stored %t", r.waits(s), r.stored(s))
		}
		if n := r.all(); n != i+1 {
			t.Errorf("the hub holds %d submissions, %d were committed", n, i+1)
		}
	}
}

// somebody answers in the hub's place.
type somebody struct {
	tls   *tls.Config // nil = plain HTTP
	says  http.HandlerFunc
	code  fault.Code // by which the kiosk calls it
	knows bool       // it speaks as the hub does: the line is up, however it refuses
	shut  bool       // TLS keeps it out, before anything is handed to it
}

func text(status int, kind, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const loginPage = "<!doctype html><title>Free Wi-Fi</title><p>Please log in.</p>"

// Whoever stands in the hub's place, and whatever they say: the submission stays,
// nothing is believed, and the line is called what it is.
func TestSomebodyElseInTheHubsPlace(t *testing.T) {
	r := newLineRig(t)
	server := func(now time.Time, host string) *tls.Config {
		cert, err := r.pki.Server(now, host)
		r.ok(err)
		return &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	right := server(time.Now(), "127.0.0.1")
	old := server(time.Now(), "127.0.0.1")
	old.MaxVersion = tls.VersionTLS12 // which the kiosk must refuse
	foreign := newModelWorld(t)
	foreignCert, err := foreign.pki.Server(time.Now(), "127.0.0.1")
	r.ok(err)
	client, err := tls.X509KeyPair([]byte(r.enrol.ClientCert), []byte(r.enrol.ClientKey))
	r.ok(err)
	followed := 0
	portal := r.server(nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed++ }))
	defer portal.Close()
	page := text(http.StatusOK, "text/html", loginPage)
	var s wire.Submission // the one that is sent
	earlier := r.commit()
	r.round()
	stolen, err := r.store.Submission(t.Context(), earlier.ID)
	r.ok(err)
	signed := func(key func() hub.Keys, change func(*wire.AckBody)) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			body := wire.AckBody{
				Schema: wire.Schema, ID: s.ID, Hash: s.Hash(), Kiosk: s.Kiosk, StoredAt: time.Now().UTC().Truncate(time.Second),
				Verdict: wire.Verdict{Accepted: true},
			}
			change(&body)
			ack, err := wire.SignAck(key().Ack, r.enrol.AckKeys[0].ID, body)
			if err != nil {
				t.Error(err)
			}
			text(http.StatusOK, "application/json", string(mustMarshal(ack)))(w, req)
		}
	}
	asIs := func(*wire.AckBody) {}
	// Those whom TLS keeps out would say what is right: nothing but TLS stands against them.
	word := signed(r.pki.Keys, asIs)
	ended := time.Now().Add(-90*24*time.Hour - 12*time.Hour) // 12 hours ago
	for name, who := range map[string]somebody{
		"no TLS":                                {nil, word, fault.HubRubbish, false, true},
		"a log-in page":                         {nil, page, fault.HubRubbish, false, true},
		"a foreign CA":                          {&tls.Config{Certificates: []tls.Certificate{foreignCert}}, word, fault.HubRubbish, false, true},
		"an expired certificate":                {server(ended, "127.0.0.1"), word, fault.ClockWrong, false, true},
		"a certificate from before the hub":     {server(time.Now().AddDate(-10, 0, 0), "127.0.0.1"), word, fault.HubRubbish, false, true},
		"a certificate of tomorrow":             {server(time.Now().AddDate(1, 0, 0), "127.0.0.1"), word, fault.ClockWrong, false, true},
		"another host's certificate":            {server(time.Now(), "192.0.2.1"), word, fault.HubRubbish, false, true},
		"another host's expired certificate":    {server(ended, "192.0.2.1"), word, fault.HubRubbish, false, true},
		"a kiosk's certificate":                 {&tls.Config{Certificates: []tls.Certificate{client}}, word, fault.HubRubbish, false, true},
		"TLS 1.2":                               {old, word, fault.HubRubbish, false, true},
		"HTML from the right server":            {right, page, fault.HubRubbish, false, false},
		"HTML that is called JSON":              {right, text(http.StatusOK, "application/json", loginPage), fault.HubRubbish, false, false},
		"a redirect":                            {right, text(http.StatusFound, "text/html", "", "Location", portal.URL), fault.HubRubbish, false, false},
		"a lasting redirect of the method":      {right, text(http.StatusPermanentRedirect, "text/html", "", "Location", portal.URL), fault.HubRubbish, false, false},
		"no content":                            {right, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, fault.HubRubbish, false, false},
		"an empty answer":                       {right, text(http.StatusOK, "application/json", ""), fault.HubRubbish, false, false},
		"an empty object":                       {right, text(http.StatusOK, "application/json", "{}"), fault.HubRubbish, false, false},
		"another content type":                  {right, text(http.StatusOK, "text/plain", string(stolen.Ack)), fault.HubRubbish, false, false},
		"an answer without end":                 {right, endless, fault.HubRubbish, false, false},
		"an answer that drips":                  {right, drips, fault.HubSlow, false, false},
		"no answer":                             {right, silent, fault.HubSlow, false, false},
		"a proxy without its hub":               {right, text(http.StatusBadGateway, "text/html", loginPage, "Retry-After", "1"), fault.LineDown, false, false},
		"a log-in page that says so":            {right, text(http.StatusNetworkAuthenticationRequired, "text/html", loginPage), fault.HubRubbish, false, false},
		"an acknowledgement of another":         {right, text(http.StatusOK, "application/json", string(stolen.Ack)), fault.HubRubbish, false, false},
		"an acknowledgement by another hub":     {right, signed(foreign.pki.Keys, asIs), fault.HubRubbish, false, false},
		"an acknowledgement of other content":   {right, signed(r.pki.Keys, func(b *wire.AckBody) { b.Hash = stolen.Hash }), fault.HubRubbish, false, false},
		"an acknowledgement for another kiosk":  {right, signed(r.pki.Keys, func(b *wire.AckBody) { b.Kiosk = "other" }), fault.HubRubbish, false, false},
		"an acknowledgement of another id":      {right, signed(r.pki.Keys, func(b *wire.AckBody) { b.ID = earlier.ID }), fault.HubRubbish, false, false},
		"the right word with a wrong signature": {right, resigns(signed(r.pki.Keys, asIs)), fault.HubRubbish, false, false},
		"a hub that does not know the kiosk": {right, text(http.StatusForbidden, "application/problem+json",
			string(mustMarshal(wire.Problem{Type: "about:blank", Status: http.StatusForbidden, Code: fault.HubRefused}))), fault.HubRefused, true, false},
		"a hub that is out of order": {right, text(http.StatusServiceUnavailable, "application/problem+json",
			string(mustMarshal(wire.Problem{Type: "about:blank", Status: http.StatusServiceUnavailable, Code: fault.Internal}))), fault.Internal, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			s = r.commit()
			var reached atomic.Int32
			other := r.server(who.tls, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				reached.Add(1)
				who.says(w, req)
			}))
			defer other.Close()
			r.line.Lead(other.Listener.Addr().String())
			r.line.Break()
			r.client.Close() // what is open leads to the hub
			if who.code == fault.HubSlow {
				r.client.opts.Background = soonTired
			}
			if _, err := r.client.Submit(t.Context(), s); fault.CodeOf(err) != who.code {
				t.Errorf("it is called %q (%v), not %q", fault.CodeOf(err), err, who.code)
			}
			for range downAfter {
				r.round()
			}
			if !r.waits(s) || r.stored(s) {
				t.Errorf("it waits %t, it is stored %t", r.waits(s), r.stored(s))
			}
			if n := reached.Load(); n > 0 == who.shut {
				t.Errorf("%d requests were handed over, by TLS shut out %t", n, who.shut)
			}
			if r.courier.line.up != who.knows {
				t.Errorf("the line is called up %t", r.courier.line.up)
			}
			r.line.Break() // lets those go that are not heard out
			r.heals(s, name)
		})
	}
	if followed > 0 {
		t.Errorf("%d redirects were followed", followed)
	}
}

// endless writes until nobody listens.
func endless(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	w.Header().Set("Content-Type", "application/json")
	for {
		if _, err := w.Write(bytes.Repeat([]byte(" "), 4096)); err != nil {
			return
		}
	}
}

// silent says nothing until nobody listens.
func silent(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	<-req.Context().Done()
	panic(http.ErrAbortHandler) // or an empty answer would be sent after all
}

// drips writes too slowly, until nobody listens.
func drips(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(1000))
	drop := time.NewTicker(5 * time.Millisecond)
	defer drop.Stop()
	for {
		if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-drop.C:
		case <-req.Context().Done():
			return
		}
	}
}

// resigns spoils the signature of what next says.
func resigns(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		next(answer, req)
		signed, err := wire.DecodeSignedAck(answer.Body.Bytes())
		if err != nil {
			panic(err)
		}
		signed.Sig[5] ^= 1
		text(http.StatusOK, "application/json", string(mustMarshal(signed)))(w, req)
	}
}
