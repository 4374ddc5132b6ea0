package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// machine is a kiosk's disk with everything that brings it to the hub.
type machine struct {
	*rig
	t      *testing.T
	path   string
	e      *wire.Enrolment
	outbox *ksync.Outbox
	stop   func()
}

// machine starts one on the file at path.
func (r *rig) machine(t *testing.T, id, path string) *machine {
	t.Helper()
	e, err := r.keys.Enrol(id, r.srv.URL, time.Now())
	must(t, err)
	m := &machine{rig: r, t: t, path: path, e: e}
	m.outbox, err = ksync.OpenOutbox(t.Context(), path, func() (*wire.Enrolment, bool) { return e, true }, r.ingest.Log)
	must(t, err)
	client, err := ksync.NewClient(e, ksync.ClientOptions{})
	must(t, err)
	c := ksync.NewCourier(m.outbox, client, r.ingest.Log, ksync.CourierOptions{
		Backoff: ksync.Backoff{Floor: 5 * time.Millisecond, Cap: 20 * time.Millisecond}, Every: time.Minute, Audit: 5 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	m.stop = func() {
		cancel()
		must(t, <-done)
		client.Close()
		must(t, m.outbox.Close())
	}
	return m
}

// until waits for a state that comes by itself.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick, end := time.NewTicker(5*time.Millisecond), time.NewTimer(20*time.Second)
	defer tick.Stop()
	defer end.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// sent waits until the hub has all of it.
func (m *machine) sent() wire.AuditMark {
	m.t.Helper()
	var mark wire.AuditMark
	until(m.t, "the audit log at the hub", func() bool {
		var err error
		mark, err = m.outbox.AuditMark(m.t.Context())
		must(m.t, err)
		n, err := m.outbox.Pending(m.t.Context())
		must(m.t, err)
		return n == 0 && mark.Sent == mark.N
	})
	return mark
}

func (m *machine) note() {
	m.t.Helper()
	must(m.t, m.outbox.Note(m.t.Context(), ksync.AuditStaffCalled, "", "button"))
}

func (m *machine) submit(visit string) string {
	m.t.Helper()
	c, err := m.outbox.Commit(m.t.Context(), ksync.Entry{Visit: visit, Slip: "issuance", Payload: wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance,
		Issuance: &wire.Issuance{Kiosk: m.e.Kiosk, Time: time.Now().UTC().Truncate(time.Second), IssueRef: "ref", Service: "aeon-card-waon"}}})
	must(m.t, err)
	return c.ID
}

// problems is what hubd audit verify finds.
func (r *rig) problems() string {
	r.t.Helper()
	found, err := hub.VerifyAudit(r.t.Context(), r.store, "", nil, time.Now())
	must(r.t, err)
	var all []string
	for _, f := range found {
		for _, p := range f.Problems {
			all = append(all, f.Kiosk+": "+p)
		}
	}
	return strings.Join(all, "\n")
}

func (r *rig) auditAlarms() (kinds []hub.AlarmKind) {
	r.t.Helper()
	list, err := r.store.Alarms(r.t.Context(), 100)
	must(r.t, err)
	for _, a := range list {
		if strings.HasPrefix(string(a.Kind), "audit_") {
			kinds = append(kinds, a.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

func TestAuditFromDiskToDisk(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	m := r.machine(t, "demo", path)
	ids := []string{m.submit("0-1"), m.submit("0-1"), m.submit("0-2")}
	for range 300 {
		m.note()
	}
	mark := m.sent()
	m.stop()
	m = r.machine(t, "demo", path) // the same log goes on
	m.note()
	again := m.sent()
	m.stop()
	if again.Log != mark.Log || again.N != mark.N+2 {
		t.Errorf("%+v after %+v", again, mark)
	}
	list, err := r.store.AuditEntries(t.Context(), "demo", mark.Log, 0, -1)
	must(t, err)
	told := map[string]bool{}
	for _, e := range list {
		if e.Event == "committed" {
			told[e.Subject] = true
		}
	}
	if int64(len(list)) != again.N || len(told) != 3 || !told[ids[0]] || !told[ids[1]] || !told[ids[2]] {
		t.Errorf("%d of %d entries, %v", len(list), again.N, told)
	}
	if p := r.problems(); p != "" || len(r.auditAlarms()) > 0 {
		t.Errorf("problems %s, alarms %v", p, r.auditAlarms())
	}
}

// A disk that was copied, and both of them run: the second to speak is found out.
func TestAClonedDiskIsFoundOut(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	m := r.machine(t, "demo", filepath.Join(dir, "outbox.db"))
	m.note()
	m.sent()
	m.stop()
	raw, err := os.ReadFile(m.path)
	must(t, err)
	must(t, os.Mkdir(filepath.Join(dir, "clone"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "clone", "outbox.db"), raw, 0o600))
	one := r.machine(t, "demo", m.path)
	one.note()
	one.sent()
	two := r.machine(t, "demo", filepath.Join(dir, "clone", "outbox.db"))
	two.note()
	until(t, "an alarm", func() bool { return len(r.auditAlarms()) > 0 })
	if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditFork}) {
		t.Errorf("alarms %v", got)
	}
	one.note() // the other is not held up
	one.sent()
	one.stop()
	two.stop()
	if p := r.problems(); !strings.Contains(p, "1 batches were not taken: fork") {
		t.Errorf("problems %q", p)
	}
	ev, err := r.store.AuditEvidence(t.Context(), "demo")
	must(t, err)
	if len(ev) != 1 {
		t.Fatalf("%d batches are kept", len(ev))
	}
	if b, err := wire.DecodeAuditBatch(ev[0].Batch); err != nil || wire.CheckAudit(b.Entries[0].N-1, b.Prev, b.Entries) != nil {
		t.Errorf("the evidence does not speak for itself: %v", err)
	}
	must(t, r.store.Note(t.Context(), hub.NoteEvidenceSettled, "demo", "1", time.Now().Add(time.Second)))
	if p := r.problems(); p != "" {
		t.Errorf("after it was explained: %s", p)
	}
	// The clone's operator lets it go on, and the hub hears of it.
	o, err := ksync.ExamineOutbox(t.Context(), two.path, r.ingest.Log)
	must(t, err)
	must(t, o.BeginLog(t.Context()))
	must(t, o.Close())
	two = r.machine(t, "demo", two.path)
	two.sent()
	two.stop()
	if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditFork, hub.AlarmAuditGap}) {
		t.Errorf("alarms %v", got)
	}
}

// A disk that was put back to an older state has forgotten what the hub knows.
func TestAnOlderDiskIsFoundOut(t *testing.T) {
	r := newRig(t)
	m := r.machine(t, "demo", filepath.Join(t.TempDir(), "outbox.db"))
	m.sent()
	m.stop()
	raw, err := os.ReadFile(m.path)
	must(t, err)
	m = r.machine(t, "demo", m.path)
	for range 5 {
		m.note()
	}
	m.sent()
	m.stop()
	must(t, os.WriteFile(m.path, raw, 0o600))
	m = r.machine(t, "demo", m.path)
	until(t, "an alarm", func() bool { return slices.Contains(r.auditAlarms(), hub.AlarmAuditFork) })
	m.stop()
}

// A damaged disk is no crime: the log of what was saved joins the one before.
func TestARescuedDiskGoesOn(t *testing.T) {
	r := newRig(t)
	m := r.machine(t, "demo", filepath.Join(t.TempDir(), "outbox.db"))
	m.submit("0-1")
	before := m.sent()
	m.stop()
	f, err := os.OpenFile(m.path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 60), 0)
	must(t, errors.Join(err, f.Close()))
	m = r.machine(t, "demo", m.path)
	m.submit("0-2")
	after := m.sent()
	m.stop()
	if after.Log == before.Log || after.N <= before.N {
		t.Errorf("%+v after %+v", after, before)
	}
	if p := r.problems(); p != "" || len(r.auditAlarms()) > 0 {
		t.Errorf("problems %s, alarms %v", p, r.auditAlarms())
	}
	// Enrolled anew: another identity, the same disk.
	m = r.machine(t, "other", m.path)
	m.submit("0-3")
	anew := m.sent()
	m.stop()
	if p := r.problems(); p != "" || len(r.auditAlarms()) > 0 || anew.Log == after.Log {
		t.Errorf("problems %s, alarms %v", p, r.auditAlarms())
	}
}

// A kiosk cannot write into another's log, nor into the hubs' own, and rubbish is one.
func TestAuditOfOthersIsOutOfReach(t *testing.T) {
	r := newRig(t)
	demo, other := r.kiosk("demo"), r.kiosk("other")
	e := wire.AuditEntry{N: 1, Event: "started", Subject: wire.NewSubmissionID()}
	e.Hash = e.Sum(wire.AuditStart())
	b := wire.AuditBatch{Log: wire.NewSubmissionID(), Prev: wire.AuditStart(), Head: 1, Entries: []wire.AuditEntry{e}}
	if a := call[wire.AuditAnswer](demo, wire.PathAudit, b, 200); a.Verdict != wire.AuditTaken || a.N != 1 {
		t.Fatalf("%+v", a)
	}
	next := wire.AuditEntry{N: 2, Event: "stopped", Detail: "ok"}
	next.Hash = next.Sum(e.Hash)
	more := wire.AuditBatch{Log: b.Log, Prev: e.Hash, Head: 2, Entries: []wire.AuditEntry{next}}
	if a := call[wire.AuditAnswer](other, wire.PathAudit, more, 200); a.Verdict != wire.AuditGap || a.N != 0 {
		t.Errorf("another kiosk goes on with the log: %+v", a)
	}
	if list, err := r.store.AuditEntries(t.Context(), "demo", b.Log, 0, -1); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	b.Log = hub.OwnLog
	call[wire.Problem](demo, wire.PathAudit, b, 400)
	for _, body := range []string{``, `{}`, `{"log":1}`, strings.Repeat(" ", wire.MaxBody+1)} {
		if status, _ := demo.send(http.MethodPost, wire.PathAudit, []byte(body)); status != 400 && status != 413 {
			t.Errorf("%.20q: %d", body, status)
		}
	}
}

// A kiosk that says what it has, and does not send it, is found out.
func TestAuditThatIsKeptBackIsFoundOut(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	log := wire.NewSubmissionID()
	report := func(n int64) {
		t.Helper()
		b, err := json.Marshal(wire.Report{Version: "1", Screen: "top", Audit: &wire.AuditMark{Log: log, N: n}})
		must(t, err)
		if status, answer := k.send(http.MethodPost, wire.PathReport, b); status != 204 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	list := []wire.AuditEntry{{N: 1, Event: "started", Subject: wire.NewSubmissionID()}, {N: 2, Event: "stopped"}}
	list[0].Hash = list[0].Sum(wire.AuditStart())
	list[1].Hash = list[1].Sum(list[0].Hash)
	report(1)
	r.ahead.Add(int64(50 * time.Minute))
	report(2)
	call[wire.AuditAnswer](k, wire.PathAudit, wire.AuditBatch{Log: log, Prev: wire.AuditStart(), Head: 2, Entries: list[:1]}, 200)
	r.ahead.Add(int64(50 * time.Minute))
	report(2) // some has come: it is slow, no more
	if got := r.auditAlarms(); len(got) > 0 {
		t.Errorf("alarms %v", got)
	}
	r.ahead.Add(int64(61 * time.Minute))
	report(2)
	if got := r.auditAlarms(); len(got) > 0 { // it had no line, perhaps, and the log is on its way
		t.Errorf("alarms %v", got)
	}
	report(2)
	report(2)
	if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditSilent}) {
		t.Errorf("alarms %v", got)
	}
}

// A hub that was put back to an older backup finds out what kiosks have handed over since,
// by their logs: they themselves have deleted it.
func TestAHubThatWasPutBackKnowsWhatItLost(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	m := r.machine(t, "demo", path)
	m.submit("0-1")
	m.sent()
	m.stop()
	r.stop()
	backup, err := os.ReadFile(filepath.Join(r.dir, "hub.db"))
	must(t, err)
	r.start()
	m = r.machine(t, "demo", path)
	lost := m.submit("0-2")
	m.sent()
	m.stop()
	if p := r.problems(); p != "" {
		t.Errorf("before: %s", p)
	}
	r.stop()
	must(t, os.WriteFile(filepath.Join(r.dir, "hub.db"), backup, 0o600))
	r.start()
	m = r.machine(t, "demo", path)
	m.note()
	until(t, "the log at the hub", func() bool { return strings.Contains(r.problems(), lost) })
	m.stop()
	if p := r.problems(); !strings.Contains(p, "1 submissions that this hub has acknowledged and does not hold") {
		t.Errorf("after: %s", p)
	}
}
