package hub_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/wire"
)

func TestNoConnectionWithoutAClientCertificate(t *testing.T) {
	r := newRig(t)
	foreign, err := pki.Open(t.TempDir(), time.Now())
	must(t, err)
	e, err := foreign.Enrol("demo", "https://127.0.0.1:1", time.Now())
	must(t, err)
	pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
	must(t, err)
	server, err := r.keys.Server(time.Now(), "demo")
	must(t, err)
	for name, cert := range map[string]*tls.Certificate{"none": nil, "of another CA": &pair, "a server's": &server} {
		resp, err := r.client(cert).Get(r.srv.URL + hub.PathOpenAPI)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("certificate %s: got %s", name, resp.Status)
		}
	}
}

func TestUnenrolledKioskIsRefused(t *testing.T) {
	k := newRig(t).kiosk("stranger")
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.HubRefused)
}

func TestBadRequests(t *testing.T) {
	k := newRig(t).kiosk("demo")
	put := wire.PathSubmissions + wire.NewSubmissionID()
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
	}{
		"empty":        {"PUT", put, "", 400},
		"garbage":      {"PUT", put, "\x00\xff", 400},
		"other id":     {"PUT", put, string(mustJSON(t, k.reserve(persona(t, "taro")))), 400},
		"oversize":     {"PUT", put, strings.Repeat(" ", wire.MaxBody+1), 413},
		"unknown path": {"POST", "/v1/nothing", "{}", 404},
		"wrong method": {"POST", put, "{}", 405},
		"unknown field": {"POST", wire.PathIssueResend,
			`{"request_id":"aaaaaaaaaa","session":"x","more":1}`, 400},
		"repeated field": {"POST", wire.PathIssueResend,
			`{"request_id":"aaaaaaaaaa","session":"x","session":"y"}`, 400},
		"short request id": {"POST", wire.PathIssueResend, `{"request_id":"a","session":"x"}`, 400},
		"two values":       {"POST", wire.PathReport, "{}{}", 400},
	} {
		status, answer := k.send(tc.method, tc.path, []byte(tc.body))
		p, err := wire.Decode[wire.Problem](answer)
		if status != tc.status || err != nil || p.Status != status || p.Code != fault.BadMessage {
			t.Errorf("%s: status %d %s (%v)", name, status, answer, err)
		}
	}
	if k.alarms(hub.AlarmGarbage) == 0 {
		t.Error("no alarm for rubbish")
	}
}

func TestSameRequestGivesSameAnswer(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	start := startOf("4980000000000014", "09012345678")
	first := call[wire.IssueStarted](k, wire.PathIssueStart, start, 200)
	again := call[wire.IssueStarted](k, wire.PathIssueStart, start, 200)
	if first != again {
		t.Errorf("answers differ: %+v, %+v", first, again)
	}
	if sms, err := r.box.Messages(t.Context(), "", 9); err != nil || len(sms) != 1 {
		t.Errorf("%d messages were sent (%v)", len(sms), err)
	}
	start.Birth = "1951-04-01"
	k.refused(wire.PathIssueStart, start, http.StatusConflict, fault.BadMessage)

	verify := wire.IssueVerify{RequestID: wire.NewNonce(), Session: first.Session, Code: "nope"}
	for range 5 { // one wrong code, asked for five times, costs one try
		if p := k.refused(wire.PathIssueVerify, verify, 422, fault.OTPWrong); p.TriesLeft != 2 {
			t.Fatalf("%d tries left", p.TriesLeft)
		}
	}
	// Answers expire; then the call is made anew.
	r.ahead.Store(int64(time.Hour))
	if p := k.refused(wire.PathIssueVerify, verify, 422, fault.OTPWrong); p.TriesLeft != 1 {
		t.Errorf("after expiry %d tries are left", p.TriesLeft)
	}
}

func TestAnswersAreSealedInTheStore(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	issued := k.issue("4980000000000014", "09012345678", "abcd1234")
	ack, signed := k.put(k.reserve(persona(t, "taro")))
	b := dump(t, r.dir+"/hub.db") + dump(t, r.dir+"/hub.db-wal") + dump(t, r.dir+"/sandbox.db") + dump(t, r.dir+"/sandbox.db-wal")
	for _, secret := range []string{string(ack.Verdict().MyKeyID), string(signed), issued.ServiceID, `"` + string(issued.Codes[0]) + `"`, "abcd1234", "09012345678", "4980000000000014"} {
		if strings.Contains(b, secret) {
			t.Errorf("the store holds %q in clear", secret)
		}
	}
}

func TestRefusalOfAnAbsentIssuerIsNotKept(t *testing.T) {
	k := newRig(t).kiosk("demo")
	start := startOf("4980000000000048", "09012345678")
	p := k.refused(wire.PathIssueStart, start, http.StatusServiceUnavailable, fault.IssuerDown)
	if p.RetryAfterSec == 0 {
		t.Error("no time to retry")
	}
	// The same id may be tried again, and with a corrected body as well.
	start.CardNumber = "4980000000000014"
	call[wire.IssueStarted](k, wire.PathIssueStart, start, 200)
}

func TestRateLimit(t *testing.T) {
	r := newRig(t)
	api := &hub.API{Ingest: r.ingest, Issuer: r.box, Store: r.store, Vault: r.ingest.Vault, Now: r.now, Log: r.ingest.Log, Rate: 0.001, Burst: 2}
	r.srv.Close()
	cert, err := r.keys.Server(time.Now(), "127.0.0.1")
	must(t, err)
	r.srv = httptest.NewUnstartedServer(api.Handler())
	r.srv.TLS = hub.ServerTLS(cert, r.keys.Pool())
	r.srv.StartTLS()
	a, b := r.kiosk("demo"), r.kiosk("other")
	for range 2 {
		if status, _ := a.send("POST", wire.PathReport, []byte("{}")); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
	}
	if p := a.refused(wire.PathReport, wire.Report{}, http.StatusTooManyRequests, fault.TooFast); p.RetryAfterSec < 1 {
		t.Error("no time to retry")
	}
	if status, _ := b.send("POST", wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Error("one kiosk slows another down")
	}
	for _, path := range []string{"/v1/nothing", wire.PathReport} { // which nobody may GET
		if status, _ := a.send(http.MethodGet, path, nil); status != http.StatusTooManyRequests {
			t.Errorf("GET %s beyond the rate gives %d", path, status)
		}
	}
}

func TestReport(t *testing.T) {
	k := newRig(t).kiosk("demo")
	in := wire.Report{Version: "1", Screen: "top", Devices: map[string]string{"printer": "ok"}, Queued: 3, Faults: []fault.Code{fault.PaperLow}}
	if status, b := k.send("POST", wire.PathReport, mustJSON(t, in)); status != http.StatusNoContent || len(b) != 0 {
		t.Fatalf("status %d: %s", status, b)
	}
	got, err := k.store.Kiosk(t.Context(), "demo")
	must(t, err)
	if !bytes.Equal(mustJSON(t, got.Report), mustJSON(t, in)) || got.ReportedAt.IsZero() {
		t.Errorf("stored %+v", got)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return b
}

// brokenIssuer has a defect whose panic holds what a shopper typed.
type brokenIssuer struct{ hub.Issuer }

func (brokenIssuer) Lookup(_ context.Context, r wire.Lookup) (wire.Account, error) {
	panic("no account for " + r.Phone + " " + r.Password)
}

func TestPanicsAreLoggedWithoutTheirValues(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	var log bytes.Buffer
	api := &hub.API{
		Ingest: r.ingest, Issuer: brokenIssuer{}, Store: r.store, Vault: r.ingest.Vault, Now: r.now,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	r.srv.Close()
	cert, err := r.keys.Server(time.Now(), "127.0.0.1")
	must(t, err)
	r.srv = httptest.NewUnstartedServer(api.Handler())
	r.srv.TLS = hub.ServerTLS(cert, r.keys.Pool())
	r.srv.StartTLS()
	p := call[wire.Problem](k, wire.PathLookup,
		wire.Lookup{RequestID: wire.NewNonce(), Phone: "09012345678", Password: "Zebra42quux"}, http.StatusInternalServerError)
	if p.Code != fault.Internal {
		t.Errorf("problem %+v", p)
	}
	r.srv.Close() // the log is written in full
	if text := log.String(); strings.Contains(text, "09012345678") || strings.Contains(text, "Zebra42quux") || !strings.Contains(text, "brokenIssuer") {
		t.Errorf("the log is\n%s", text)
	}
}
