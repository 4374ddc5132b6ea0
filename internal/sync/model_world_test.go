package sync

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

const cards = "../hw/card/cardtest/testdata/"

// lineMode is what the line does to all that is sent in one step.
type lineMode string

const (
	lineUp      lineMode = "up"
	lineDown    lineMode = "down"
	lineLost    lineMode = "answer lost" // after the hub has acted
	lineDouble  lineMode = "request twice"
	lineCrossed lineMode = "an earlier answer in its place"
	lineForged  lineMode = "answer of a forger"
	linePortal  lineMode = "log-in page"
	lineFull    lineMode = "the hub's store is full"
	lineUnsaid  lineMode = "the hub's store fails once it has stored"
)

func lineModes() []lineMode {
	return []lineMode{lineUp, lineUp, lineUp, lineDown, lineLost, lineDouble, lineCrossed, lineForged, linePortal, lineFull, lineUnsaid}
}

// modelWorld is what all histories share: keys, a person, and the folder.
type modelWorld struct {
	t     *testing.T
	pki   *pki.PKI
	vault *vault.Vault
	cat   *catalogue.Catalogue
	roots *x509.CertPool
	cert  []byte
	key   *rsa.PrivateKey
	enrol *wire.Enrolment
	chain []*x509.Certificate

	base    string // of the folders of all histories
	dir     string
	db      *sqlite.Store
	box     *sandbox.Sandbox
	handler http.Handler
}

func newModelWorld(t *testing.T) *modelWorld {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := &modelWorld{t: t, roots: x509.NewCertPool()}
	var err error
	// A model has no power to cut: where files may live in memory, no flush is waited for.
	w.base, err = os.MkdirTemp("/dev/shm", "model") //nolint:usetesting // not in the folder for tests, which is on a disk
	if err != nil {
		w.base = t.TempDir()
	}
	t.Cleanup(func() { ok(os.RemoveAll(w.base)) })
	w.pki, err = pki.Open(filepath.Join(t.TempDir(), "keys"), time.Now())
	ok(err)
	w.vault, err = w.pki.Vault()
	ok(err)
	w.cat, err = catalogue.Load()
	ok(err)
	root, err := os.ReadFile(cards + "root.pem")
	ok(err)
	w.roots.AppendCertsFromPEM(root)
	taro, err := os.ReadFile(cards + "taro.pem")
	ok(err)
	cert, rest := pem.Decode(taro)
	private, _ := pem.Decode(rest)
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	ok(err)
	w.cert, w.key = cert.Bytes, key.(*rsa.PrivateKey)
	w.enrol, err = w.pki.Enrol("demo", "https://hub.invalid", time.Now())
	ok(err)
	pair, err := tls.X509KeyPair([]byte(w.enrol.ClientCert), []byte(w.enrol.ClientKey))
	ok(err)
	w.chain = []*x509.Certificate{pair.Leaf}
	return w
}

// payload is what a visit submits, signed by the person's card where it has to be.
func (w *modelWorld) payload(kind wire.Kind, now time.Time) wire.Payload {
	now = now.UTC().Truncate(time.Second)
	if kind == wire.KindIssuance {
		return wire.Payload{Schema: wire.Schema, Kind: kind,
			Issuance: &wire.Issuance{Kiosk: "demo", Time: now, IssueRef: wire.NewNonce(), Service: "aeon-card-waon"}}
	}
	d := wire.Document{Schema: wire.Schema, Kind: kind, Kiosk: "demo", Time: now, Nonce: wire.NewNonce()}
	if kind == wire.KindReservation {
		d.Reservation = &wire.Reservation{}
	} else {
		d.Application = &wire.Application{Service: "waon", ServiceID: "6900000000000016", Codes: []wire.Private{"123456"}, PhoneLast4: "5678", Terms: "1"}
	}
	b, err := wire.EncodeDocument(d)
	if err != nil {
		w.t.Fatal(err)
	}
	digest := wire.Digest(b)
	sig, err := rsa.SignPKCS1v15(rand.Reader, w.key, crypto.SHA256, digest[:])
	if err != nil {
		w.t.Fatal(err)
	}
	return wire.Payload{Schema: wire.Schema, Kind: kind, Signed: &wire.Signed{Document: b, Signature: sig, Certificate: w.cert}}
}

func newModel(w *modelWorld, rt *rapid.T) *model {
	m := &model{
		modelWorld: w, rt: rt, ctx: w.t.Context(), tally: map[string]int{}, now: time.Now(),
		refused: map[string]bool{}, aside: map[string]bool{}, acked: map[string]bool{}, line: lineUp, keys: w.pki.Keys(),
	}
	m.ackKeys = append(m.ackKeys, w.enrol.AckKeys...)
	var err error
	w.dir, err = os.MkdirTemp(w.base, "history")
	m.must(err)
	m.startHub()
	m.client, err = NewClient(w.enrol, ClientOptions{})
	m.must(err)
	m.client.http.Transport = m
	m.path = filepath.Join(w.dir, "outbox-0.db")
	m.open()
	return m
}

// open starts outbox and courier on the file at path.
func (m *model) open() {
	var err error
	m.outbox, err = OpenOutbox(m.ctx, m.path, func() (*wire.Enrolment, bool) { return m.enrol, true }, quiet())
	m.must(err)
	if bad := m.outbox.Troubles(m.ctx); len(bad) > 0 {
		m.rt.Fatalf("the outbox has troubles: %v", bad)
	}
	m.courier = NewCourier(m.outbox, m.client, quiet(), CourierOptions{})
	m.courier.now = func() time.Time { return m.now }
	m.lives++
	m.visits = nil
}

// reopen starts the kiosk anew: after an orderly end, or after a kill, which leaves
// the files as they are at this moment.
func (m *model) reopen(rt *rapid.T, killed bool) {
	was := m.path
	if killed {
		m.path = filepath.Join(m.dir, "outbox-"+strconv.Itoa(m.lives)+".db")
		for _, part := range []string{"", "-wal", ".lock"} { // -shm is memory, and dies
			b, err := os.ReadFile(was + part)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			m.must(err)
			m.must(os.WriteFile(m.path+part, b, 0o600))
		}
	}
	m.must(m.outbox.Close())
	m.open()
}

func (m *model) hubNow() time.Time { return m.now.Add(m.ahead) }

// startHub starts the hub anew, with its keys of now and its database.
func (m *model) startHub() {
	m.stopHub()
	var err error
	m.db, err = sqlite.Open(m.ctx, filepath.Join(m.dir, "hub.db"))
	m.must(err)
	m.box, err = sandbox.Open(m.ctx, filepath.Join(m.dir, "sandbox.db"), m.vault, sandbox.Options{Catalogue: m.cat})
	m.must(err)
	store := hub.Seal(m.db, m.vault)
	m.must(hub.Admit(m.ctx, m.db, m.vault))
	m.must(store.EnsureKiosk(m.ctx, "demo", m.hubNow()))
	api := &hub.API{
		Ingest: &hub.Ingest{
			Store: failingStore{store, m}, Platform: m.box, Keys: func() hub.Keys { return m.keys }, Vault: m.vault, Now: m.hubNow, Log: slog.New(slog.DiscardHandler),
			Verifier: &hub.Verifier{Roots: m.roots, MaxAge: hub.DefaultMaxAge, MaxAhead: hub.DefaultMaxAhead},
		},
		Issuer: m.box, Store: store, Vault: m.vault, Now: m.hubNow, Log: slog.New(slog.DiscardHandler), Rate: 1e6, Burst: 1e6,
	}
	m.handler = api.Handler()
}

// failingStore fails in the steps that are for that.
type failingStore struct {
	hub.Store
	m *model
}

func (s failingStore) Put(ctx context.Context, in hub.Stored, q *hub.Quarantine, a *hub.Alarm) (hub.Stored, error) {
	if s.m.line == lineFull {
		return hub.Stored{}, errors.New("no space left on device")
	}
	out, err := s.Store.Put(ctx, in, q, a)
	if err == nil && s.m.line == lineUnsaid {
		err = errors.New("the connection broke")
	}
	return out, err
}

func (m *model) stopHub() {
	if m.db != nil {
		m.must(errors.Join(m.db.Close(), m.box.Close()))
		m.db = nil
	}
}

func (m *model) close() {
	m.stopHub()
	m.must(m.outbox.Close())
	m.must(os.RemoveAll(m.dir))
}

// RoundTrip is the line between the client and the hub's handler.
func (m *model) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	id := strings.TrimPrefix(req.URL.Path, wire.PathSubmissions)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.line {
	case lineDown:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the line is down")}
	case lineForged, lineCrossed: // whoever says so has stored nothing
		return answerOf(http.StatusOK, "application/json", m.forged(body)), nil
	case linePortal:
		return answerOf(http.StatusOK, "text/html", []byte("<p>Please log in.</p>")), nil
	}
	if m.refused[id] {
		m.aside[id] = true
		return answerOf(http.StatusConflict, "application/problem+json", mustMarshal(
			wire.Problem{Type: "about:blank", Title: "Conflict", Status: http.StatusConflict, Code: fault.HubRefused})), nil
	}
	resp := m.serve(req, id, body)
	if m.line == lineDouble {
		resp = m.serve(req, id, body)
	}
	if m.line == lineLost {
		m.tally["lost answers"]++
		return nil, io.ErrUnexpectedEOF
	}
	return resp.Result(), nil
}

// serve lets the hub act once.
func (m *model) serve(req *http.Request, id string, body []byte) *httptest.ResponseRecorder {
	_, before := m.stored()[id]
	r := req.Clone(context.WithoutCancel(req.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.RequestURI = req.URL.Path
	r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{m.chain}}
	resp := httptest.NewRecorder()
	m.handler.ServeHTTP(resp, r)
	if req.URL.Path == wire.PathDesired { // the kiosk looks for a key that it does not know
		return resp
	}
	if resp.Code == http.StatusTooEarly {
		m.aside[id] = true // it may be passed once it has waited for an hour
		m.tally["too early"]++
	}
	if resp.Code == http.StatusServiceUnavailable && (m.line == lineFull || m.line == lineUnsaid) {
		m.aside[id] = true // as well
		m.tally["failures of the store"]++
	}
	_, after := m.stored()[id]
	if !before && after {
		m.arrived = append(m.arrived, id)
		m.tally["stored"]++
	}
	if resp.Code == http.StatusOK {
		if !after {
			m.wrong = id + " was acknowledged and is not stored" // not here: the courier has called
		}
		m.said = append(m.said, bytes.Clone(resp.Body.Bytes()))
	}
	return resp
}

// stored is what the hub holds: id → hash.
func (m *model) stored() map[string][]byte {
	list, _, err := m.db.Submissions(m.ctx, hub.Filter{Limit: -1})
	m.must(err)
	rows := map[string][]byte{}
	for _, s := range list {
		rows[s.ID] = s.Hash
	}
	return rows
}

// waiting is what stands in the outbox, whatever its state.
func (m *model) waiting() []string { return m.column("SELECT id FROM submissions ORDER BY n") }

func (m *model) column(query string) (list []string) {
	rows, err := m.outbox.db.Read().QueryContext(m.ctx, query)
	m.must(err)
	defer func() { m.must(rows.Close()) }()
	for rows.Next() {
		var s string
		m.must(rows.Scan(&s))
		list = append(list, s)
	}
	m.must(rows.Err())
	return list
}

func answerOf(status int, kind string, body []byte) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body))}
}

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
