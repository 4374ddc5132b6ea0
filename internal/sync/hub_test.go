package sync

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	stdsync "sync"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// keys is one hub's identity and the enrolment of one kiosk at it.
type keys struct {
	seal  wire.SealPrivateKey
	ack   ed25519.PrivateKey
	ackID string
	tls   *tls.Config
	enrol *wire.Enrolment
}

func newKeys(tb testing.TB) *keys {
	tb.Helper()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	seal, err := wire.NewSealKey()
	must(err)
	ack, err := wire.NewAckKey()
	must(err)
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	until := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub CA"}, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(err)
	ca, err = x509.ParseCertificate(caDER)
	must(err)
	issue := func(serial int64, name string, usage x509.ExtKeyUsage) (certPEM, keyPEM []byte) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		tpl := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: until,
			ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		der, err := x509.CreateCertificate(rand.Reader, tpl, ca, key.Public(), caKey)
		must(err)
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		must(err)
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	}
	serverCert, serverKey := issue(2, "hub", x509.ExtKeyUsageServerAuth)
	clientCert, clientKey := issue(3, "kiosk-1", x509.ExtKeyUsageClientAuth)
	pair, err := tls.X509KeyPair(serverCert, serverKey)
	must(err)
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	key := wire.AckKeyOf(ack.Public().(ed25519.PublicKey))
	return &keys{
		seal: seal, ack: ack, ackID: key.ID,
		tls: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
		enrol: &wire.Enrolment{
			Kiosk: "kiosk-1", HubURL: "https://127.0.0.1:1", HubCA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})),
			ClientCert: string(clientCert), ClientKey: string(clientKey),
			SealKeyID: seal.ID(), SealKey: seal.Public().Bytes(), AckKeys: []wire.AckKey{key},
		},
	}
}

func (k *keys) enrolment() (*wire.Enrolment, bool) { return k.enrol, true }

// ledger is what a hub must do with submissions: store each once, answer each.
type ledger struct {
	keys *keys

	mu    stdsync.Mutex
	rows  map[string][]byte // id → hash
	order []string
	tries map[string]int
}

func newLedger(k *keys) *ledger {
	return &ledger{keys: k, rows: map[string][]byte{}, tries: map[string]int{}}
}

// store answers as the protocol says; ok is false for a conflict.
func (l *ledger) store(s wire.Submission) (wire.SignedAck, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries[s.ID]++
	if old, ok := l.rows[s.ID]; ok && !bytes.Equal(old, s.Hash()) {
		return wire.SignedAck{}, false, nil
	} else if !ok {
		if _, err := wire.Open(l.keys.seal, s); err != nil {
			return wire.SignedAck{}, false, err
		}
		l.rows[s.ID] = s.Hash()
		l.order = append(l.order, s.ID)
	}
	a, err := wire.SignAck(l.keys.ack, l.keys.ackID, wire.AckBody{Schema: wire.Schema, ID: s.ID, Hash: s.Hash(),
		Kiosk: s.Kiosk, StoredAt: time.Unix(1790000000, 0).UTC(), Verdict: wire.Verdict{Accepted: true}})
	return a, true, err
}

func (l *ledger) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.order...)
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody))
	if err != nil {
		return
	}
	if r.URL.Path == wire.PathReport {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s, err := wire.DecodeSubmission(b)
	if err != nil || r.Method != http.MethodPut || r.URL.Path != wire.PathSubmissions+s.ID {
		problem(w, wire.Problem{Status: 400, Code: fault.BadMessage})
		return
	}
	a, ok, err := l.store(s)
	if err != nil || !ok {
		problem(w, wire.Problem{Status: 409, Code: fault.HubRefused})
		return
	}
	reply(w, a)
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

// serve starts a TLS server with handler and points the enrolment at it.
func serve(tb testing.TB, k *keys, h http.Handler) *httptest.Server {
	tb.Helper()
	s := httptest.NewUnstartedServer(h)
	s.TLS = k.tls.Clone()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.StartTLS()
	tb.Cleanup(s.Close)
	k.enrol.HubURL = s.URL
	return s
}

func newClient(tb testing.TB, k *keys, o ClientOptions) *Client {
	tb.Helper()
	c, err := NewClient(k.enrol, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func openOutbox(tb testing.TB, path string, k *keys) *Outbox {
	tb.Helper()
	o, err := OpenOutbox(context.Background(), path, k.enrolment, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func newOutbox(tb testing.TB, k *keys) *Outbox {
	tb.Helper()
	o := openOutbox(tb, filepath.Join(tb.TempDir(), "outbox", "outbox.db"), k)
	tb.Cleanup(func() {
		if err := o.Close(); err != nil {
			tb.Error(err)
		}
	})
	return o
}

func entry(visit string, kind wire.Kind) Entry {
	e := Entry{Visit: visit, Slip: string(kind), Lang: "en", Payload: wire.Payload{Schema: wire.Schema, Kind: kind}}
	now := time.Unix(1790000000, 0).UTC()
	d := wire.Document{Schema: wire.Schema, Kind: kind, Kiosk: "kiosk-1", Time: now, Nonce: wire.NewNonce()}
	switch kind {
	case wire.KindIssuance:
		e.Payload.Issuance = &wire.Issuance{Kiosk: "kiosk-1", Time: now, IssueRef: "ref", Service: "aeon"}
		return e
	case wire.KindReservation:
		d.Reservation = &wire.Reservation{}
	default:
		d.Application = &wire.Application{Service: "aeon", ServiceID: "6900123456789012", Codes: []wire.Private{"123456"}, PhoneLast4: "5678", Terms: "1"}
	}
	b, err := wire.EncodeDocument(d)
	if err != nil {
		panic(err)
	}
	e.Payload.Signed = &wire.Signed{Document: b, Signature: []byte{1}, Certificate: []byte{2}}
	return e
}

func commit(tb testing.TB, o *Outbox, visit string, kind wire.Kind) string {
	tb.Helper()
	c, err := o.Commit(context.Background(), entry(visit, kind))
	if err != nil {
		tb.Fatal(err)
	}
	return c.ID
}

func pending(tb testing.TB, o *Outbox) int {
	tb.Helper()
	n, err := o.Pending(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return n
}
