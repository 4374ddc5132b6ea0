package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/console"
	"kioskd/internal/hub/sandbox"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

func open(t *testing.T) (http.Handler, hub.Store) {
	t.Helper()
	h, store, _ := openAll(t)
	return h, store
}

func openWithSandbox(t *testing.T) (http.Handler, *sandbox.Sandbox) {
	t.Helper()
	h, _, box := openAll(t)
	return h, box
}

func openAll(t *testing.T) (http.Handler, hub.Store, *sandbox.Sandbox) {
	t.Helper()
	dir := t.TempDir()
	bare, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, bare.Close()) })
	v, err := vault.New(make([]byte, vault.KeySize))
	must(t, err)
	store := hub.Seal(bare, v)
	cat, err := catalogue.Load()
	must(t, err)
	box, err := sandbox.Open(t.Context(), filepath.Join(dir, "sandbox.db"), v, sandbox.Options{Catalogue: cat})
	must(t, err)
	t.Cleanup(func() { must(t, box.Close()) })
	c := &console.Console{
		Store: store, Sandbox: box, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Ready: func(context.Context) error { return nil },
	}
	h, err := c.Handler()
	must(t, err)
	return h, store, box
}

func get(t *testing.T, h http.Handler, url string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, url, nil)
	req.Host = "localhost:8090"
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", url, rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func put(t *testing.T, store hub.Store, n int, alarm *hub.Alarm) hub.Stored {
	t.Helper()
	s := hub.Stored{
		ID: wire.NewSubmissionID(), Kiosk: "<b>demo</b>", Schema: 1, KeyID: "k", Sealed: []byte{1},
		Hash: bytes.Repeat([]byte{byte(n)}, 32), Kind: wire.KindReservation, StoredAt: time.Now(), Ack: []byte("{}"),
		Verdict: wire.Verdict{Accepted: true}, Checks: []hub.Check{{Name: hub.CheckSeal, OK: true}},
	}
	out, err := store.Put(t.Context(), s, nil, alarm)
	must(t, err)
	return out
}

func TestListIsPagedOnTheServer(t *testing.T) {
	h, store := open(t)
	for i := range 60 {
		put(t, store, i, nil)
	}
	first, last := get(t, h, "/submissions"), get(t, h, "/submissions?page=3")
	if !strings.Contains(first, "1–25 of 60") || !strings.Contains(first, "page=2") || !strings.Contains(last, "51–60 of 60") {
		t.Error("pages are wrong")
	}
	if n := strings.Count(first, `href="/submissions/`); n != 25 {
		t.Errorf("%d rows on a page", n)
	}
	if body := get(t, h, "/submissions?verdict=refused"); !strings.Contains(body, "No submission matches") {
		t.Error("the filter finds what is not there")
	}
}

// An alarm leads to its submission, of several to the last one.
func TestAlarmsLeadToTheirSubmission(t *testing.T) {
	h, store := open(t)
	s := put(t, store, 1, nil)
	must(t, store.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmForged, Kiosk: "demo", Text: s.ID + ": signature: not genuine", Last: time.Now()}))
	must(t, store.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmGarbage, Kiosk: "demo", Text: "sent: rubbish", Last: time.Now()}))
	body := get(t, h, "/")
	table := body[strings.Index(body, "<h2>Alarms</h2>"):strings.Index(body, "<h2>Kiosks</h2>")]
	if n := strings.Count(table, `href="/submissions/`); n != 1 || !strings.Contains(table, `href="/submissions/`+s.ID+`"`) {
		t.Errorf("%d links in %s", n, table)
	}
	if !strings.Contains(table, "<code>document_forged</code>") {
		t.Error("the manual's word is missing")
	}
}

// Pages of the API are as long as was asked for, and each row is on one of them.
func TestAPIPages(t *testing.T) {
	h, store := open(t)
	for i := range 60 {
		put(t, store, i, nil)
	}
	seen := map[string]int{}
	for page, want := range []int{40, 20, 0} {
		var got struct {
			Total       int
			Submissions []struct{ ID string }
		}
		must(t, json.Unmarshal([]byte(get(t, h, fmt.Sprintf("/api/submissions?limit=40&page=%d", page+1))), &got))
		if len(got.Submissions) != want || got.Total != 60 {
			t.Errorf("page %d has %d of %d", page+1, len(got.Submissions), got.Total)
		}
		for _, s := range got.Submissions {
			seen[s.ID]++
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d rows were listed", len(seen))
	}
}

func TestWhatKiosksSendIsEscaped(t *testing.T) {
	h, store := open(t)
	s := put(t, store, 1, &hub.Alarm{Kind: hub.AlarmForged, Kiosk: "<script>x</script>", Text: "<img src=x>", Last: time.Now()})
	for _, url := range []string{"/", "/submissions", "/submissions/" + s.ID, "/submissions?kiosk=%22%3E%3Cscript%3E"} {
		body := get(t, h, url)
		for _, bad := range []string{"<script", "<b>demo", "<img src=x"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %s", url, bad)
			}
		}
	}
}

func TestKioskStates(t *testing.T) {
	h, store := open(t)
	now := time.Now()
	for id, rep := range map[string]*wire.Report{
		"fresh": {Screen: "top"}, "faulty": {Faults: []fault.Code{fault.PaperOut}, Devices: map[string]string{"printer": "paper_out", "outbox": "2 set aside"}}, "silent": {}, "new": nil,
	} {
		must(t, store.EnsureKiosk(t.Context(), id, now))
		at := now
		if id == "silent" {
			at = now.Add(-time.Hour)
		}
		if rep != nil {
			must(t, store.Report(t.Context(), id, *rep, at))
		}
	}
	var out struct {
		Kiosks []struct{ ID, State, Cause string }
	}
	must(t, json.Unmarshal([]byte(get(t, h, "/api/kiosks")), &out))
	got := map[string]string{}
	for _, k := range out.Kiosks {
		got[k.ID] = k.State
	}
	if want := "map[faulty:warn fresh:ok new:off silent:bad]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, not %s", got, want)
	}
	body := get(t, h, "/")
	for _, want := range []string{`<td class="cause">paper_out</td>`, "printer <em>paper_out</em>", "outbox <em>2 set aside</em>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the list does not show %s", want)
		}
	}
}

// A kiosk that was cloned shows both machines, and a revoked one that it is.
func TestKioskPage(t *testing.T) {
	h, store := open(t)
	now := time.Now()
	must(t, store.Invite(t.Context(), hub.Invitation{TokenHash: make([]byte, 32), Name: "Store <12>", Made: now, Expires: now.Add(time.Hour)}))
	cert := hub.NewCertificate("k-one", now)
	_, err := store.Enrol(t.Context(), hub.Enrolment{TokenHash: make([]byte, 32), KeyHash: make([]byte, 32), Certificate: cert})
	must(t, err)
	must(t, store.BeatHub(t.Context(), "hub-one-and-more", time.Minute))
	_, err = store.MoveLinks(t.Context(), "hub-one-and-more", []hub.Link{
		{ID: "1", Kiosk: "k-one", Run: "run-one-and-more", Remote: "192.0.2.1:1", Since: now},
		{ID: "2", Kiosk: "k-one", Run: "run-two-and-more", Remote: "192.0.2.2:2", Since: now},
	}, nil)
	must(t, err)
	must(t, store.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmCloned, Kiosk: "k-one", Last: now,
		Text: "both are there: 192.0.2.1:1 since 2026-11-22T15:00:00Z (start 1), and 1a… issued 2026-11-23T09:30:01+09:00, from 192.0.2.2:2"}))
	must(t, store.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: "k-two", Text: "another's", Last: now}))
	must(t, store.Revoke(t.Context(), "k-one", "stolen <b>", now))
	body := get(t, h, "/kiosks/k-one")
	for _, want := range []string{
		"k-one", "Store &lt;12&gt;", "192.0.2.1:1", "192.0.2.2:2", "run-one-…", "run-two-…", "hub-one-…", "Two machines with one identity",
		"both are there: 192.0.2.1:1 since 2026-11-23 00:00:00 JST (start 1), and 1a… issued 2026-11-23 09:30:01 JST, from 192.0.2.2:2", "Revoked", "stolen &lt;b&gt;", cert.Expires.In(time.FixedZone("JST", 9*3600)).Format("2006-01-02 15:04:05 JST"),
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "another&#39;s") {
		t.Error("the page shows another kiosk's alarm")
	}
	if body := get(t, h, "/"); !strings.Contains(body, `href="/kiosks/k-one"`) || !strings.Contains(body, "Revoked") {
		t.Error("the overview lacks the kiosk")
	}
}

// A phone number in an address would stay in the browser's history.
func TestNoPhoneInAddresses(t *testing.T) {
	h, box := openWithSandbox(t)
	start := wire.IssueStart{
		RequestID: wire.NewNonce(), Service: "aeon-card-waon", CardNumber: "4980000000000014", NameKana: "ヤマダ　タロウ",
		Birth: "1950-04-01", Phone: "09012345678",
	}
	_, err := box.Start(t.Context(), "demo", start)
	must(t, err)
	body := get(t, h, "/sms")
	if !strings.Contains(body, "090-1234-5678") || strings.Contains(body, "09012345678") || strings.Contains(body, "phone=") {
		t.Errorf("the page is\n%s", body)
	}
}

// What is done to the sandbox stands in the hubs' own log.
func TestTheSandboxIsNotTouchedUnnoted(t *testing.T) {
	h, store := open(t)
	for path, body := range map[string]string{
		"/api/sandbox/clock": `{"forward_sec":3600}`, "/api/sandbox/reset": `{}`, "/sandbox/clock": "hours=2", "/sandbox/reset": "sure=yes",
	} {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Host = "127.0.0.1:8090"
		if strings.HasPrefix(path, "/sandbox") {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code >= 400 {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	log, err := store.AuditEntries(t.Context(), "", hub.OwnLog, 0, -1)
	must(t, err)
	var noted []string
	for _, e := range log {
		noted = append(noted, e.Event+" "+e.Detail)
	}
	slices.Sort(noted)
	if want := []string{"sandbox_clock 3600", "sandbox_clock 7200", "sandbox_reset ", "sandbox_reset "}; !slices.Equal(noted, want) {
		t.Errorf("noted: %q", noted)
	}
}

func TestClock(t *testing.T) {
	h, _ := open(t)
	for body, want := range map[string]int{
		`{"forward_sec":3600}`: 200, `{"forward_sec":-1}`: 400, `{"forward_sec":99999999999}`: 400, `{"x":1}`: 400, ``: 400,
	} {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/api/sandbox/clock", strings.NewReader(body))
		req.Host = "127.0.0.1:8090"
		h.ServeHTTP(rec, req)
		if rec.Code != want {
			t.Errorf("%q: %d", body, rec.Code)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The newest entries of a kiosk, and what is wrong with its log.
func TestAuditPage(t *testing.T) {
	h, store := open(t)
	log, prev := wire.NewSubmissionID(), wire.AuditStart()
	b := wire.AuditBatch{Log: log, Prev: prev, Head: 80}
	for n := range int64(80) {
		e := wire.AuditEntry{N: n + 1, Event: "staff_called", Detail: fmt.Sprint(n + 1)}
		e.Hash = e.Sum(prev)
		b.Entries, prev = append(b.Entries, e), e.Hash
	}
	for range 2 {
		_, err := store.TakeAudit(t.Context(), "demo", b, time.Now())
		must(t, err)
		b.Log, b.Prev = log, prev // the second time it is a fork
	}
	must(t, store.Note(t.Context(), hub.NoteKioskRevoked, "demo", "", time.Now()))
	body := get(t, h, "/audit?kiosk=demo")
	if n := strings.Count(body, "<td>staff_called</td>"); n != entriesShown || !strings.Contains(body, log) || !strings.Contains(body, "80 entries") {
		t.Errorf("%d entries on the page", n)
	}
	for _, url := range []string{"/", "/audit", "/audit?kiosk=demo"} {
		if body := get(t, h, url); !strings.Contains(body, "Audit log forks") || strings.Contains(body, `/submissions/`+log) {
			t.Errorf("%s does not tell of the alarm as it should", url)
		}
	}
	if body := get(t, h, "/audit?kiosk=hub"); !strings.Contains(body, "kiosk_revoked") || strings.Contains(body, "staff_called") {
		t.Error("the operators' log is not shown, or more")
	}
	if body := get(t, h, "/audit?kiosk=%3Cscript%3E"); strings.Contains(body, "<script") || !strings.Contains(body, "There is no audit log of this kiosk") {
		t.Error("a kiosk without a log")
	}
	var out struct {
		Logs []struct {
			N       int64
			Entries []wire.AuditEntry
		}
	}
	must(t, json.Unmarshal([]byte(get(t, h, "/api/audit?kiosk=demo")), &out))
	if len(out.Logs) != 1 || out.Logs[0].N != 80 || len(out.Logs[0].Entries) != entriesShown || out.Logs[0].Entries[0].N != 80 {
		t.Errorf("%+v", out)
	}
}

const entriesShown = 50

// Nobody who looks at the console reads a MyKey ID there, only that there is one.
func TestMyKeyIDIsNotShown(t *testing.T) {
	h, store := open(t)
	s, err := store.Put(t.Context(), hub.Stored{
		ID: wire.NewSubmissionID(), Kiosk: "demo", Schema: 1, KeyID: "k", Sealed: []byte{1}, Hash: bytes.Repeat([]byte{1}, 32),
		Kind: wire.KindReservation, StoredAt: time.Now(), Ack: []byte("{}"),
		Verdict: wire.Verdict{Accepted: true, MyKeyID: "ZEBRA234"}, Checks: []hub.Check{{Name: hub.CheckSeal, OK: true}},
	}, nil, nil)
	must(t, err)
	for url, tells := range map[string]string{
		"/submissions": "", "/submissions/" + s.ID: "MyKey ID issued",
		"/api/submissions": `"mykey_issued":true`, "/api/submissions/" + s.ID: `"mykey_issued":true`,
	} {
		if body := get(t, h, url); strings.Contains(body, "ZEBRA234") || !strings.Contains(body, tells) {
			t.Errorf("%s: %s", url, body)
		}
	}
}

// Whoever looks for what a shopper was given finds it also when no kiosk has sent a record.
func TestIssuances(t *testing.T) {
	h, store := open(t)
	for i := range 30 {
		must(t, store.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "demo", Scope: wire.PathIssueComplete, RequestID: fmt.Sprintf("request-%d", i)}, hub.Answer{
			RequestTag: "t", Status: 200, Sealed: sealedBy(t, "x"), Expires: time.Now().Add(time.Hour),
			Issued: &hub.Issuance{Kiosk: "<b>demo</b>", IssueRef: fmt.Sprintf("I-%d", i), Service: "waon", IssuedAt: time.Now()},
		}, time.Now()))
	}
	in := hub.Stored{
		ID: wire.NewSubmissionID(), Kiosk: "<b>demo</b>", Schema: 1, KeyID: "k", Sealed: []byte{1}, Hash: make([]byte, 32), Kind: wire.KindIssuance,
		StoredAt: time.Now(), Ack: []byte("{}"), Verdict: wire.Verdict{Accepted: true}, Summary: hub.Summary{IssueRef: "I-29"},
	}
	_, err := store.Put(t.Context(), in, nil, nil)
	must(t, err)
	first, last := get(t, h, "/issuances"), get(t, h, "/issuances?page=2&record=")
	if !strings.Contains(first, "1–25 of 30") || !strings.Contains(first, ">I-29<") || !strings.Contains(last, "26–30 of 30") || !strings.Contains(last, ">I-0<") {
		t.Error("pages are wrong")
	}
	if !strings.Contains(first, `href="/submissions/`+in.ID+`"`) || strings.Count(first, "None yet") != 24 || strings.Contains(first, "<b>demo") {
		t.Errorf("the page is wrong: %s", first)
	}
	if body := get(t, h, "/issuances?record=none"); !strings.Contains(body, "1–25 of 29") || !strings.Contains(body, "page=2&amp;record=none") || strings.Contains(body, ">I-29<") {
		t.Error("the filter is wrong")
	}
	if body := get(t, h, "/issuances?kiosk=nobody"); !strings.Contains(body, "No issuance matches") {
		t.Error("the filter finds what is not there")
	}
	var out struct {
		Total     int
		Issuances []console.IssuanceRow
	}
	must(t, json.Unmarshal([]byte(get(t, h, "/api/issuances?limit=2")), &out))
	if out.Total != 30 || len(out.Issuances) != 2 || out.Issuances[0].IssueRef != "I-29" || out.Issuances[0].Record != in.ID || out.Issuances[1].Record != "" {
		t.Errorf("as JSON: %+v", out)
	}
}

func sealedBy(t *testing.T, text string) []byte {
	t.Helper()
	v, err := vault.New(make([]byte, vault.KeySize))
	must(t, err)
	return v.Seal("answer", []byte(text))
}
