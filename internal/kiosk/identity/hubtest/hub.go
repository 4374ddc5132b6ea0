// Package hubtest is a hub that keeps the kiosks' side of the protocol honest: it
// enrols, renews, rotates its keys, pushes over the link and revokes, over real TLS.
// Its policy is the test's, which changes it while the hub runs.
package hubtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Hub is one hub with its kiosks.
type Hub struct {
	CA   *CA
	Addr string

	mu       sync.Mutex
	codes    map[string]*pairing // by hash of the token
	revoked  bool
	name     string
	seals    []wire.SealPrivateKey // the present one first; the others still open
	sign     ed25519.PrivateKey
	acks     []ed25519.PrivateKey // the newest first
	listed   int                  // how many of acks Desired names
	life     time.Duration        // of certificates
	early    time.Duration        // how long ago they began
	lie      func(*wire.Enrolled)
	refuse   map[string]wire.Problem // by path
	skew     time.Duration
	stored   map[string]string // submission → key it was sealed to
	asked    map[string]int    // by path
	lastCert *x509.Certificate
	links    map[*websocket.Conn]string // → run
	changed  *sync.Cond
}

type pairing struct {
	kiosk   string
	expired bool
}

// New starts a hub. It ends with the test.
func New(tb testing.TB) *Hub { return NewWith(tb, NewCA(time.Now()), Serve{}) }

// Serve is how a hub shows itself. The zero value is right in everything.
type Serve struct {
	Host        string    // of the certificate; default 127.0.0.1
	From, Until time.Time // of the certificate
	Old         bool      // a hub that knows no enrolment
	Max         uint16    // version of TLS
	Chain       *CA       // whose certificate is shown behind the server's; default its own
}

// NewWith starts a hub with this authority.
func NewWith(tb testing.TB, ca *CA, s Serve) *Hub {
	tb.Helper()
	now := time.Now()
	if s.Host == "" {
		s.Host = "127.0.0.1"
	}
	if s.From.IsZero() {
		s.From, s.Until = now.Add(-24*time.Hour), now.Add(90*24*time.Hour) // a hub that is ahead shows it too
	}
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	h := &Hub{
		CA: ca, Addr: ln.Addr().String(), codes: map[string]*pairing{}, name: "棚の前", listed: 1,
		life: 90 * 24 * time.Hour, early: time.Hour, refuse: map[string]wire.Problem{},
		stored: map[string]string{}, asked: map[string]int{}, links: map[*websocket.Conn]string{},
	}
	h.changed = sync.NewCond(&h.mu)
	h.RotateSeal(tb)
	h.RotateAck(tb, 1)
	cert := ca.Server(s.Host, s.From, s.Until)
	if s.Chain != nil {
		cert.Certificate[1] = s.Chain.Cert.Raw
	}
	clients := x509.NewCertPool()
	clients.AddCert(ca.Cert)
	mutual := &tls.Config{
		MinVersion: tls.VersionTLS12, MaxVersion: s.Max, Certificates: []tls.Certificate{cert},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	}
	open := mutual.Clone()
	open.ClientAuth, open.NextProtos = tls.NoClientCert, []string{wire.ALPNEnrol}
	outer := mutual.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, wire.ALPNEnrol) && !s.Old {
			return open, nil
		}
		return nil, nil
	}
	server := &http.Server{
		Handler: h.routes(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), ReadHeaderTimeout: 10 * time.Second,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){wire.ALPNEnrol: h.enrolOn},
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(tls.NewListener(ln, outer)) }()
	tb.Cleanup(func() {
		h.DropLinks()
		_ = server.Close()
		<-done
	})
	return h
}

// enrolOn serves a connection without client certificate: enrolment and nothing else.
func (h *Hub) enrolOn(_ *http.Server, conn *tls.Conn, _ http.Handler) {
	one := &oneConn{conn: conn, closed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathEnrol, h.enrol)
	_ = (&http.Server{Handler: h.dated(mux), ReadHeaderTimeout: 10 * time.Second}).Serve(one)
	<-one.closed
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn   *tls.Conn
	once   sync.Once
	closed chan struct{}
}

// plain hides from the server that the connection is TLS, whose protocol it would not
// know.
type plain struct {
	net.Conn
	end func()
}

// Close tells the listener, too.
func (p plain) Close() error { defer p.end(); return p.Conn.Close() }

// Accept gives the connection once, and then waits for its end.
func (o *oneConn) Accept() (net.Conn, error) {
	var c net.Conn
	o.once.Do(func() { c = plain{o.conn, sync.OnceFunc(func() { close(o.closed) })} })
	if c != nil {
		return c, nil
	}
	<-o.closed
	return nil, io.EOF
}

// Close does nothing: the connection has its own.
func (o *oneConn) Close() error { return nil }

// Addr is the connection's.
func (o *oneConn) Addr() net.Addr { return o.conn.LocalAddr() }

// dated puts the hub's time on answers.
func (h *Hub) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", h.now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}

func (h *Hub) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.skew)
}

func (h *Hub) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathRenew, h.renew)
	mux.HandleFunc("GET "+wire.PathDesired, func(w http.ResponseWriter, _ *http.Request) { reply(w, h.Desired()) })
	mux.HandleFunc("GET "+wire.PathLink, h.link)
	mux.HandleFunc("PUT "+wire.PathSubmissions+"{id}", h.submit)
	mux.HandleFunc("POST "+wire.PathReport, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return h.dated(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.asked[r.URL.Path]++
		h.lastCert = r.TLS.PeerCertificates[0]
		p, refused := h.refuse[r.URL.Path]
		if h.revoked {
			p, refused = wire.Problem{Status: http.StatusForbidden, Code: fault.KioskRevoked}, true
		}
		h.changed.Broadcast()
		h.mu.Unlock()
		if refused {
			problem(w, p)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

func (h *Hub) enrol(w http.ResponseWriter, r *http.Request) {
	req, ok := read[wire.EnrolRequest](w, r)
	if !ok {
		return
	}
	csr, err := x509.ParseCertificateRequest(req.CSR)
	if err != nil || csr.CheckSignature() != nil {
		problem(w, wire.Problem{Status: http.StatusBadRequest, Code: fault.BadMessage})
		return
	}
	kiosk := wire.KioskID(csr.RawSubjectPublicKeyInfo)
	h.mu.Lock()
	p := h.codes[hex.EncodeToString(wire.PairingTokenHash(req.Token))]
	lie := h.lie
	h.asked[r.URL.Path]++
	switch {
	case p == nil, p.expired, p.kiosk != "" && p.kiosk != kiosk: // alike, as at the true hub
		h.mu.Unlock()
		problem(w, wire.Problem{Status: http.StatusForbidden, Code: fault.HubRefused, Detail: "the code is not taken"})
		return
	}
	p.kiosk = kiosk
	h.mu.Unlock()
	a := wire.Enrolled{Kiosk: kiosk, ClientCert: h.certFor(kiosk, csr), Desired: h.Desired()}
	if lie != nil {
		lie(&a)
	}
	reply(w, a)
}

func (h *Hub) certFor(kiosk string, csr *x509.CertificateRequest) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := time.Now().Add(h.skew - h.early)
	return h.CA.Client(kiosk, csr.PublicKey, from, from.Add(h.life))
}

func (h *Hub) renew(w http.ResponseWriter, r *http.Request) {
	req, ok := read[wire.RenewRequest](w, r)
	if !ok {
		return
	}
	csr, err := x509.ParseCertificateRequest(req.CSR)
	cert := r.TLS.PeerCertificates[0]
	if err != nil || csr.CheckSignature() != nil || !bytes.Equal(csr.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) {
		problem(w, wire.Problem{Status: http.StatusUnprocessableEntity, Code: fault.BadMessage})
		return
	}
	reply(w, wire.Renewed{ClientCert: h.certFor(cert.Subject.CommonName, csr)})
}

// Desired is what the hub wants kiosks to be.
func (h *Hub) Desired() wire.Desired {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := wire.Desired{Name: h.name, SealKeyID: h.seals[0].ID(), SealKey: h.seals[0].Public().Bytes()}
	for _, k := range h.acks[:h.listed] {
		d.AckKeys = append(d.AckKeys, wire.AckKeyOf(k.Public().(ed25519.PublicKey)))
	}
	b, _ := json.Marshal(d) // a struct of texts and bytes
	sum := sha256.Sum256(b)
	d.Revision = hex.EncodeToString(sum[:8])
	return d
}

func (h *Hub) submit(w http.ResponseWriter, r *http.Request) {
	s, ok := read[wire.Submission](w, r)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.seals {
		if k.ID() != s.KeyID {
			continue
		}
		if _, err := wire.Open(k, s); err != nil {
			break
		}
		h.stored[s.ID] = s.KeyID
		h.changed.Broadcast()
		key := h.sign
		a, err := wire.SignAck(key, wire.AckKeyOf(key.Public().(ed25519.PublicKey)).ID, wire.AckBody{
			Schema: wire.Schema, ID: s.ID, Hash: s.Hash(), Kiosk: s.Kiosk, StoredAt: time.Now().UTC().Truncate(time.Second),
			Verdict: wire.Verdict{Accepted: true},
		})
		if err == nil {
			reply(w, a)
			return
		}
	}
	problem(w, wire.Problem{Status: http.StatusServiceUnavailable, Code: fault.HubRefused})
}

func (h *Hub) link(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	h.mu.Lock()
	h.links[conn] = r.Header.Get(wire.HeaderRun)
	h.changed.Broadcast()
	h.mu.Unlock()
	for err == nil {
		_, _, err = conn.ReadMessage()
	}
	h.mu.Lock()
	delete(h.links, conn)
	h.changed.Broadcast()
	h.mu.Unlock()
	_ = conn.Close()
}

// Until waits for something about the hub to be so, at most 20 seconds.
func (h *Hub) Until(tb testing.TB, what string, so func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { h.mu.Lock(); h.changed.Broadcast(); h.mu.Unlock() })()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !so() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			tb.Fatalf("cannot see: %s", what)
		}
		h.changed.Wait()
	}
}

func read[T any](w http.ResponseWriter, r *http.Request) (T, bool) {
	b, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody))
	var v T
	if err == nil {
		v, err = wire.Decode[T](b)
	}
	if err != nil {
		problem(w, wire.Problem{Status: http.StatusBadRequest, Code: fault.BadMessage})
	}
	return v, err == nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func problem(w http.ResponseWriter, p wire.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
