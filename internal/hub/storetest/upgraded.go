package storetest

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// Since which version of the schema stores know what. Their numbers are the same.
const (
	sinceIdentity = 2
	sinceAudit    = 3
	sinceSealed   = 4
)

// knowsIssuances is since the version after, and SQLite's own had one more before.
func (u upgraded) knowsIssuances() bool {
	if u.place.Shared {
		return u.version >= 5
	}
	return u.version >= 6
}

// What stands in the databases of testdata, which earlier versions have left behind.
// ZEBRA is what is personal.
const (
	oldReservation = "5Q8F5Y3ERGE0SMB1MMEX5DE53D"
	oldApplication = "1DJGDFW40KP2K980J87D2YMM2Z"
	oldUnreadable  = "2PNRYW8SRTS2GQW740NC8X3NQZ"
	oldLog         = "6G6C51P29VJP6HB7NMWJ4X4Q2C"
	oldRecord      = "3Z2YB1F6V4N1H8QX0S7D5KEMAJ"
	oldKey         = "seal-0123456789abcdef"
	oldAnswer      = `{"codes":["ZEBRA123456"]}`
	oldReason      = "ZEBRAREASON"
)

func oldTime(n int64) time.Time { return time.Unix(1790000000+n, 0).UTC() }

// oldEnd is when nothing of it has ended yet.
func oldEnd() time.Time { return time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC) }

// oldSubmissions are newest first. The last of the first version are in clear as long as
// nobody has sealed them; a later one has forgotten the sealed bytes of another.
func oldSubmissions(version int) []hub.Stored {
	unreadable := hub.Stored{
		ID: oldUnreadable, Kiosk: "kiosk-1", Schema: 1, KeyID: oldKey, Sealed: []byte("sealed rubbish"), Hash: document("sealed rubbish"),
		StoredAt: oldTime(6), Verdict: wire.Verdict{Code: fault.DocumentRefused},
		Checks: []hub.Check{{Name: hub.CheckSeal, Detail: "ZEBRADETAIL"}}, Ack: []byte(`{"ack": "ZEBRA of rubbish"}`),
	}
	application := hub.Stored{
		ID: oldApplication, Kiosk: "kiosk-1", Schema: 1, KeyID: oldKey, Sealed: []byte("sealed application"), Hash: document("sealed application"),
		Kind: wire.KindApplication, DocumentHash: document("application"), SignedAt: oldTime(3), StoredAt: oldTime(4),
		Verdict: wire.Verdict{Code: fault.NotReserved}, Checks: []hub.Check{{Name: hub.CheckSeal, OK: true}, {Name: hub.CheckVerdict}},
		Summary: hub.Summary{Service: "waon", ServiceID: "••••ZEBRA", Person: "ZEBRAPERSON"}, Ack: []byte(`{"ack": "ZEBRA of the application"}`),
	}
	reservation := hub.Stored{
		ID: oldReservation, Kiosk: "kiosk-1", Schema: 1, KeyID: oldKey, Sealed: []byte("sealed reservation"), Hash: document("sealed reservation"),
		Kind: wire.KindReservation, DocumentHash: document("reservation"), SignedAt: oldTime(1), StoredAt: oldTime(2),
		Verdict: wire.Verdict{Accepted: true, MyKeyID: "ZEBRAMYKEY"}, Checks: []hub.Check{{Name: hub.CheckSeal, OK: true}, {Name: hub.CheckVerdict, OK: true}},
		Summary: hub.Summary{Person: "ZEBRAPERSON", Guardian: true}, Ack: []byte(`{"ack": "ZEBRA of the reservation"}`),
	}
	if version >= sinceSealed {
		application.Sealed = nil
	}
	return []hub.Stored{unreadable, application, reservation}
}

func oldAlarms(version int) []hub.Alarm {
	list := []hub.Alarm{{
		Kind: hub.AlarmConflict, Kiosk: "kiosk-1", Subject: oldReservation, Text: "ZEBRATEXT", First: oldTime(7), Last: oldTime(8), Times: 3,
	}}
	if version >= sinceAudit {
		list = append([]hub.Alarm{{
			Kind: hub.AlarmAuditGap, Kiosk: "kiosk-1", Subject: oldLog, Text: "goes on with entry 9, and the hub has 4",
			First: oldTime(20), Last: oldTime(20), Times: 1,
		}}, list...)
	}
	return list
}

func oldAnswerKey() hub.AnswerKey {
	return hub.AnswerKey{Kiosk: "kiosk-1", Scope: wire.PathIssueComplete, RequestID: "request-1"}
}

func oldKiosks(version int) []hub.Kiosk {
	list := []hub.Kiosk{
		{ID: "kiosk-1", EnrolledAt: oldTime(0), ReportedAt: oldTime(9), Report: wire.Report{
			Version: "v0.3", Screen: "top", Devices: map[string]string{"reader": "ready"}, Queued: 2, Faults: []fault.Code{fault.PaperOut},
		}},
		{ID: "kiosk-2", EnrolledAt: oldTime(10)},
	}
	if version >= sinceIdentity {
		list = append(list, hub.Kiosk{
			ID: "kiosk-3", Name: "新宿 3", KeyHash: document("key 3"), EnrolledAt: oldTime(11), CertUntil: oldTime(900),
			RevokedAt: oldTime(14), RevokedFor: "stolen",
		})
	}
	return list
}

func oldCertificates() []hub.Certificate {
	return []hub.Certificate{
		{Serial: "0b", Kiosk: "kiosk-3", Issued: oldTime(13), Expires: oldTime(900)},
		{Serial: "0a", Kiosk: "kiosk-3", Issued: oldTime(11), Expires: oldTime(800)},
	}
}

func oldLink() hub.Link {
	return hub.Link{ID: "link-1", Kiosk: "kiosk-1", Run: "run-1", Hub: "hub-1", Remote: "192.0.2.1:4321", Since: oldTime(15)}
}

// oldEntries are those of the kiosk's log, or of the hubs' own.
func oldEntries(kiosk string) []wire.AuditEntry {
	list := []wire.AuditEntry{{At: 1790000016, Event: string(hub.NoteHubStarted)}}
	if kiosk != "" {
		list = []wire.AuditEntry{{At: 1790000000, Event: "log_begun", Subject: oldLog}}
		for _, row := range slices.Backward(oldSubmissions(1)) {
			list = append(list, wire.AuditEntry{At: row.StoredAt.Unix(), Event: "committed", Subject: row.ID, Detail: hex.EncodeToString(row.Hash)})
		}
	}
	prev := wire.AuditStart()
	for i := range list {
		list[i].N = int64(i + 1)
		list[i].Hash = list[i].Sum(prev)
		prev = list[i].Hash
	}
	return list
}

func oldHead(kiosk, log string) hub.AuditLog {
	list := oldEntries(kiosk)
	last := list[len(list)-1]
	return hub.AuditLog{Kiosk: kiosk, Log: log, BaseHash: wire.AuditStart(), N: last.N, Hash: last.Hash, At: oldTime(17), Whole: oldTime(17)}
}

// oldEvidence is a batch that went on from entries that never came.
func oldEvidence() hub.AuditEvidence {
	return hub.AuditEvidence{Kiosk: "kiosk-1", Log: oldLog, Verdict: wire.AuditGap, Batch: []byte(`{"log": "` + oldLog + `", "head": 9}`), At: oldTime(20)}
}

// oldIssuances are newest first.
func oldIssuances() []hub.Issuance {
	return []hub.Issuance{
		{Kiosk: "kiosk-1", IssueRef: "ZEBRAREF2", Service: "waon", IssuedAt: oldTime(32), Tag: oldTag("ZEBRAREF2")},
		{Kiosk: "kiosk-1", IssueRef: "ZEBRAREF1", Service: "waon", IssuedAt: oldTime(31), Tag: oldTag("ZEBRAREF1"), Record: oldRecord},
	}
}

func oldTag(ref string) string {
	v, err := vault.New(vaultKey(1))
	if err != nil {
		panic(err)
	}
	return v.Tag("issuance", []byte(ref))
}

// Upgraded opens a place that holds the database of an earlier version, or of this one,
// with rows in every table: all of them are read, and can be gone on from.
func Upgraded(t *testing.T, place Place, version int) {
	b := &bench{t: t, place: place}
	if !bytes.Contains(place.Dump(t), []byte("ZEBRA")) {
		t.Fatal("the old database holds nothing in clear")
	}
	b.open()
	u := upgraded{b, version}
	u.reads("as it was")
	must(t, hub.Admit(t.Context(), b.bare[0], newVault(t)))
	u.seals()
	u.reads("sealed")
	b.close()
	if dump := place.Dump(t); bytes.Contains(dump, []byte("ZEBRA")) {
		t.Error("something is in clear still")
	}
	b.open()
	u.reads("opened again")
	u.goesOn()
	b.close()
}

type upgraded struct {
	*bench

	version int
}

// same compares; what has no bytes may be there or not.
func (u upgraded) same(what string, want, got any) {
	u.t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		u.t.Errorf("%s: %s", what, d)
	}
}

// reads holds all that stands there against what was written.
func (u upgraded) reads(when string) {
	t := u.t
	t.Helper()
	list, total, err := u.Submissions(t.Context(), hub.Filter{Limit: 9})
	must(t, err)
	u.same(when+": submissions", oldSubmissions(u.version), list)
	for _, want := range list {
		one, err := u.Submission(t.Context(), want.ID)
		must(t, err)
		u.same(when+": one of them", want, one)
		again, err := u.Put(t.Context(), want, nil, nil)
		must(t, err)
		u.same(when+": it comes again", want, again)
	}
	counts, err := u.Counts(t.Context())
	must(t, err)
	u.same(when+": counts", []hub.Count{{Kind: "", Refused: 1}, {Kind: wire.KindApplication, Refused: 1}, {Kind: wire.KindReservation, Accepted: 1}}, counts)
	if _, used, err := u.Known(t.Context(), "", document("application")); err != nil || used != oldApplication || total != 3 {
		t.Errorf("%s: its document is in %q, of %d submissions (%v)", when, used, total, err)
	}
	if n := u.place.Quarantined(t); n != 1 {
		t.Errorf("%s: %d in quarantine", when, n)
	}
	alarms, err := u.Alarms(t.Context(), 9)
	must(t, err)
	u.same(when+": alarms", oldAlarms(u.version), alarms)
	a, err := u.Answer(t.Context(), oldAnswerKey(), oldTime(100))
	must(t, err)
	text, err := newVault(t).Open("answer "+wire.PathIssueComplete+" request-1", a.Sealed)
	if err != nil || string(text) != oldAnswer || a.Status != 200 || a.RequestTag != "tag-1" || !a.Expires.Equal(oldEnd()) {
		t.Errorf("%s: the answer is %+v: %q (%v)", when, a, text, err)
	}
	kiosks, err := u.Kiosks(t.Context())
	must(t, err)
	u.same(when+": kiosks", oldKiosks(u.version), kiosks)
	issued, _, err := u.Issuances(t.Context(), hub.IssuanceFilter{Limit: 9})
	must(t, err)
	if u.knowsIssuances() {
		u.same(when+": issuances", oldIssuances(), issued)
	} else if len(issued) > 0 {
		t.Errorf("%s: issuances %+v", when, issued)
	}
	if u.version >= sinceIdentity {
		u.readsIdentities(when)
	}
	if u.version >= sinceAudit {
		u.readsAudit(when)
	}
}

func (u upgraded) readsIdentities(when string) {
	t := u.t
	t.Helper()
	certificates, err := u.Certificates(t.Context(), "kiosk-3")
	must(t, err)
	u.same(when+": certificates", oldCertificates(), certificates)
	revoked, err := u.Revoked(t.Context())
	must(t, err)
	u.same(when+": revoked", []string{"kiosk-3"}, revoked)
	links, err := u.Links(t.Context(), hub.LinkFilter{})
	must(t, err)
	u.same(when+": links", []hub.Link{oldLink()}, links)
}

func (u upgraded) readsAudit(when string) {
	t := u.t
	t.Helper()
	logs, err := u.AuditLogs(t.Context(), "")
	must(t, err)
	u.same(when+": audit logs", []hub.AuditLog{oldHead("", hub.OwnLog), oldHead("kiosk-1", oldLog)}, logs)
	for _, l := range logs {
		list, err := u.AuditEntries(t.Context(), l.Kiosk, l.Log, 0, 9)
		must(t, err)
		var want []hub.AuditEntry
		for _, e := range oldEntries(l.Kiosk) {
			want = append(want, hub.AuditEntry{AuditEntry: e, ReceivedAt: oldTime(17)})
		}
		u.same(when+": entries of "+l.Log, want, list)
	}
	evidence, err := u.AuditEvidence(t.Context(), "")
	must(t, err)
	u.same(when+": evidence", []hub.AuditEvidence{oldEvidence()}, evidence)
	found, err := hub.VerifyAudit(t.Context(), u, "", nil, oldTime(100))
	must(t, err)
	var problems []string
	for _, f := range found {
		problems = append(problems, f.Problems...)
	}
	u.same(when+": problems", []string{"1 batches were not taken: gap"}, problems)
}

// seals seals what is in clear, as a hub does when it starts.
func (u upgraded) seals() {
	t := u.t
	t.Helper()
	want := 6 // three submissions, quarantine, alarm, answer
	switch {
	case u.version >= sinceSealed:
		want = 2 // a submission that nobody has come to, and the alarm about an audit log
	case u.version >= sinceAudit:
		want = 7
	}
	if u.version < sinceSealed {
		parts, err := u.Parts(t.Context(), hub.TableQuarantine, "", 9)
		must(t, err)
		if len(parts) != 1 || parts[0].Clear != oldReason {
			t.Errorf("in quarantine: %+v", parts)
		}
	}
	n, err := hub.Seal(u.bare[0], newVault(t)).ResealAll(t.Context(), nil, func(int) error { return nil })
	must(t, err)
	if n != want {
		t.Errorf("%d rows were sealed, not %d", n, want)
	}
	parts, err := u.Parts(t.Context(), hub.TableQuarantine, newVault(t).Present(), 9)
	must(t, err)
	if len(parts) != 1 {
		t.Fatalf("in quarantine, sealed: %+v", parts)
	}
	reason, err := newVault(t).Open("quarantine "+hex.EncodeToString(parts[0].Hash), parts[0].Old)
	if err != nil || string(reason) != oldReason {
		t.Errorf("in quarantine for %q (%v)", reason, err)
	}
}

// goesOn writes behind what stands there.
func (u upgraded) goesOn() {
	t := u.t
	t.Helper()
	other := oldSubmissions(1)[2]
	other.Hash = document("other")
	_, err := u.Put(t.Context(), other, nil, nil)
	mustBe(t, err, hub.ErrOtherContent)
	other.ID = wire.NewSubmissionID()
	_, err = u.Put(t.Context(), other, nil, nil)
	mustBe(t, err, hub.ErrDocumentUsed)
	put(t, u, submission("fresh"))
	issue(t, u, "request-9", issuance("kiosk-1", "I-fresh"))
	if _, n, err := u.Issuances(t.Context(), hub.IssuanceFilter{Unrecorded: true}); err != nil || n != 1 && !u.knowsIssuances() || n != 2 && u.knowsIssuances() {
		t.Errorf("%d issuances without record (%v)", n, err)
	}
	if n := u.total(); n != 4 {
		t.Errorf("%d submissions", n)
	}
	if err := u.place.Try(t, "UPDATE submission SET kiosk = 'other'"); err == nil || !strings.Contains(err.Error(), "never changed") {
		t.Errorf("a stored submission is changed: %v", err)
	}
	for _, statement := range []string{"UPDATE audit SET detail = 'x'", "DELETE FROM audit", "DELETE FROM audit_head"} {
		if err := u.place.Try(t, statement); u.version >= sinceAudit && (err == nil || !strings.Contains(err.Error(), "append-only")) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	foreign, err := vault.New(vaultKey(9))
	must(t, err)
	mustBe(t, hub.Admit(t.Context(), u.bare[0], foreign), hub.ErrWrongVault)

	issued := oldTime(100)
	enrol := hub.Enrolment{TokenHash: document("token"), KeyHash: document("key 5"), Certificate: hub.Certificate{
		Serial: "0c", Kiosk: "kiosk-5", Issued: issued, Expires: issued.Add(time.Hour),
	}}
	if u.version >= sinceIdentity {
		k, err := u.Enrol(t.Context(), enrol)
		must(t, err)
		if k.Name != "渋谷 5" || !bytes.Equal(k.KeyHash, enrol.KeyHash) {
			t.Errorf("enrolled %+v", k)
		}
		enrol.TokenHash = document("token that was used")
		_, err = u.Enrol(t.Context(), enrol)
		mustBe(t, err, hub.ErrInviteUsed)
	}
	if u.version >= sinceAudit {
		next := wire.AuditEntry{N: 5, At: 1790000100, Event: "staff_called", Detail: "button"}
		head := oldHead("kiosk-1", oldLog)
		next.Hash = next.Sum(head.Hash)
		a, err := u.TakeAudit(t.Context(), "kiosk-1", wire.AuditBatch{Log: oldLog, Prev: head.Hash, Head: 5, Entries: []wire.AuditEntry{next}}, oldTime(101))
		must(t, err)
		if a.Verdict != wire.AuditTaken || a.N != 5 {
			t.Errorf("the log does not go on: %+v", a)
		}
	}
	must(t, u.Note(t.Context(), hub.NoteHubStarted, "", "", oldTime(102)))
	if u.version >= sinceSealed {
		end, err := u.LeaseEnd(t.Context(), "upkeep")
		must(t, err)
		wait, err := u.Spend(t.Context(), "kiosk-1", "messages", time.Minute, 10*time.Minute, time.Now())
		must(t, err)
		if !end.Equal(oldEnd()) || wait <= 0 {
			t.Errorf("a lease that ends at %v, a budget that lets wait %v", end, wait)
		}
	}
	if wait, err := u.Spend(t.Context(), "kiosk-2", "messages", time.Minute, 10*time.Minute, time.Now()); err != nil || wait != 0 {
		t.Errorf("a kiosk that has spent nothing waits %v (%v)", wait, err)
	}
}
