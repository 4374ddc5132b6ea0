package hub_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// newcomer is a kiosk that has a key and no certificate yet.
type newcomer struct {
	*rig
	t   testing.TB
	key crypto.Signer
}

func (r *rig) newcomer(t testing.TB) *newcomer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return &newcomer{r, t, key}
}

// invite makes a pairing code that the hub knows.
func (r *rig) invite(name string) wire.PairingCode {
	r.t.Helper()
	code, err := wire.NewPairingCode("127.0.0.1:8443", r.keys.CA())
	must(r.t, err)
	now := r.now()
	must(r.t, r.store.Invite(r.t.Context(), hub.Invitation{TokenHash: code.TokenHash(), Name: name, Made: now, Expires: now.Add(time.Hour)}))
	return code
}

func csrOf(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	must(t, err)
	return csr
}

// enrolTLS is how a kiosk connects that knows nothing of the hub but its code.
func enrolTLS(code wire.PairingCode) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{wire.ALPNEnrol},
		InsecureSkipVerify: true, // the chain is held against the pinned CA
		VerifyConnection: func(s tls.ConnectionState) error {
			ca := s.PeerCertificates[len(s.PeerCertificates)-1]
			if !code.Pins(ca.Raw) {
				return x509.UnknownAuthorityError{Cert: ca}
			}
			roots := x509.NewCertPool()
			roots.AddCert(ca)
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: "127.0.0.1"})
			return err
		},
	}
}

// ask sends a request over a new connection.
func ask(t testing.TB, c *tls.Config, method, url string, body []byte) (int, []byte, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: tr, Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

func (n *newcomer) enrol(code wire.PairingCode) (int, []byte) {
	n.t.Helper()
	return n.enrolWith(code, wire.EnrolRequest{Token: code.Token[:], CSR: csrOf(n.t, n.key)})
}

func (n *newcomer) enrolWith(code wire.PairingCode, r wire.EnrolRequest) (int, []byte) {
	n.t.Helper()
	status, b, err := ask(n.t, enrolTLS(code), http.MethodPost, n.srv.URL+wire.PathEnrol, mustJSON(n.t, r))
	must(n.t, err)
	return status, b
}

// enrolled enrols and gives the kiosk, ready to speak.
func (n *newcomer) enrolled(code wire.PairingCode) (*kiosk, wire.Enrolled) {
	n.t.Helper()
	status, b := n.enrol(code)
	if status != http.StatusOK {
		n.t.Fatalf("status %d: %s", status, b)
	}
	e, err := wire.Decode[wire.Enrolled](b)
	must(n.t, err)
	return n.speaking(e.Kiosk, e.ClientCert), e
}

func (n *newcomer) speaking(id, certPEM string) *kiosk {
	n.t.Helper()
	k := &kiosk{rig: n.rig, t: n.t, id: id, base: func() string { return n.srv.URL }}
	k.pair = pairOf(n.t, certPEM, n.key)
	k.http = n.client(&k.pair)
	return k
}

func pairOf(t testing.TB, certPEM string, key crypto.Signer) tls.Certificate {
	t.Helper()
	return tls.Certificate{Certificate: [][]byte{certOf(t, certPEM).Raw}, PrivateKey: key}
}

func certOf(t testing.TB, certPEM string) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode([]byte(certPEM))
	if block == nil || len(bytes.TrimSpace(rest)) != 0 {
		t.Fatalf("not one certificate: %q", certPEM)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	return c
}

func problemOf(t testing.TB, b []byte) wire.Problem {
	t.Helper()
	p, err := wire.Decode[wire.Problem](b)
	must(t, err)
	return p
}

func TestEnrol(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	r := newRig(t)
	for name, n := range map[string]*newcomer{"P-256": r.newcomer(t), "Ed25519": {r, t, ed}} {
		k, e := n.enrolled(r.invite("Store " + name))
		spki, err := x509.MarshalPKIXPublicKey(n.key.Public())
		must(t, err)
		cert := certOf(t, e.ClientCert)
		if e.Kiosk != wire.KioskID(spki) || !bytes.Equal(cert.RawSubjectPublicKeyInfo, spki) {
			t.Errorf("%s: enrolled %q with another key", name, e.Kiosk)
		}
		if life := cert.NotAfter.Sub(r.now()); life < hub.ClientLife-time.Minute || life > hub.ClientLife {
			t.Errorf("%s: good for %v", name, life)
		}
		if e.Desired.Name != "Store "+name || e.Desired.SealKeyID != r.keys.Keys().SealTo || len(e.Desired.AckKeys) != 1 || e.Desired.Revision == "" {
			t.Errorf("%s: desired %+v", name, e.Desired)
		}
		if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
			t.Errorf("%s: the enrolled kiosk is answered %d %s", name, status, b)
		}
		status, b := k.send(http.MethodGet, wire.PathDesired, nil)
		if d, err := wire.Decode[wire.Desired](b); err != nil || status != http.StatusOK || string(mustJSON(t, d)) != string(mustJSON(t, e.Desired)) {
			t.Errorf("%s: desired is %d %s (%v)", name, status, b, err)
		}
		row, err := r.store.Kiosk(t.Context(), e.Kiosk)
		must(t, err)
		if !row.CertUntil.Equal(cert.NotAfter) || row.Name != "Store "+name || len(row.KeyHash) != 32 {
			t.Errorf("%s: row %+v", name, row)
		}
		if list, err := r.store.Certificates(t.Context(), e.Kiosk); err != nil || len(list) != 1 || list[0].Serial != cert.SerialNumber.Text(16) {
			t.Errorf("%s: certificates %+v (%v)", name, list, err)
		}
	}
}

func TestPairingCodesThatAreNotAccepted(t *testing.T) {
	r := newRig(t)
	wrong, err := wire.NewPairingCode("127.0.0.1:1", r.keys.CA())
	must(t, err)
	used, late := r.invite("used"), r.invite("late")
	first := r.newcomer(t)
	first.enrolled(used)
	answers := map[string]string{}
	refused := func(name string, n *newcomer, code wire.PairingCode) {
		t.Helper()
		status, b := n.enrol(code)
		if p := problemOf(t, b); status != http.StatusForbidden || p.Code != fault.HubRefused {
			t.Errorf("%s: %d %s", name, status, b)
		}
		answers[string(b)] = name
	}
	refused("a wrong token", r.newcomer(t), wrong)
	refused("a code that another key used", r.newcomer(t), used)
	if n := r.alarms(hub.AlarmEnrol); n != 2 {
		t.Errorf("%d alarms", n)
	}
	// Its own key may ask again: the answer may have been lost.
	k, e := first.enrolled(used)
	if status, _ := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("asked again: %d", status)
	}
	r.ahead.Store(int64(time.Hour + time.Second))
	refused("an expired code", r.newcomer(t), late)
	refused("its own code after an hour", first, used)
	if len(answers) != 1 {
		t.Errorf("the answers tell reasons apart: %v", answers)
	}
	// A used code lifts no revocation, a new one does.
	must(t, r.store.Revoke(t.Context(), e.Kiosk, "stolen", r.now()))
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
	refused("the code of a revoked kiosk", first, used)
	k, _ = first.enrolled(r.invite("again"))
	if status, _ := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("enrolled again: %d", status)
	}
}

func TestCertificateRequestsThatAreNotAccepted(t *testing.T) {
	r := newRig(t)
	code := r.invite("x")
	n := r.newcomer(t)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	good := csrOf(t, n.key)
	forged := slices.Clone(good)
	forged[len(forged)-1] ^= 1
	for name, csr := range map[string][]byte{
		"RSA": csrOf(t, weak), "P-384": csrOf(t, p384), "forged": forged, "nothing": nil, "cut": good[:len(good)-3],
		"more behind": append(slices.Clone(good), 0), "too long": make([]byte, 5<<10),
	} {
		status, b := n.enrolWith(code, wire.EnrolRequest{Token: code.Token[:], CSR: csr})
		if p := problemOf(t, b); status != http.StatusBadRequest || p.Field != "csr" {
			t.Errorf("%s: %d %s", name, status, b)
		}
	}
	for _, body := range []string{"", "[]", `{"token":"AA==","csr":"AA==","x":1}`, `{"token":1}`} {
		status, b, err := ask(t, enrolTLS(code), http.MethodPost, r.srv.URL+wire.PathEnrol, []byte(body))
		must(t, err)
		if p := problemOf(t, b); status != http.StatusBadRequest || p.Code != fault.BadMessage {
			t.Errorf("%q: %d %s", body, status, b)
		}
	}
	n.enrolled(code) // none of it used the code up
}

// A connection without a client certificate is for enrolling and nothing else.
func TestConnectionsToEnrol(t *testing.T) {
	r := newRig(t)
	code := r.invite("x")
	for _, tc := range []struct{ method, path string }{
		{"GET", wire.PathEnrol}, {"POST", wire.PathReport}, {"POST", wire.PathRenew}, {"GET", wire.PathDesired}, {"GET", wire.PathLink},
		{"GET", hub.PathOpenAPI}, {"PUT", wire.PathSubmissions + wire.NewSubmissionID()}, {"POST", "/"}, {"GET", "//v1/report"},
	} {
		status, b, err := ask(t, enrolTLS(code), tc.method, r.srv.URL+tc.path, []byte("{}"))
		must(t, err)
		if status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, status, b)
		}
	}
	with := func(change func(*tls.Config)) *tls.Config {
		c := enrolTLS(code)
		change(c)
		return c
	}
	body := mustJSON(t, wire.EnrolRequest{Token: code.Token[:], CSR: csrOf(t, r.newcomer(t).key)})
	self, err := tls.X509KeyPair(selfSigned(t))
	must(t, err)
	for name, c := range map[string]*tls.Config{
		"no protocol":          with(func(c *tls.Config) { c.NextProtos = nil }),
		"another protocol":     with(func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }),
		"TLS 1.2":              with(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }),
		"a self-signed client": {MinVersion: tls.VersionTLS13, RootCAs: r.keys.Pool(), Certificates: []tls.Certificate{self}},
	} {
		if status, b, err := ask(t, c, http.MethodPost, r.srv.URL+wire.PathEnrol, body); err == nil {
			t.Errorf("%s: answered %d %s", name, status, b)
		}
	}
	// With a certificate the path leads nowhere.
	k := r.kiosk("demo")
	k.refused(wire.PathEnrol, wire.EnrolRequest{Token: code.Token[:], CSR: csrOf(t, r.newcomer(t).key)}, http.StatusForbidden, fault.HubRefused)
	// One request a connection, so that a stranger holds none.
	conn, err := tls.Dial("tcp", r.srv.Listener.Addr().String(), enrolTLS(code))
	must(t, err)
	defer conn.Close()
	if p := conn.ConnectionState().NegotiatedProtocol; p != wire.ALPNEnrol {
		t.Errorf("negotiated %q", p)
	}
	_, err = io.WriteString(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2))
	must(t, err)
	must(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	all, err := io.ReadAll(conn)
	if n := bytes.Count(all, []byte("HTTP/1.1 ")); n != 1 || err != nil {
		t.Errorf("%d answers on one connection (%v)", n, err)
	}
}

// selfSigned is a certificate that says what a good one says.
func selfSigned(t *testing.T) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "demo"}, URIs: []*url.URL{hub.KioskURI("demo")},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	k, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: k})
}

func TestRenew(t *testing.T) {
	r := newRig(t)
	n := r.newcomer(t)
	k, e := n.enrolled(r.invite("x"))
	r.ahead.Store(int64(hub.ClientLife / 3 * 2))
	got := call[wire.Renewed](k, wire.PathRenew, wire.RenewRequest{CSR: csrOf(t, n.key)}, http.StatusOK)
	old, renewed := certOf(t, e.ClientCert), certOf(t, got.ClientCert)
	if !bytes.Equal(old.RawSubjectPublicKeyInfo, renewed.RawSubjectPublicKeyInfo) || old.SerialNumber.Cmp(renewed.SerialNumber) == 0 {
		t.Error("not a new certificate of the same key")
	}
	if renewed.NotAfter.Sub(old.NotAfter) < hub.ClientLife/2 {
		t.Errorf("from %v to %v", old.NotAfter, renewed.NotAfter)
	}
	row, err := r.store.Kiosk(t.Context(), k.id)
	must(t, err)
	if !row.CertUntil.Equal(renewed.NotAfter) {
		t.Errorf("row %+v", row)
	}
	// Another key is another kiosk.
	p := k.refused(wire.PathRenew, wire.RenewRequest{CSR: csrOf(t, r.newcomer(t).key)}, http.StatusBadRequest, fault.BadMessage)
	if p.Field != "csr" {
		t.Errorf("refused for %+v", p)
	}
	// An open connection does not outlive the certificate that it began with.
	r.ahead.Store(int64(hub.ClientLife + time.Hour))
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.HubRefused)
}

// A certificate of the hub's CA in which ID and key do not belong together is
// refused: somebody has tricked the CA, or has its key.
func TestIDAndKeyBelongTogether(t *testing.T) {
	r := newRig(t)
	k, _ := r.newcomer(t).enrolled(r.invite("x"))
	thief := r.newcomer(t)
	certPEM, err := r.keys.Client(hub.NewCertificate(k.id, time.Now()), thief.key.Public())
	must(t, err)
	thief.speaking(k.id, certPEM).refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.HubRefused)
}

func TestStrangersAreSlowedDown(t *testing.T) {
	r := newRig(t)
	code := r.invite("x")
	n := r.newcomer(t)
	var status int
	var b []byte
	for range 40 {
		if status, b = n.enrolWith(code, wire.EnrolRequest{Token: []byte("guess"), CSR: csrOf(t, n.key)}); status != http.StatusForbidden {
			break
		}
	}
	if p := problemOf(t, b); status != http.StatusTooManyRequests || p.Code != fault.TooFast || p.RetryAfterSec == 0 {
		t.Errorf("%d %s", status, b)
	}
	r.ahead.Store(int64(time.Minute))
	n.enrolled(code)
}

// FuzzEnrol throws requests at the door that strangers may knock at.
func FuzzEnrol(f *testing.F) {
	r := newRig(f)
	code := r.invite("x")
	good, err := json.Marshal(wire.EnrolRequest{Token: code.Token[:], CSR: csrOf(f, r.newcomer(f).key)})
	must(f, err)
	f.Add(good, []byte{})
	f.Add([]byte(`{"token":"AAAA","csr":"MAA="}`), []byte{})
	f.Add([]byte(`{}`), csrOf(f, r.newcomer(f).key))
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(f, err)
	f.Add([]byte(`{}`), csrOf(f, weak))
	door := r.api(r.ingest, r.box).EnrolHandler()
	f.Fuzz(func(t *testing.T, body, csr []byte) {
		if len(csr) > 0 {
			body = mustJSON(t, wire.EnrolRequest{Token: code.Token[:], CSR: csr})
		}
		r.ahead.Add(int64(time.Second)) // so that no limit stands before the parsers
		req := httptest.NewRequest(http.MethodPost, wire.PathEnrol, bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		door.ServeHTTP(rec, req)
		switch rec.Code {
		case 200, 400, 403, 413:
		default:
			t.Errorf("status %d: %s", rec.Code, rec.Body)
		}
	})
}
