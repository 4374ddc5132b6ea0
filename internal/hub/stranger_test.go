package hub_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
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

// What a kiosk knows of another one helps it to nothing: it reads, writes and
// addresses nothing of it, and what it tries changes nothing there.
func TestAKioskReachesNothingOfAnother(t *testing.T) {
	r := newRig(t)
	mine, theirs := r.kiosk("demo"), r.kiosk("other")

	// Issuances: the session of another kiosk is none.
	started := call[wire.IssueStarted](theirs, wire.PathIssueStart, startOf("4980000000000014", "09012345678"), http.StatusOK)
	sms, err := r.box.Messages(t.Context(), "09012345678", 1)
	must(t, err)
	for _, tc := range []struct {
		path string
		body any
	}{
		{wire.PathIssueResend, wire.IssueResend{RequestID: wire.NewNonce(), Session: started.Session}},
		{wire.PathIssueVerify, wire.IssueVerify{RequestID: wire.NewNonce(), Session: started.Session, Code: sms[0].Code}},
		{wire.PathIssueVerify, wire.IssueVerify{RequestID: wire.NewNonce(), Session: started.Session, Code: "nope"}},
		{wire.PathIssueComplete, wire.IssueComplete{RequestID: wire.NewNonce(), Session: started.Session, Password: "abcd1234"}},
	} {
		mine.refused(tc.path, tc.body, http.StatusGone, fault.SessionLost)
	}
	verify := wire.IssueVerify{RequestID: wire.NewNonce(), Session: started.Session, Code: sms[0].Code}
	verified := call[wire.IssueVerified](theirs, wire.PathIssueVerify, verify, http.StatusOK) // no try was used up
	mine.refused(wire.PathIssueComplete, wire.IssueComplete{RequestID: wire.NewNonce(), Session: verified.Session, Password: "abcd1234"},
		http.StatusGone, fault.SessionLost)

	// Answers: the same request of another kiosk is another request.
	complete := wire.IssueComplete{RequestID: wire.NewNonce(), Session: started.Session, Password: "abcd1234"}
	issued := call[wire.Issued](theirs, wire.PathIssueComplete, complete, http.StatusOK)
	p := mine.refused(wire.PathIssueComplete, complete, http.StatusGone, fault.SessionLost)
	if strings.Contains(string(mustJSON(t, p)), issued.ServiceID) {
		t.Error("the answer to another kiosk is given away")
	}

	// Submissions: by another's name, by another's id, and another's as they are.
	taro := persona(t, "taro")
	stored := theirs.reserve(taro)
	_, ack := theirs.put(stored)
	refuse := func(what string, s wire.Submission, status int) {
		t.Helper()
		got, answer := mine.send(http.MethodPut, wire.PathSubmissions+s.ID, mustJSON(t, s))
		if got != status {
			t.Errorf("%s: status %d, not %d: %s", what, got, status, answer)
		}
		if _, err := wire.DecodeSignedAck(answer); err == nil {
			t.Errorf("%s: it is acknowledged", what)
		}
	}
	refuse("a submission of another that is stored", stored, http.StatusForbidden)
	renamed := stored
	renamed.Kiosk = mine.id
	refuse("the same in my name", renamed, http.StatusConflict)
	own, err := wire.Seal(mine.seal, mine.id, stored.ID, taro.payload(mine.reservation()))
	must(t, err)
	refuse("my own under its id", own, http.StatusConflict)
	if _, again := theirs.put(stored); string(again) != string(ack) {
		t.Error("the submission of another was changed")
	}
	// A submission that its kiosk has not sent yet, taken off its disk: it is sealed to
	// that kiosk, and the other one's own sending is answered as if nothing had been.
	waiting := theirs.reserve(taro)
	taken := waiting
	taken.Kiosk, taken.ID = mine.id, wire.NewSubmissionID()
	if v, _ := mine.put(taken); v.Verdict().Code != fault.DocumentRefused {
		t.Errorf("taken off another's disk: %+v", v.Verdict())
	}
	if v, _ := theirs.put(waiting); !v.Verdict().Accepted {
		t.Errorf("the one whose it is: %+v", v.Verdict())
	}

	// A document that was signed at another kiosk, for an inquiry as for a submission.
	inquiry := taro.sign(theirs.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}}))
	mine.refused(wire.PathInquiry, wire.NewInquiryRequest(inquiry),
		http.StatusUnprocessableEntity, fault.DocumentRefused)

	// A record of an issuance that names another kiosk.
	record := wire.Issuance{Kiosk: theirs.id, Time: r.now().UTC().Truncate(time.Second), IssueRef: "ref", Service: "waon"}
	foreign := r.alarms(hub.AlarmForeign)
	if v, _ := mine.put(mine.sealed(wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &record})); v.Verdict().Accepted {
		t.Error("another kiosk's issuance is accepted")
	}
	if r.alarms(hub.AlarmForeign) != foreign+1 {
		t.Error("no alarm")
	}

	// Reports: they are of whoever sends them, whatever they say.
	status, answer := mine.send(http.MethodPost, wire.PathReport, []byte(`{"kiosk":"other","version":"x"}`))
	if status != http.StatusBadRequest {
		t.Errorf("a report that names a kiosk: status %d: %s", status, answer)
	}
	if status, answer := mine.send(http.MethodPost, wire.PathReport, mustJSON(t, wire.Report{Version: "mine"})); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, answer)
	}
	if k, err := r.store.Kiosk(t.Context(), theirs.id); err != nil || k.Report.Version == "mine" || !k.ReportedAt.IsZero() {
		t.Errorf("the report of another kiosk: %+v (%v)", k, err)
	}

	// Nothing can be read back at all.
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodPost, http.MethodPatch} {
		if status, answer := mine.send(method, wire.PathSubmissions+stored.ID, nil); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: status %d: %s", method, status, answer)
		}
	}
}

// A hub that has lost a seal key answers by ID and hash alone, what it has stored and to
// whom it belongs. Whoever has copied another kiosk's submission gets no acknowledgement of
// it, nor a word by which it could be told from any other content under its ID.
func TestWithoutItsKeyAStoredSubmissionAnswersItsKioskAlone(t *testing.T) {
	r := newRig(t)
	mine, theirs := r.kiosk("demo"), r.kiosk("other")
	stored := theirs.reserve(persona(t, "taro"))
	_, ack := theirs.put(stored)
	keys := r.ingest.Keys
	r.ingest.Keys = func() hub.Keys { k := keys(); k.Seal = nil; return k }
	if _, again := theirs.put(stored); string(again) != string(ack) {
		t.Error("its own kiosk gets another answer")
	}
	copied := stored
	copied.Kiosk = mine.id
	own, err := wire.Seal(mine.seal, mine.id, stored.ID, persona(t, "taro").payload(mine.reservation()))
	must(t, err)
	var answers []string
	for i, s := range []wire.Submission{copied, own} {
		status, answer := mine.send(http.MethodPut, wire.PathSubmissions+s.ID, mustJSON(t, s))
		if status != http.StatusConflict {
			t.Errorf("status %d: %s", status, answer)
		}
		if _, err := wire.DecodeSignedAck(answer); err == nil {
			t.Errorf("it is acknowledged: %s", answer)
		}
		if n := r.alarms(hub.AlarmConflict); n != i+1 {
			t.Errorf("%d alarms", n)
		}
		answers = append(answers, string(answer))
	}
	if answers[0] != answers[1] {
		t.Errorf("it learns which content is stored:\n%s\n%s", answers[0], answers[1])
	}
}

// A message that was changed on its way is refused, or stored as worthless; what it
// pretends to be is stored neither under its id nor under another.
func TestMessagesThatWereChanged(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(k *kiosk, s *wire.Submission)
		status int
	}{
		"another version":       {func(_ *kiosk, s *wire.Submission) { s.Schema++ }, http.StatusBadRequest},
		"no version":            {func(_ *kiosk, s *wire.Submission) { s.Schema = 0 }, http.StatusBadRequest},
		"nothing in it":         {func(_ *kiosk, s *wire.Submission) { s.Sealed = nil }, http.StatusBadRequest},
		"too much in it":        {func(_ *kiosk, s *wire.Submission) { s.Sealed = make([]byte, wire.MaxSealed+1) }, http.StatusBadRequest},
		"no id":                 {func(_ *kiosk, s *wire.Submission) { s.ID = "x" }, http.StatusBadRequest},
		"no key":                {func(_ *kiosk, s *wire.Submission) { s.KeyID = "" }, http.StatusBadRequest},
		"another key":           {func(_ *kiosk, s *wire.Submission) { s.KeyID = "seal-0000000000000000" }, http.StatusServiceUnavailable},
		"cut at the front":      {func(_ *kiosk, s *wire.Submission) { s.Sealed = s.Sealed[1:] }, http.StatusOK},
		"cut at the end":        {func(_ *kiosk, s *wire.Submission) { s.Sealed = s.Sealed[:len(s.Sealed)-1] }, http.StatusOK},
		"cut to one byte":       {func(_ *kiosk, s *wire.Submission) { s.Sealed = s.Sealed[:1] }, http.StatusOK},
		"longer":                {func(_ *kiosk, s *wire.Submission) { s.Sealed = append(s.Sealed, 0) }, http.StatusOK},
		"the first bit":         {func(_ *kiosk, s *wire.Submission) { s.Sealed[0] ^= 1 }, http.StatusOK},
		"a bit in the middle":   {func(_ *kiosk, s *wire.Submission) { s.Sealed[len(s.Sealed)/2] ^= 0x10 }, http.StatusOK},
		"under another id":      {func(_ *kiosk, s *wire.Submission) { s.ID = wire.NewSubmissionID() }, http.StatusOK},
		"sealed by another hub": {func(k *kiosk, s *wire.Submission) { *s = k.sealedElsewhere(s) }, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			k := newRig(t).kiosk("demo")
			s := k.reserve(persona(t, "taro"))
			whole := s
			whole.Sealed = append([]byte(nil), s.Sealed...)
			tc.change(k, &s)
			status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, mustJSON(t, s))
			if status != tc.status {
				t.Fatalf("status %d: %s", status, answer)
			}
			if status == http.StatusOK {
				signed, err := wire.DecodeSignedAck(answer)
				must(t, err)
				ack, err := k.acks.Verify(signed, s.ID, s.Hash(), k.id)
				must(t, err)
				if v := ack.Verdict(); v.Accepted || v.Code != fault.DocumentRefused {
					t.Errorf("verdict %+v", v)
				}
				// It proves nothing about the one that was not changed.
				if _, err := k.acks.Verify(signed, whole.ID, whole.Hash(), k.id); err == nil {
					t.Error("it is an acknowledgement of what was meant to be sent")
				}
				return
			}
			if _, n, err := k.store.Submissions(t.Context(), hub.Filter{Limit: 1}); err != nil || n != 0 {
				t.Errorf("%d are stored (%v)", n, err)
			}
			if ack, _ := k.put(whole); !ack.Verdict().Accepted {
				t.Errorf("the one that was not changed: %+v", ack.Verdict())
			}
		})
	}
}

// sealedElsewhere gives a submission for this hub's key by name, sealed to another.
func (k *kiosk) sealedElsewhere(s *wire.Submission) wire.Submission {
	k.t.Helper()
	key, err := wire.NewSealKey()
	must(k.t, err)
	other, err := wire.Seal(key.Public(), k.id, s.ID, persona(k.t, "taro").payload(k.reservation()))
	must(k.t, err)
	other.KeyID = s.KeyID
	return other
}

// Who has no certificate of a kiosk that is valid now gets no answer at all.
func TestCertificatesThatOpenNothing(t *testing.T) {
	r := newRig(t)
	enrolled := func(p *pki.PKI, id string, at time.Time) tls.Certificate {
		e, err := p.Enrol(id, "https://127.0.0.1:1", at)
		must(t, err)
		pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
		must(t, err)
		return pair
	}
	foreign, err := pki.Open(t.TempDir(), time.Now())
	must(t, err)
	server, err := r.keys.Server(time.Now(), "demo")
	must(t, err)
	good := enrolled(r.keys, "demo", time.Now())
	swapped := good
	swapped.PrivateKey = enrolled(r.keys, "other", time.Now()).PrivateKey
	for name, cert := range map[string]*tls.Certificate{
		"none":                        nil,
		"of another CA":               new(enrolled(foreign, "demo", time.Now())),
		"a server's":                  &server,
		"one that ran out":            new(enrolled(r.keys, "demo", time.Now().AddDate(-30, 0, 0))),
		"one of tomorrow":             new(enrolled(r.keys, "demo", time.Now().AddDate(1, 0, 0))),
		"without the key of its name": &swapped,
	} {
		resp, err := r.client(cert).Get(r.srv.URL + hub.PathOpenAPI)
		if err == nil {
			_ = resp.Body.Close()
			t.Errorf("%s: got %s", name, resp.Status)
		}
	}
	// Nor over an older TLS, with the right certificate.
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10} {
		old := &tls.Config{RootCAs: r.keys.Pool(), Certificates: []tls.Certificate{good}, MinVersion: version, MaxVersion: version}
		conn, err := tls.Dial("tcp", r.srv.Listener.Addr().String(), old)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s is spoken", tls.VersionName(version))
		}
	}
}

// A certificate of the hub's own CA names one kiosk, and in both places the same.
func TestCertificatesThatNameNoKiosk(t *testing.T) {
	r := newRig(t)
	api := &hub.API{Ingest: r.ingest, Issuer: r.box, Store: r.store, Vault: r.ingest.Vault, Now: r.now, Log: r.ingest.Log}
	for name, change := range map[string]func(*x509.Certificate){
		"another common name": func(c *x509.Certificate) { c.Subject.CommonName = "other" },
		"no common name":      func(c *x509.Certificate) { c.Subject.CommonName = "" },
		"no URI":              func(c *x509.Certificate) { c.URIs = nil },
		"two URIs":            func(c *x509.Certificate) { c.URIs = append(c.URIs, hub.KioskURI("other")) },
		"another URI":         func(c *x509.Certificate) { c.URIs[0] = hub.KioskURI("other") },
		"a URI of something":  func(c *x509.Certificate) { c.URIs[0].Opaque = "kioskd:hub:demo" },
		"no name":             func(c *x509.Certificate) { c.URIs[0], c.Subject.CommonName = hub.KioskURI(""), "" },
		"a path for a name":   func(c *x509.Certificate) { c.URIs[0], c.Subject.CommonName = hub.KioskURI("../demo"), "../demo" },
		"as it is":            nil,
	} {
		e, err := r.keys.Enrol("demo", "https://127.0.0.1:1", time.Now())
		must(t, err)
		pair, err := tls.X509KeyPair([]byte(e.ClientCert), []byte(e.ClientKey))
		must(t, err)
		cert, want := pair.Leaf, http.StatusForbidden
		if change == nil {
			want = http.StatusOK
		} else {
			change(cert)
		}
		if got := answerTo(t, api.Handler(), cert); got != want {
			t.Errorf("%s: status %d, not %d", name, got, want)
		}
	}
	if got := answerTo(t, api.Handler(), nil); got != http.StatusForbidden {
		t.Errorf("without TLS: status %d", got)
	}
	// An ID that is made from a key goes with no other.
	for name, its := range map[string]bool{"its own key's": true, "another key's": false} {
		e, err := r.keys.Enrol("demo", "https://127.0.0.1:1", time.Now())
		must(t, err)
		cert, err := e.Certificate()
		must(t, err)
		id, want := wire.KioskID([]byte("another key")), http.StatusForbidden
		if its {
			id, want = wire.KioskID(cert.RawSubjectPublicKeyInfo), http.StatusOK
		}
		must(t, r.store.EnsureKiosk(t.Context(), id, time.Now()))
		cert.URIs[0], cert.Subject.CommonName = hub.KioskURI(id), id
		if got := answerTo(t, api.Handler(), cert); got != want {
			t.Errorf("an ID that is %s: status %d, not %d", name, got, want)
		}
	}
}

// An acknowledgement is of one submission, one content and one kiosk, by one key:
// any part of another spoils it.
func TestAcknowledgementsProveOneThing(t *testing.T) {
	r := newRig(t)
	k, other := r.kiosk("demo"), r.kiosk("other")
	s := k.reserve(persona(t, "taro"))
	_, answer := k.put(s)
	signed, err := wire.DecodeSignedAck(answer)
	must(t, err)
	body, err := wire.Decode[wire.AckBody](signed.Body)
	must(t, err)
	second := k.reserve(persona(t, "taro"))
	_, answer2 := k.put(second)
	signed2, err := wire.DecodeSignedAck(answer2)
	must(t, err)
	stranger, err := wire.NewAckKey()
	must(t, err)
	with := func(change func(*wire.AckBody)) []byte {
		b := body
		change(&b)
		raw, err := json.Marshal(b)
		must(t, err)
		return raw
	}
	for name, forged := range map[string]wire.SignedAck{
		"another's signature":            {KeyID: signed.KeyID, Body: signed.Body, Sig: signed2.Sig},
		"another's body":                 {KeyID: signed.KeyID, Body: signed2.Body, Sig: signed.Sig},
		"another's whole":                signed2,
		"an unknown key":                 {KeyID: "ack-0000000000000000", Body: signed.Body, Sig: signed.Sig},
		"a space more":                   {KeyID: signed.KeyID, Body: append(append([]byte(nil), signed.Body...), ' '), Sig: signed.Sig},
		"an empty signature":             {KeyID: signed.KeyID, Body: signed.Body, Sig: make([]byte, 64)},
		"refused, with that signature":   {KeyID: signed.KeyID, Body: with(func(b *wire.AckBody) { b.Verdict = wire.Verdict{Code: fault.NotReserved} }), Sig: signed.Sig},
		"another kiosk, that signature":  {KeyID: signed.KeyID, Body: with(func(b *wire.AckBody) { b.Kiosk = other.id }), Sig: signed.Sig},
		"another version, signed by key": resigned(t, r.ingest.Keys(), with(func(b *wire.AckBody) { b.Schema++ })),
		"the right body by a stranger":   resigned(t, hub.Keys{Ack: stranger}, signed.Body),
		"another id by the hub":          resigned(t, r.ingest.Keys(), with(func(b *wire.AckBody) { b.ID = second.ID })),
		"another content by the hub":     resigned(t, r.ingest.Keys(), with(func(b *wire.AckBody) { b.Hash = second.Hash() })),
		"another kiosk by the hub":       resigned(t, r.ingest.Keys(), with(func(b *wire.AckBody) { b.Kiosk = other.id })),
	} {
		if ack, err := k.acks.Verify(forged, s.ID, s.Hash(), k.id); err == nil || ack.Proven() {
			t.Errorf("%s is taken for proof", name)
		}
	}
	if ack, err := k.acks.Verify(signed, s.ID, s.Hash(), k.id); err != nil || !ack.Proven() {
		t.Errorf("the true one: %v", err)
	}
}

// answerTo is the status of a request over a connection with this certificate.
func answerTo(t *testing.T, h http.Handler, cert *x509.Certificate) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, hub.PathOpenAPI, nil)
	if cert != nil {
		req.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{cert}}}
	}
	resp := httptest.NewRecorder()
	h.ServeHTTP(resp, req)
	return resp.Code
}

// resigned signs any body, which [wire.SignAck] would not.
func resigned(t *testing.T, keys hub.Keys, body []byte) wire.SignedAck {
	t.Helper()
	public, ok := keys.Ack.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no Ed25519 key")
	}
	return wire.SignedAck{
		KeyID: wire.AckKeyOf(public).ID, Body: body, Sig: ed25519.Sign(keys.Ack, append([]byte("kioskd ack v1\x00"), body...)),
	}
}

// A fleet whose hub has lost its database is refused, and somebody is told, once.
func TestCertifiedAndUnknown(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"lost-1", "lost-2", "lost-1"} {
		r.kiosk(id).refused(wire.PathReport, wire.Report{Version: "1"}, http.StatusForbidden, fault.HubRefused)
	}
	all, err := r.store.Alarms(t.Context(), 10)
	must(t, err)
	if len(all) != 1 || all[0].Kind != hub.AlarmUnknown || all[0].Times != 3 || !strings.HasPrefix(all[0].Text, "lost-1 ") {
		t.Errorf("alarms: %+v", all)
	}
}
