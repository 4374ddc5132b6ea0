package hub_test

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
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/storetest"
	"kioskd/internal/wire"
)

const fixtures = "../hw/card/cardtest/testdata/"

// rig is a whole hub on a real listener with real files.
type rig struct {
	t      testing.TB
	dir    string
	keys   *pki.PKI
	store  storetest.Store
	box    *sandbox.Sandbox
	ingest *hub.Ingest
	srv    *httptest.Server
	ahead  atomic.Int64 // of the hub's clock
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.start()
	t.Cleanup(r.stop)
	for _, k := range []string{"demo", "other"} {
		must(t, r.store.EnsureKiosk(t.Context(), k, time.Now()))
	}
	return r
}

func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *rig) start() {
	t := r.t
	t.Helper()
	var err error
	r.keys, err = pki.Open(filepath.Join(r.dir, "keys"), time.Now())
	must(t, err)
	v, err := r.keys.Vault()
	must(t, err)
	cat, err := catalogue.Load()
	must(t, err)
	bare, err := sqlite.Open(t.Context(), filepath.Join(r.dir, "hub.db"))
	must(t, err)
	must(t, hub.Admit(t.Context(), bare, v))
	r.store = storetest.Sealing(bare, v)
	r.box, err = sandbox.Open(t.Context(), filepath.Join(r.dir, "sandbox.db"), v, sandbox.Options{
		Catalogue: cat, Wait: func(context.Context, time.Duration) error { return nil },
	})
	must(t, err)
	roots := x509.NewCertPool()
	root, err := os.ReadFile(fixtures + "root.pem")
	must(t, err)
	roots.AppendCertsFromPEM(root)
	log := slog.New(slog.DiscardHandler)
	r.ingest = &hub.Ingest{
		Store: r.store, Platform: r.box, Keys: r.keys.Keys, Vault: v, Now: r.now, Log: log,
		Verifier: &hub.Verifier{Roots: roots, MaxAge: hub.DefaultMaxAge, MaxAhead: hub.DefaultMaxAhead},
	}
	r.srv = r.serve(r.ingest, r.box)
}

// serve runs the API over in and issuer on a listener of its own.
func (r *rig) serve(in *hub.Ingest, issuer hub.Issuer) *httptest.Server {
	r.t.Helper()
	return r.listen(r.api(in, issuer))
}

// api is a hub's API, without a limit on its kiosks.
func (r *rig) api(in *hub.Ingest, issuer hub.Issuer) *hub.API {
	return &hub.API{
		Ingest: in, Issuer: issuer, Store: in.Store, Vault: in.Vault, Now: r.now, Log: in.Log, Rate: 1e6, Burst: 1e6,
		Authority: r.keys,
	}
}

func (r *rig) listen(api *hub.API) *httptest.Server {
	t := r.t
	t.Helper()
	cert, err := r.keys.Server(time.Now(), "127.0.0.1")
	must(t, err)
	srv := httptest.NewUnstartedServer(api.Handler())
	srv.Config.TLSNextProto = api.Protocols()
	srv.TLS = hub.ServerTLS(cert, r.keys.Pool())
	if api.Door != nil {
		srv.Listener = api.Door.Listen(srv.Listener)
		api.Door.Watch(srv.Config)
	}
	srv.TLS.Time = r.now
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	return srv
}

func (r *rig) stop() {
	r.srv.Close()
	must(r.t, r.store.Close())
	must(r.t, r.box.Close())
}

// kiosk is an enrolled client.
type kiosk struct {
	*rig
	t    testing.TB // of the running test or fuzz input
	id   string
	e    *wire.Enrolment
	seal wire.SealPublicKey
	acks *wire.AckVerifier
	pair tls.Certificate
	http *http.Client
	base func() string // the hub's address
}

func (r *rig) kiosk(id string) *kiosk {
	t := r.t
	t.Helper()
	e, err := r.keys.Enrol(id, "https://127.0.0.1:1", time.Now())
	must(t, err)
	must(t, e.Validate())
	k := &kiosk{rig: r, t: t, id: id, e: e, base: func() string { return r.srv.URL }}
	k.seal, err = wire.ParseSealPublicKey(e.SealKey)
	must(t, err)
	k.acks, err = wire.NewAckVerifier(e.AckKeys...)
	must(t, err)
	k.pair, err = tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	must(t, err)
	k.http = r.client(&k.pair)
	return k
}

func (r *rig) client(cert *tls.Certificate) *http.Client {
	c := &tls.Config{RootCAs: r.keys.Pool(), MinVersion: tls.VersionTLS13}
	if cert != nil {
		c.Certificates = []tls.Certificate{*cert}
	}
	tr := &http.Transport{TLSClientConfig: c}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (k *kiosk) send(method, path string, body []byte) (int, []byte) {
	k.t.Helper()
	req, err := http.NewRequestWithContext(k.t.Context(), method, k.base()+path, bytes.NewReader(body))
	must(k.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := k.http.Do(req)
	must(k.t, err)
	b, err := io.ReadAll(resp.Body)
	must(k.t, err)
	must(k.t, resp.Body.Close())
	if resp.StatusCode >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
		k.t.Errorf("%s %s: %d has type %q", method, path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return resp.StatusCode, b
}

// call posts in and decodes the answer, which must have this status.
func call[T any](k *kiosk, path string, in any, status int) T {
	k.t.Helper()
	b, err := json.Marshal(in)
	must(k.t, err)
	got, answer := k.send(http.MethodPost, path, b)
	if got != status {
		k.t.Fatalf("%s: status %d, not %d: %s", path, got, status, answer)
	}
	out, err := wire.Decode[T](answer)
	must(k.t, err)
	return out
}

// put hands a submission over and verifies the acknowledgement.
func (k *kiosk) put(s wire.Submission) (wire.Ack, []byte) {
	k.t.Helper()
	b, err := json.Marshal(s)
	must(k.t, err)
	status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
	if status != http.StatusOK {
		k.t.Fatalf("status %d: %s", status, answer)
	}
	signed, err := wire.DecodeSignedAck(answer)
	must(k.t, err)
	ack, err := k.acks.Verify(signed, s.ID, s.Hash(), k.id)
	must(k.t, err)
	return ack, answer
}

func (k *kiosk) sealed(p wire.Payload) wire.Submission {
	k.t.Helper()
	s, err := wire.Seal(k.seal, k.id, wire.NewSubmissionID(), p)
	must(k.t, err)
	return s
}

func (k *kiosk) reserve(p *person) wire.Submission { return k.sealed(p.payload(k.reservation())) }

func (k *kiosk) reservation() wire.Document {
	return k.document(wire.Document{Kind: wire.KindReservation, Reservation: &wire.Reservation{}})
}

func (k *kiosk) document(d wire.Document) wire.Document {
	d.Schema, d.Kiosk, d.Time, d.Nonce = wire.Schema, k.id, k.now().UTC().Truncate(time.Second), wire.NewNonce()
	return d
}

func (k *kiosk) apply(p *person, a wire.Application) wire.Submission {
	return k.sealed(p.payload(k.document(wire.Document{Kind: wire.KindApplication, Application: &a})))
}

// issue goes through a whole issuance.
func (k *kiosk) issue(card, phone, password string) wire.Issued {
	k.t.Helper()
	st := call[wire.IssueStarted](k, wire.PathIssueStart, startOf(card, phone), 200)
	sms, err := k.box.Messages(k.t.Context(), phone, 1)
	must(k.t, err)
	call[wire.IssueVerified](k, wire.PathIssueVerify,
		wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: sms[0].Code}, 200)
	return call[wire.Issued](k, wire.PathIssueComplete,
		wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: wire.Private(password)}, 200)
}

func startOf(card, phone string) wire.IssueStart {
	return wire.IssueStart{
		RequestID: wire.NewNonce(), Service: "aeon-card-waon", CardNumber: card, NameKana: "ヤマダ　タロウ",
		Birth: "1950-04-01", Phone: wire.Private(phone),
	}
}

// person is a card's holder.
type person struct {
	t    testing.TB
	cert []byte
	key  *rsa.PrivateKey
}

func persona(t testing.TB, name string) *person {
	t.Helper()
	b, err := os.ReadFile(fixtures + name + ".pem")
	must(t, err)
	cert, rest := pem.Decode(b)
	private, _ := pem.Decode(rest)
	key, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	must(t, err)
	return &person{t, cert.Bytes, key.(*rsa.PrivateKey)}
}

func (p *person) sign(d wire.Document) wire.Signed {
	p.t.Helper()
	b, err := wire.EncodeDocument(d)
	must(p.t, err)
	digest := wire.Digest(b)
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, digest[:])
	must(p.t, err)
	return wire.Signed{Document: b, Signature: sig, Certificate: p.cert}
}

func (p *person) payload(d wire.Document) wire.Payload {
	s := p.sign(d)
	return wire.Payload{Schema: wire.Schema, Kind: d.Kind, Signed: &s}
}

func (k *kiosk) refused(path string, in any, status int, code fault.Code) wire.Problem {
	k.t.Helper()
	p := call[wire.Problem](k, path, in, status)
	if p.Code != code || p.Status != status {
		k.t.Errorf("%s: refused with %+v, not %s", path, p, code)
	}
	return p
}

func (r *rig) alarms(kind hub.AlarmKind) int {
	r.t.Helper()
	list, err := r.store.Alarms(r.t.Context(), 100)
	must(r.t, err)
	n := 0
	for _, a := range list {
		if a.Kind == kind {
			n += a.Times
		}
	}
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
