package hub_test

import (
	"bytes"
	"crypto"
	"net/http"
	"strings"
	"testing"

	"kioskd/internal/fuzztest"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// good is a request that is taken.
type good struct {
	path string
	body []byte
}

// goods makes one for every route that takes a body. The kiosk's keys are this process's
// own, so these must be made in each: no seed of another process would open.
func goods(f *testing.F, k *kiosk) []good {
	f.Helper()
	const id = "0123456789ABCDEFGHJKMNPQRS"
	taro := persona(f, "taro")
	sub, err := wire.Seal(k.seal, k.id, id, taro.payload(k.reservation()))
	must(f, err)
	start := startOf("4980000000000014", "09012345678")
	st := call[wire.IssueStarted](k, wire.PathIssueStart, start, http.StatusOK)
	sms, err := k.box.Messages(f.Context(), string(start.Phone), 1)
	must(f, err)
	entry := wire.AuditEntry{N: 1, At: k.now().Unix(), Event: "start"}
	entry.Hash = entry.Sum(wire.AuditStart())
	inquiry := taro.sign(k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}}))
	signer, ok := k.pair.PrivateKey.(crypto.Signer)
	if !ok {
		f.Fatal("the kiosk's key does not sign")
	}
	nonce := wire.NewNonce
	return []good{
		{wire.PathSubmissions + id, mustJSON(f, sub)},
		{wire.PathIssueStart, mustJSON(f, start)},
		{wire.PathIssueVerify, mustJSON(f, wire.IssueVerify{RequestID: nonce(), Session: st.Session, Code: sms[0].Code})},
		{wire.PathIssueComplete, mustJSON(f, wire.IssueComplete{RequestID: nonce(), Session: st.Session, Password: "Zebra42q"})},
		{wire.PathLookup, mustJSON(f, wire.Lookup{RequestID: nonce(), Phone: start.Phone, Password: "Zebra42q"})},
		{wire.PathInquiry, mustJSON(f, wire.NewInquiryRequest(inquiry))},
		{wire.PathReport, []byte(`{"version":"v1","screen":"top","devices":{"printer":"ready"},"queued":0,"faults":["paper_out"]}`)},
		{wire.PathAudit, mustJSON(f, wire.AuditBatch{Log: id, Prev: wire.AuditStart(), Head: 1, Entries: []wire.AuditEntry{entry}})},
		{wire.PathRenew, mustJSON(f, wire.RenewRequest{CSR: csrOf(f, signer)})},
		{wire.PathIssueResend, mustJSON(f, wire.IssueResend{RequestID: nonce(), Session: "s"})}, // no session of that name
	}
}

// FuzzBodies throws bodies at every route, of its own and good ones that it changes: each
// answer is one of the described statuses, never a defect, and the hub goes on living.
func FuzzBodies(f *testing.F) {
	r := newRig(f)
	api := r.api(r.ingest, r.box)
	api.Messages = 1e9 // so that the issuer is reached
	srv := r.listen(api)
	f.Cleanup(srv.Close)
	k := r.kiosk("demo")
	k.base = func() string { return srv.URL }
	all := goods(f, k)
	for i, g := range all {
		// The control: each is taken, so that what is changed gets as far as it may.
		status, answer := k.send(methodOf(g.path), g.path, g.body)
		if want := g.path != wire.PathIssueResend; (status == http.StatusOK || status == http.StatusNoContent) != want {
			f.Fatalf("%s: status %d: %s", g.path, status, answer)
		}
		f.Add(uint8(i), []byte{}, uint16(0), byte(0), uint16(0), []byte{})
		f.Add(uint8(i), g.body, uint16(0), byte(0), uint16(0), []byte{})
		f.Add(uint8(i), []byte(`{}`), uint16(0), byte(0), uint16(0), []byte{})
		f.Add(uint8(i), []byte{}, uint16(40), byte(1), uint16(0), []byte{})
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte, at uint16, xor byte, cut uint16, put []byte) {
		g := all[int(which)%len(all)]
		unchanged := len(body) == 0 && xor == 0 && cut == 0 && len(put) == 0
		if len(body) == 0 {
			body = fuzztest.Changed(g.body, at, xor, cut, put)
		}
		here := *k
		here.t = t
		status, answer := here.send(methodOf(g.path), g.path, body)
		if !expected(g.path, status) || unchanged && methodOf(g.path) == http.MethodPut && status != http.StatusOK {
			t.Errorf("%s: status %d: %s", g.path, status, answer)
		}
	})
}

// FuzzSealed changes what is signed, and then seals it: the hub gets to judge it. It takes
// only what its holder signed.
func FuzzSealed(f *testing.F) {
	k := newRig(f).kiosk("demo")
	taro := persona(f, "taro")
	for i := range uint8(3) {
		f.Add(i, uint16(0), byte(0), uint16(0), []byte{}) // the control
		f.Add(i, uint16(30), byte(1), uint16(0), []byte{})
		f.Add(i, uint16(1), byte(0), uint16(9), []byte(`{"`))
	}
	f.Fuzz(func(t *testing.T, part uint8, at uint16, xor byte, cut uint16, put []byte) {
		here := *k
		here.t = t
		signer := person{t, taro.cert, taro.key}
		p := signer.payload(here.reservation())
		of := []*[]byte{&p.Signed.Document, &p.Signed.Signature, &p.Signed.Certificate}[int(part)%3]
		before := *of
		*of = fuzztest.Changed(before, at, xor, cut, put)
		sub, err := wire.Seal(k.seal, k.id, wire.NewSubmissionID(), p)
		if err != nil {
			return // no kiosk can send it
		}
		status, answer := here.send(http.MethodPut, wire.PathSubmissions+sub.ID, mustJSON(t, sub))
		same := bytes.Equal(*of, before)
		if same && status != http.StatusOK || !expected(wire.PathSubmissions, status) {
			t.Fatalf("status %d: %s", status, answer)
		}
		if status != http.StatusOK {
			return
		}
		s, err := k.store.Submission(t.Context(), sub.ID)
		must(t, err)
		for _, c := range s.Checks {
			if c.Name == hub.CheckVerdict && !same {
				t.Fatalf("the platform was asked about what nobody signed: %+v", s.Checks)
			}
		}
	})
}

func methodOf(path string) string {
	if strings.HasPrefix(path, wire.PathSubmissions) {
		return http.MethodPut
	}
	return http.MethodPost
}

// expected reports whether a path may answer with status here.
func expected(path string, status int) bool {
	switch status {
	case 200, 204, 400, 403, 409, 410, 413, 422, 429:
		return true
	case http.StatusTooEarly, http.StatusInsufficientStorage, http.StatusServiceUnavailable:
		return methodOf(path) == http.MethodPut
	}
	return false
}
