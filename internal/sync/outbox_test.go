package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

func proof(t *testing.T, k *keys, s wire.Submission) wire.Ack {
	t.Helper()
	signed, ok, err := newLedger(k).store(s)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	v, err := wire.NewAckVerifier(k.enrol.AckKeys...)
	if err != nil {
		t.Fatal(err)
	}
	a, err := v.Verify(signed, s.ID, s.Hash(), s.Kiosk)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCommitSurvivesAndIsSealed(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "new", "outbox.db")
	o := openOutbox(t, path, k)
	c, err := o.Commit(t.Context(), entry("1", wire.KindApplication))
	if err != nil {
		t.Fatal(err)
	}
	if c.Number != wire.NumberOf(c.ID) {
		t.Errorf("number %q", c.Number)
	}
	for _, name := range []string{path, path + "-wal"} {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, st.Mode())
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("6900123456789012")) || bytes.Contains(b, []byte("5678")) && bytes.Contains(b, []byte("phone_last4")) {
			t.Errorf("%s holds personal data in clear", name)
		}
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", st.Mode(), err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	s, err := o.take(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	p, err := wire.Open(k.seal, s)
	if err != nil || p.Kind != wire.KindApplication {
		t.Fatalf("kind %q, err %v", p.Kind, err)
	}
}

func TestCommitWithoutEnrolment(t *testing.T) {
	none := func() (*wire.Enrolment, bool) { return nil, false }
	o, err := OpenOutbox(t.Context(), filepath.Join(t.TempDir(), "o.db"), none, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	if _, err := o.Commit(t.Context(), entry("1", wire.KindReservation)); fault.CodeOf(err) != fault.StorageFailed {
		t.Fatalf("err = %v", err)
	}
	if pending(t, o) != 0 {
		t.Fatal("something was stored")
	}
}

func TestOnlyProofDeletes(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	id := commit(t, o, "1", wire.KindReservation)
	s, err := o.take(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Acknowledge(t.Context(), wire.Ack{}); !errors.Is(err, ErrUnproven) {
		t.Fatalf("zero ack: %v", err)
	}
	other, err := wire.Seal(k.seal.Public(), s.Kiosk, s.ID, entry("1", wire.KindReservation).Payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Acknowledge(t.Context(), proof(t, k, other)); !errors.Is(err, ErrUnproven) {
		t.Fatalf("ack for other content: %v", err)
	}
	if _, err := o.db.Exec(t.Context(), "DELETE FROM submissions"); err == nil {
		t.Fatal("the database let an unacknowledged row go")
	}
	if _, err := o.db.Exec(t.Context(), "UPDATE submissions SET sealed = x'00'"); err == nil {
		t.Fatal("the database let a row change")
	}
	if pending(t, o) != 1 {
		t.Fatal("the submission is gone")
	}
	for range 2 { // the second time does nothing
		if err := o.Acknowledge(t.Context(), proof(t, k, s)); err != nil {
			t.Fatal(err)
		}
	}
	if pending(t, o) != 0 {
		t.Fatal("the submission is still there")
	}
}

// Of acknowledgements that are noted together each stands for itself: not one that proves
// nothing, nor a row that the disk does not let go, holds up the others.
func TestEachAcknowledgementForItself(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	var acks []wire.Ack
	var ids []string
	for i := range 5 {
		ids = append(ids, commit(t, o, fmt.Sprint(i), wire.KindReservation))
		s, err := o.take(t.Context(), ids[i])
		if err != nil {
			t.Fatal(err)
		}
		acks = append(acks, proof(t, k, s))
	}
	acks[1] = wire.Ack{}
	if _, err := o.db.Exec(t.Context(), "CREATE TRIGGER stuck BEFORE DELETE ON submissions WHEN old.id = '"+ids[3]+"' BEGIN SELECT RAISE (ABORT, 'stuck'); END"); err != nil {
		t.Fatal(err)
	}
	for i, err := range o.acknowledge(t.Context(), acks) {
		if good := i == 1 && errors.Is(err, ErrUnproven) || i == 3 && fault.CodeOf(err) == fault.StorageFailed || i != 1 && i != 3 && err == nil; !good {
			t.Errorf("acknowledgement %d: %v", i, err)
		}
	}
	wantHeads(t, o, ids[1], ids[3])
}

// wantHeads fails unless exactly these submissions may be sent now.
func wantHeads(t *testing.T, o *Outbox, ids ...string) {
	t.Helper()
	heads, err := o.heads(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range heads {
		got = append(got, h.id)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Fatal(diff)
	}
}

func acknowledge(t *testing.T, o *Outbox, k *keys, id string) {
	t.Helper()
	s, err := o.take(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Acknowledge(t.Context(), proof(t, k, s)); err != nil {
		t.Fatal(err)
	}
}

func TestOrderOfHeads(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	issued := commit(t, o, "1", wire.KindIssuance)
	reserved := commit(t, o, "1", wire.KindReservation)
	applied := commit(t, o, "1", wire.KindApplication)
	other := commit(t, o, "2", wire.KindIssuance)
	wantHeads(t, o, issued, other)
	if err := o.quarantine(t.Context(), issued, fault.HubRefused); err != nil {
		t.Fatal(err)
	}
	wantHeads(t, o, reserved, other) // a record that is set aside holds nothing up
	if err := o.quarantine(t.Context(), reserved, fault.HubRefused); err != nil {
		t.Fatal(err)
	}
	wantHeads(t, o, other) // no application without its reservation
	if n, err := o.Requeue(t.Context()); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	wantHeads(t, o, issued, other)
	for _, id := range []string{issued, reserved} {
		acknowledge(t, o, k, id)
	}
	wantHeads(t, o, applied, other)
}

// The person of a later visit may be the one of an earlier: the outbox cannot
// know, so an application waits for all older reservations, and for no younger.
func TestApplicationsDoNotOvertakeReservations(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	reserved := commit(t, o, "1", wire.KindReservation)
	applied := commit(t, o, "2", wire.KindApplication)
	younger := commit(t, o, "3", wire.KindReservation)
	record := commit(t, o, "4", wire.KindIssuance)
	wantHeads(t, o, reserved, younger, record)
	acknowledge(t, o, k, reserved)
	wantHeads(t, o, applied, younger, record)

	aside := commit(t, o, "5", wire.KindReservation)
	last := commit(t, o, "6", wire.KindApplication)
	if err := o.quarantine(t.Context(), aside, fault.HubRefused); err != nil {
		t.Fatal(err)
	}
	acknowledge(t, o, k, younger)
	wantHeads(t, o, applied, record, last) // what is set aside does not hold up other visits

	before := commit(t, o, "7", wire.KindReservation)
	fresh := newKeys(t)
	k.enrol.SealKeyID, k.enrol.SealKey = fresh.enrol.SealKeyID, fresh.enrol.SealKey
	after := commit(t, o, "8", wire.KindApplication)
	wantHeads(t, o, applied, record, last, before) // a new key of the hub changes no order
	waits := []string{applied, record, last, before}
	for _, try := range []struct {
		reason        fault.Code
		fresh, passed bool
	}{
		{"", true, false},
		{fault.HubRefused, true, true}, // what the hub cannot open holds up no other visit
		{"", false, true},              // the line is down: nothing new is known
		{"", true, false},              // it has the key again
		{fault.Internal, true, true},   // what is stuck holds up no other visit
		{"", true, true},
	} {
		if err := o.attempted(t.Context(), before, try.reason, try.fresh); err != nil {
			t.Fatal(err)
		}
		if try.passed {
			wantHeads(t, o, append(slices.Clone(waits), after)...)
		} else {
			wantHeads(t, o, waits...)
		}
	}
}

// What may be sent is found by indexes. A walk through all of the queue for each row of
// it would take hours after some weeks without a line.
func TestHeadsAreFoundByIndexes(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	var plan []string
	rows, err := o.db.Read().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+headsQuery, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	inner := slices.DeleteFunc(slices.Clone(plan), func(step string) bool { return !strings.Contains(step, " e ") })
	if len(inner) != 2 || !strings.Contains(inner[0], "(visit=?") || !strings.Contains(inner[1], "submissions_reserving") {
		t.Errorf("the plan is %q", plan)
	}
}

func TestCommitAgainIsTheSameSubmission(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	e := entry("1", wire.KindReservation)
	e.ID = wire.NewSubmissionID()
	rows := func() (n int) {
		t.Helper()
		n, err := o.count(t.Context(), "SELECT (SELECT count(*) FROM slips) + (SELECT count(*) FROM audit WHERE event = 'committed')")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	again := func() {
		t.Helper()
		c, err := o.Commit(t.Context(), e)
		if err != nil || c.ID != e.ID || c.Number != wire.NumberOf(e.ID) {
			t.Fatalf("%+v, %v", c, err)
		}
		if n := rows(); n != 2 {
			t.Fatalf("%d rows of slips and audit, want 2", n)
		}
	}
	again()
	first, err := o.take(t.Context(), e.ID)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if second, err := o.take(t.Context(), e.ID); err != nil || !bytes.Equal(first.Sealed, second.Sealed) {
		t.Fatal("what was stored has changed", err)
	}
	otherVisit, otherContent := e, e
	otherVisit.Visit = "2"
	otherContent.Payload = entry("1", wire.KindReservation).Payload
	noID := e
	noID.ID = "not an ID"
	for name, wrong := range map[string]Entry{"visit": otherVisit, "content": otherContent, "id": noID} {
		if _, err := o.Commit(t.Context(), wrong); fault.CodeOf(err) != fault.StorageFailed {
			t.Errorf("other %s under the same ID: %v", name, err)
		}
	}
	acknowledge(t, o, k, e.ID)
	again() // the number is known although the submission is gone
	if n := pending(t, o); n != 0 {
		t.Fatalf("%d pending: an acknowledged submission came back", n)
	}
}

func TestInterruptedVisits(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "o.db")
	o := openOutbox(t, path, k)
	ended := commit(t, o, "1", wire.KindReservation)
	if err := o.SlipEnded(t.Context(), ended, "printed"); err != nil {
		t.Fatal(err)
	}
	if err := o.EndVisit(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	cut := commit(t, o, "2", wire.KindReservation)
	s, err := o.take(t.Context(), cut)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Acknowledge(t.Context(), proof(t, k, s)); err != nil {
		t.Fatal(err)
	}
	cut2 := commit(t, o, "2", wire.KindApplication)
	if err := o.SlipSending(t.Context(), cut2); err != nil {
		t.Fatal(err)
	}
	if found, err := o.Unended(t.Context()); err != nil || found != nil {
		t.Fatalf("a visit of this run was found: %v %v", found, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}

	o = openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	commit(t, o, "2", wire.KindIssuance) // the count of visits begins again
	found, err := o.Unended(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	was := found[0].Visit
	want := []Found{{was, wire.KindReservation, wire.NumberOf(cut), "en"}, {was, wire.KindApplication, wire.NumberOf(cut2), "en"}}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Fatal(diff)
	}
	if again, err := o.Unended(t.Context()); err != nil || !cmp.Equal(want, again) {
		t.Fatalf("not told yet, and found: %v %v", again, err)
	}
	for range 2 {
		if err := o.Told(t.Context(), found); err != nil {
			t.Fatal(err)
		}
	}
	if n := column(t, o, "SELECT count(*) FROM audit WHERE event = 'found'"); n[0] != "1" {
		t.Errorf("%s entries of one telling", n)
	}
	if again, err := o.Unended(t.Context()); err != nil || again != nil {
		t.Fatalf("shown twice: %v %v", again, err)
	}
	wiped := commit(t, o, "3", wire.KindReservation) // by a defect, in this run
	for _, want := range [][]Found{{{o.visitID("3"), wire.KindReservation, wire.NumberOf(wiped), "en"}}, nil} {
		found, err := o.Unended(t.Context(), "3", "4")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Fatal(diff)
		}
		if err := o.Told(t.Context(), found); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{ended: "printed", cut: "expired", cut2: "unknown"} {
		var got string
		if err := o.db.Read().QueryRowContext(t.Context(), "SELECT state FROM slips WHERE submission = ?", id).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("slip of %s is %s, want %s", id, got, want)
		}
	}
}

func TestSlipEndedRefusesOtherWords(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	id := commit(t, o, "1", wire.KindReservation)
	for _, word := range []SlipState{"", "queued", "sending", "none", "burnt", "not_printed"} {
		if err := o.SlipEnded(t.Context(), id, word); err == nil {
			t.Errorf("%q was taken", word)
		}
	}
	if err := o.SlipEnded(t.Context(), wire.NewSubmissionID(), "printed"); fault.CodeOf(err) != fault.StorageFailed {
		t.Errorf("a slip that is not there: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	k := newKeys(t)
	log := slog.New(slog.DiscardHandler)
	t.Run("rubbish", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "o.db")
		rubbish := []byte(strings.Repeat("this is no database ", 400))
		if err := os.WriteFile(path, rubbish, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ExamineOutbox(t.Context(), path, log); !errors.Is(err, ErrDamaged) {
			t.Fatalf("err = %v, want ErrDamaged", err)
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, rubbish) {
			t.Fatal("the damaged file was touched")
		}
	})
	t.Run("newer", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "o.db")
		o := openOutbox(t, path, k)
		if _, err := o.db.Exec(t.Context(), "PRAGMA user_version = 99"); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenOutbox(t.Context(), path, k.enrolment, log); err == nil || !strings.Contains(err.Error(), "schema 99") {
			t.Fatalf("err = %v", err)
		}
	})
	t.Run("twice", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "o.db")
		o := openOutbox(t, path, k)
		defer func() { _ = o.Close() }()
		if _, err := OpenOutbox(t.Context(), path, k.enrolment, log); !errors.Is(err, ErrInUse) {
			t.Fatalf("err = %v, want ErrInUse", err)
		}
	})
}

func TestCommitIsAllOrNothing(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	if _, err := o.db.Exec(t.Context(),
		"CREATE TRIGGER full BEFORE INSERT ON audit WHEN new.event = 'committed' BEGIN SELECT RAISE (ABORT, 'disk full'); END"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Commit(t.Context(), entry("1", wire.KindReservation)); fault.CodeOf(err) != fault.StorageFailed {
		t.Fatalf("err = %v", err)
	}
	for _, table := range []string{"submissions", "slips", "visits"} {
		if n, err := o.count(t.Context(), "SELECT count(*) FROM "+table); n != 0 || err != nil {
			t.Errorf("%s holds %d rows (%v)", table, n, err)
		}
	}
}

func BenchmarkCommit(b *testing.B) {
	o := newOutbox(b, newKeys(b))
	e := entry("1", wire.KindApplication)
	for b.Loop() {
		if _, err := o.Commit(context.Background(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReprintsAreCounted(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	id := commit(t, o, "1", wire.KindReservation)
	for range 3 { // what the kiosk notes for each print
		if err := o.SlipSending(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := o.SlipEnded(t.Context(), id, SlipPrinted); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := o.db.Read().QueryRowContext(t.Context(), "SELECT reprints FROM slips WHERE submission = ?", id).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d reprints, %v; want 2", n, err)
	}
}

// SQLite takes any value into any column of a table that is not strict.
func TestEveryTableIsStrict(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	if n := len(column(t, o, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'")); n < 4 {
		t.Fatalf("%d tables", n)
	}
	if loose := column(t, o, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'"); len(loose) > 0 {
		t.Errorf("not strict: %q", loose)
	}
}
