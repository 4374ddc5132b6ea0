package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// logOf makes entries from..to of one log; salt makes another one of it.
func logOf(prev []byte, from, to int64, salt string) (list []wire.AuditEntry) {
	for n := from; n <= to; n++ {
		e := wire.AuditEntry{N: n, At: 1790000000 + n, Event: "committed", Subject: wire.NewSubmissionID(), Detail: salt}
		e.Hash = e.Sum(prev)
		list, prev = append(list, e), e.Hash
	}
	return list
}

// batchOf makes a batch of list[from:to].
func batchOf(log string, list []wire.AuditEntry, from, to int) wire.AuditBatch {
	prev := wire.AuditStart()
	for _, e := range list[:from] {
		prev = e.Hash
	}
	return wire.AuditBatch{Log: log, Prev: prev, Head: int64(len(list)), Entries: list[from:to]}
}

func (b *bench) took(kiosk string, batch wire.AuditBatch, v wire.AuditVerdict, n int64) {
	b.t.Helper()
	a, err := b.TakeAudit(b.t.Context(), kiosk, batch, epoch())
	must(b.t, err)
	if a.Verdict != v || a.N != n || len(a.Hash) != 32 {
		b.t.Fatalf("answer %+v, not %s at %d", a, v, n)
	}
}

func (b *bench) alarmed(want ...hub.AlarmKind) {
	b.t.Helper()
	list, err := b.Alarms(b.t.Context(), 100)
	must(b.t, err)
	var got []hub.AlarmKind
	for _, a := range list {
		got = append(got, a.Kind)
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		b.t.Fatalf("alarms: %s", d)
	}
}

func (b *bench) entries(kiosk, log string) (list []wire.AuditEntry) {
	b.t.Helper()
	all, err := b.AuditEntries(b.t.Context(), kiosk, log, 0, -1)
	must(b.t, err)
	for _, e := range all {
		if !e.ReceivedAt.Equal(kept(epoch())) {
			b.t.Errorf("entry %d came at %v", e.N, e.ReceivedAt)
		}
		list = append(list, e.AuditEntry)
	}
	return list
}

func auditGoesOn(t *testing.T, b *bench) {
	log, list := wire.NewSubmissionID(), logOf(wire.AuditStart(), 1, 10, "accepted")
	b.took("demo", batchOf(log, list, 0, 4), wire.AuditTaken, 4)
	b.took("demo", batchOf(log, list, 0, 4), wire.AuditTaken, 4) // the answer was lost
	b.took("demo", batchOf(log, list, 2, 7), wire.AuditTaken, 7) // from before what is there
	b.took("demo", batchOf(log, list, 1, 3), wire.AuditTaken, 7) // long ago
	logs, err := b.AuditLogs(t.Context(), "demo")
	must(t, err)
	if len(logs) != 1 || !logs[0].Whole.IsZero() {
		t.Errorf("logs %+v: it is not whole yet", logs)
	}
	b.took("demo", batchOf(log, list, 7, 10), wire.AuditTaken, 10)
	logs, err = b.AuditLogs(t.Context(), "")
	must(t, err)
	want := hub.AuditLog{Kiosk: "demo", Log: log, BaseHash: wire.AuditStart(), N: 10, Hash: list[9].Hash, At: kept(epoch()), Whole: kept(epoch())}
	if d := cmp.Diff([]hub.AuditLog{want}, logs); d != "" {
		t.Error(d)
	}
	one, err := b.AuditLog(t.Context(), "demo", log)
	must(t, err)
	if d := cmp.Diff(want, one); d != "" {
		t.Error(d)
	}
	_, err = b.AuditLog(t.Context(), "other", log)
	mustBe(t, err, hub.ErrNotFound)
	if d := cmp.Diff(list, b.entries("demo", log)); d != "" {
		t.Error(d)
	}
	some, err := b.AuditEntries(t.Context(), "demo", log, 3, 2)
	must(t, err)
	if len(some) != 2 || some[0].N != 4 {
		t.Errorf("a page %+v", some)
	}
	// The same ID at another kiosk is another log.
	b.took("other", batchOf(log, list, 0, 2), wire.AuditTaken, 2)
	if n := len(b.entries("demo", log)); n != 10 {
		t.Errorf("%d entries", n)
	}
	b.alarmed()
}

func auditRefuses(t *testing.T, b *bench) {
	log, list := wire.NewSubmissionID(), logOf(wire.AuditStart(), 1, 10, "accepted")
	b.took("demo", batchOf(log, list, 0, 5), wire.AuditTaken, 5)
	clone := append(slices.Clone(list[:4]), logOf(list[3].Hash, 5, 10, "cloned")...)
	spoilt := slices.Clone(list)
	spoilt[7].Detail = "spoilt"
	for _, c := range []struct {
		name  string
		batch wire.AuditBatch
		v     wire.AuditVerdict
		n     int64
		kinds []hub.AlarmKind
	}{
		{"gap", batchOf(log, list, 6, 9), wire.AuditGap, 5, []hub.AlarmKind{hub.AlarmAuditGap}},
		{"fork before the head", batchOf(log, clone, 3, 10), wire.AuditFork, 5, []hub.AlarmKind{hub.AlarmAuditFork, hub.AlarmAuditGap}},
		{"fork at the head", batchOf(log, clone, 5, 10), wire.AuditFork, 5, []hub.AlarmKind{hub.AlarmAuditFork, hub.AlarmAuditGap}},
		{"broken", batchOf(log, spoilt, 5, 10), wire.AuditBroken, 7, []hub.AlarmKind{hub.AlarmAuditBroken, hub.AlarmAuditFork, hub.AlarmAuditGap}},
	} {
		for range 2 {
			b.took("demo", c.batch, c.v, c.n)
		}
		b.alarmed(c.kinds...)
	}
	if d := cmp.Diff(list[:7], b.entries("demo", log)); d != "" {
		t.Errorf("what was right is not there, or more: %s", d)
	}
	ev, err := b.AuditEvidence(t.Context(), "demo")
	must(t, err)
	// The same spoilt batch again is the same evidence, and the first time it was
	// understood as it is.
	if len(ev) != 4 || ev[0].Verdict != wire.AuditGap || ev[3].Verdict != wire.AuditBroken || !strings.Contains(string(ev[3].Batch), "spoilt") {
		t.Errorf("%d batches are kept: %v", len(ev), ev)
	}
	b.took("demo", batchOf(log, list, 7, 10), wire.AuditTaken, 10) // the right one is still taken
	for i := range 60 {
		b.took("demo", batchOf(log, logOf(wire.AuditStart(), 1, 2, fmt.Sprintf("flood_%d", i)), 0, 2), wire.AuditFork, 10)
	}
	if ev, err = b.AuditEvidence(t.Context(), ""); err != nil || len(ev) != 50 {
		t.Errorf("%d batches are kept of a flood (%v)", len(ev), err)
	}
}

func auditLogsJoin(t *testing.T, b *bench) {
	one, list := wire.NewSubmissionID(), logOf(wire.AuditStart(), 1, 10, "accepted")
	b.took("demo", batchOf(one, list, 0, 10), wire.AuditTaken, 10)
	join := func(prior string, at int, salt string) wire.AuditBatch {
		fresh := logOf(list[at-1].Hash, int64(at+1), int64(at+3), salt)
		return wire.AuditBatch{Log: wire.NewSubmissionID(), Prior: prior, Prev: list[at-1].Hash, Head: int64(at + 3), Entries: fresh}
	}
	two := join(one, 8, "rescued")
	b.took("demo", two, wire.AuditTaken, 11)
	b.took("anew", join(one, 10, "enrolled"), wire.AuditTaken, 13) // under another identity
	b.alarmed()
	logs, err := b.AuditLogs(t.Context(), "demo")
	must(t, err)
	if i := slices.IndexFunc(logs, func(l hub.AuditLog) bool { return l.Log == two.Log }); i < 0 || logs[i].Prior != one || logs[i].Base != 8 || !bytes.Equal(logs[i].BaseHash, list[7].Hash) {
		t.Errorf("logs %+v", logs)
	}
	b.took("demo", join(wire.NewSubmissionID(), 8, "x"), wire.AuditGap, 0) // goes on from nothing that is known
	odd := join(one, 8, "x")
	odd.Prev = list[6].Hash
	b.took("demo", odd, wire.AuditGap, 0)
	b.alarmed(hub.AlarmAuditGap) // whatever ID it takes
	fresh := logOf(wire.AuditStart(), 1, 2, "new")
	b.took("demo", batchOf(wire.NewSubmissionID(), fresh, 0, 2), wire.AuditTaken, 2) // continues none: taken, and alarmed
	b.alarmed(hub.AlarmAuditGap, hub.AlarmAuditGap)
	fresh[0].Hash = fresh[0].Sum(list[0].Hash)
	b.took("third", wire.AuditBatch{Log: wire.NewSubmissionID(), Prev: list[0].Hash, Head: 1, Entries: fresh[:1]}, wire.AuditBroken, 0)
}

// A kiosk in wrong hands that takes new IDs without end fills neither logs, evidence nor
// alarms; its old logs go on.
func auditIsBounded(t *testing.T, b *bench) {
	list := logOf(wire.AuditStart(), 1, 4, "accepted")
	first := wire.NewSubmissionID()
	b.took("rogue", batchOf(first, list, 0, 2), wire.AuditTaken, 2)
	for range 99 {
		b.took("rogue", batchOf(wire.NewSubmissionID(), list, 0, 1), wire.AuditTaken, 1)
	}
	for range 205 {
		b.took("rogue", batchOf(wire.NewSubmissionID(), list, 0, 1), wire.AuditGap, 0)
	}
	for range 3 {
		b.took("rogue", batchOf(wire.NewSubmissionID(), list, 2, 3), wire.AuditGap, 0)
	}
	b.took("rogue", batchOf(first, list, 2, 4), wire.AuditTaken, 4)
	logs, err := b.AuditLogs(t.Context(), "rogue")
	must(t, err)
	evidence, err := b.AuditEvidence(t.Context(), "rogue")
	must(t, err)
	alarms, err := b.Alarms(t.Context(), -1)
	must(t, err)
	if len(logs) != 100 || len(evidence) != 200 || len(alarms) != 100 {
		t.Errorf("%d logs, %d batches, %d alarms", len(logs), len(evidence), len(alarms))
	}
	b.took("other", batchOf(first, list, 1, 2), wire.AuditGap, 0)
	if evidence, err := b.AuditEvidence(t.Context(), "other"); err != nil || len(evidence) != 1 {
		t.Errorf("of another kiosk %d batches are kept (%v)", len(evidence), err)
	}
}

// Whoever writes at once, the log is one.
func auditByACrowd(t *testing.T, b *bench) {
	log, list := wire.NewSubmissionID(), logOf(wire.AuditStart(), 1, 100, "accepted")
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		for from := i % 5; from < 100 && errs[i] == nil; from += 5 {
			a, err := s.TakeAudit(t.Context(), "demo", batchOf(log, list, 0, from+1), epoch())
			if err == nil && a.Verdict != wire.AuditTaken {
				err = errors.New(string(a.Verdict))
			}
			errs[i] = err
		}
	})
	must(t, errors.Join(errs...))
	if d := cmp.Diff(list, b.entries("demo", log)); d != "" {
		t.Error(d)
	}
	// Two machines with one file: one of them is heard, the other is told.
	log = wire.NewSubmissionID()
	twins := [][]wire.AuditEntry{logOf(wire.AuditStart(), 1, 3, "left"), logOf(wire.AuditStart(), 1, 3, "right")}
	verdicts := make([]wire.AuditVerdict, crowd)
	b.together(func(s Store, i int) {
		a, err := s.TakeAudit(t.Context(), "twins", batchOf(log, twins[i%4/2], 0, 3), epoch())
		verdicts[i], errs[i] = a.Verdict, err
	})
	must(t, errors.Join(errs...))
	won := b.entries("twins", log)[0].Detail
	for i := range crowd {
		if (verdicts[i] == wire.AuditTaken) != (twins[i%4/2][0].Detail == won) {
			t.Errorf("%s won, and %d got %s", won, i, verdicts[i])
		}
	}
	b.alarmed(hub.AlarmAuditFork)
}

func notes(t *testing.T, b *bench) {
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		errs[i] = s.Note(t.Context(), hub.NoteKioskInvited, name(i), "", epoch())
	})
	must(t, errors.Join(errs...))
	must(t, b.Note(t.Context(), hub.NoteKeysBegun, "", "v2", epoch()))
	list := b.entries("", hub.OwnLog)
	if err := wire.CheckAudit(0, wire.AuditStart(), list); err != nil || len(list) != crowd+1 {
		t.Fatalf("%d notes: %v", len(list), err)
	}
	seen := map[string]bool{}
	for _, e := range list {
		seen[e.Subject] = true
	}
	if len(seen) != crowd+1 {
		t.Errorf("%d subjects", len(seen))
	}
	for _, bad := range [][2]string{{"山田 太郎", ""}, {"", "090 1234"}, {"a b", ""}, {"", "09012345678"}} {
		if err := b.Note(t.Context(), hub.NoteKioskRevoked, bad[0], bad[1], epoch()); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if n := len(b.entries("", hub.OwnLog)); n != crowd+1 {
		t.Errorf("%d notes", n)
	}
	verified(t, b, 1)
}

func verified(t *testing.T, b *bench, logs int) {
	t.Helper()
	found, err := hub.VerifyAudit(t.Context(), b, "", nil, epoch())
	must(t, err)
	if len(found) != logs {
		t.Errorf("%d logs: %+v", len(found), found)
	}
	for _, f := range found {
		if len(f.Problems) > 0 {
			t.Errorf("%s %s: %s", f.Kiosk, f.Log, f.Problems)
		}
	}
}

// What the logs say of submissions is held against what is stored.
func auditTellsOfSubmissions(t *testing.T, b *bench) {
	told, other, untold, fresh := submission("told"), submission("other"), submission("untold"), submission("fresh")
	untold.StoredAt, told.StoredAt, other.StoredAt = epoch().Add(-2*time.Hour), epoch().Add(-2*time.Hour), epoch().Add(-2*time.Hour)
	for _, s := range []hub.Stored{told, other, untold, fresh} {
		put(t, b, s)
	}
	entry := func(n int64, prev []byte, s hub.Stored, hash []byte) wire.AuditEntry {
		e := wire.AuditEntry{N: n, Event: "committed", Subject: s.ID, Detail: fmt.Sprintf("%x", hash)}
		e.Hash = e.Sum(prev)
		return e
	}
	one := entry(1, wire.AuditStart(), told, told.Hash)
	two := entry(2, one.Hash, other, told.Hash)
	list := []wire.AuditEntry{one, two}
	problems := func(now time.Time) string {
		found, err := hub.VerifyAudit(t.Context(), b, "demo", nil, now)
		must(t, err)
		var all []string
		for _, f := range found {
			all = append(all, f.Problems...)
		}
		return strings.Join(all, "\n")
	}
	if p := problems(epoch()); p != "" {
		t.Errorf("before anything is due: %s", p)
	}
	if p := problems(epoch().Add(25 * time.Hour)); !strings.Contains(p, "4 submissions of more than a day ago") {
		t.Errorf("a day without a log: %s", p)
	}
	b.took("demo", batchOf(wire.NewSubmissionID(), list, 0, 2), wire.AuditTaken, 2)
	p := problems(epoch())
	for _, want := range []string{"1 submissions that the log, which has come further, does not tell of, the first " + untold.ID, "1 submissions whose content is not the one that the log tells of, the first " + other.ID} {
		if !strings.Contains(p, want) {
			t.Errorf("%q is not in %s", want, p)
		}
	}
	kiosks, err := b.SubmittingKiosks(t.Context())
	must(t, err)
	marks, err := b.SubmissionMarks(t.Context(), "demo", 0, 3)
	must(t, err)
	more, err := b.SubmissionMarks(t.Context(), "demo", marks[2].N, 3)
	must(t, err)
	if len(kiosks) != 1 || len(marks) != 3 || len(more) != 1 || more[0].ID != fresh.ID || !bytes.Equal(marks[0].Hash, told.Hash) {
		t.Errorf("%v %v %v", kiosks, marks, more)
	}
}
