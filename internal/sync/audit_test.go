package sync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

func verify(tb testing.TB, o *Outbox) (n int64, head []byte) {
	tb.Helper()
	n, head, err := o.VerifyAudit(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return n, head
}

func note(tb testing.TB, o *Outbox, event AuditEvent, subject, detail string) {
	tb.Helper()
	if err := o.Note(tb.Context(), event, subject, detail); err != nil {
		tb.Fatal(err)
	}
}

// Every way to change the log in its file is found.
func TestAuditFindsTampering(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	commit(t, o, "1", wire.KindIssuance)
	if n, head := verify(t, o); n != 3 || len(head) != 32 {
		t.Fatal(n, head)
	}
	for _, sql := range []string{"UPDATE audit SET detail = 'x' WHERE n = 2", "DELETE FROM audit WHERE n = 3", "DELETE FROM audit WHERE n = 1",
		"UPDATE audit_log SET first = 2", "INSERT INTO audit_log SELECT * FROM audit_log"} {
		if _, err := o.db.Exec(t.Context(), sql); err == nil {
			t.Errorf("the database lets this happen: %s", sql)
		}
	}
	for name, sql := range map[string]string{
		"at":                           "UPDATE audit SET at = at - 3600 WHERE n = 2",
		"event":                        "UPDATE audit SET event = 'acknowledged' WHERE n = 3",
		"subject":                      "UPDATE audit SET subject = '' WHERE n = 3",
		"detail":                       "UPDATE audit SET detail = 'x' WHERE n = 3",
		"hash":                         "UPDATE audit SET hash = zeroblob(32) WHERE n = 4",
		"last hash":                    "UPDATE audit SET hash = zeroblob(32) WHERE n = (SELECT max(n) FROM audit)",
		"shifted":                      "UPDATE audit SET event = event || substr(subject, 1, 1), subject = substr(subject, 2) WHERE n = 3",
		"missing":                      "DELETE FROM audit WHERE n = 3",
		"first":                        "DELETE FROM audit WHERE n = 1",
		"reordered":                    "UPDATE audit SET n = 1000 WHERE n = 3; UPDATE audit SET n = 3 WHERE n = 4; UPDATE audit SET n = 4 WHERE n = 1000",
		"before":                       "INSERT INTO audit VALUES (0, 0, 'x', '', '', zeroblob(32))",
		"cut off, of what the hub has": "UPDATE audit_log SET confirmed = 5; DELETE FROM audit WHERE n > 4",
		"all gone":                     "UPDATE audit_log SET confirmed = 5; DELETE FROM audit",
		"anchor":                       "UPDATE audit_log SET anchor = 2, anchor_hash = zeroblob(32); DELETE FROM audit WHERE n <= 2",
		"base":                         "UPDATE audit_log SET anchor_hash = randomblob(32)",
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(t, newKeys(t))
			commit(t, o, "1", wire.KindIssuance)
			commit(t, o, "1", wire.KindIssuance)
			note(t, o, AuditStaffDone, "", "")
			verify(t, o)
			if _, err := o.db.Exec(t.Context(), "DROP TRIGGER audit_never_changes; DROP TRIGGER audit_shrinks_behind; "+sql); err != nil {
				t.Fatal(err)
			}
			if _, _, err := o.VerifyAudit(t.Context()); !errors.Is(err, ErrAudit) {
				t.Fatalf("err = %v, want ErrAudit", err)
			}
		})
	}
}

// Nothing personal gets in, whatever is tried, and what is refused is in no error.
func TestNothingPersonalIsNoted(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	id := commit(t, o, "1", wire.KindIssuance)
	before, _ := verify(t, o)
	personal := []string{"山田 太郎", "ヤマダタロウ", "taro", "yamada", "taro yamada", "09012345678", "1234", "123456", "6900123456789012", "1950-04-01", "Pass1234",
		"k-taro", "v090-1234-5678x@", "a@b", "x\ny", "\x00", id + "/山田", "MYKEY234"}
	events := []AuditEvent{AuditProgram, AuditConfig, AuditStopped, AuditEnrolled, AuditRenewed,
		AuditHubKeys, AuditRevoked, AuditRestored, AuditVisitBegun, AuditVisitOver, AuditProcedure, AuditPINWrong,
		AuditPINBlocked, AuditStaffCalled, AuditStaffDone, AuditStaffEnds, AuditReprinted, AuditRefused, AuditDock}
	fits := map[AuditEvent][2]string{ // as the program notes them
		AuditProgram: {"", "v1.2.3-4-gabcdef"}, AuditConfig: {"", strings.Repeat("0f", 32)}, AuditStopped: {"", "ok"}, AuditEnrolled: {"", "k-abcdefghijklmnopqrstuvwxyz"},
		AuditRenewed: {}, AuditHubKeys: {"", strings.Repeat("e1", 32)}, AuditRevoked: {}, AuditRestored: {}, AuditVisitBegun: {"0-1", "full"}, AuditVisitOver: {"0-1", "idle"}, AuditProcedure: {"0-1", "issue"}, AuditPINWrong: {"0-1", "2"},
		AuditPINBlocked: {"0-1", ""}, AuditStaffCalled: {"0-1", "button"}, AuditStaffDone: {"0-1", ""}, AuditStaffEnds: {"", ""}, AuditReprinted: {id, ""},
		AuditRefused: {"", "foreign_host"}, AuditDock: {"", "card"},
	}
	for _, event := range events {
		for _, s := range personal {
			for _, note := range [][2]string{{s, fits[event][1]}, {fits[event][0], s}} {
				err := o.Note(t.Context(), event, note[0], note[1])
				if err == nil || fault.CodeOf(err) != fault.StorageFailed {
					t.Errorf("%s %q: %v", event, note, err)
				} else if strings.Contains(err.Error(), s) {
					t.Errorf("the error repeats %q", s)
				}
			}
		}
	}
	// What the outbox itself says, nobody else may: an acknowledgement frees a submission.
	for _, event := range []AuditEvent{auditAcknowledged, auditCommitted, auditStarted, auditBegun, auditRescued, "taro", ""} {
		if err := o.Note(t.Context(), event, id, "accepted"); err == nil {
			t.Errorf("%q was noted from outside", event)
		}
	}
	if n, _ := verify(t, o); n != before {
		t.Errorf("%d rows more", n-before)
	}
	for _, event := range events {
		note(t, o, event, fits[event][0], fits[event][1])
	}
	// Whatever is in the file, the hub would take.
	for _, e := range rowsOf(t, o) {
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func rowsOf(t *testing.T, o *Outbox) []wire.AuditEntry {
	t.Helper()
	list, err := auditRows(t.Context(), o.db.Read(), 0, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestConfigIsNotedWhenItChanges(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	for _, digest := range [][32]byte{{1}, {1}, {2}, {2}, {1}} {
		if err := o.NoteConfig(t.Context(), digest); err != nil {
			t.Fatal(err)
		}
	}
	if got := column(t, o, "SELECT substr(detail, 1, 2) FROM audit WHERE event = 'config' ORDER BY n"); !slices.Equal(got, []string{"01", "02", "01"}) {
		t.Error(got)
	}
}

func TestIdentityIsNotedWhenItChanges(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	one, two := "k-"+strings.Repeat("a", 26), "k-"+strings.Repeat("b", 26)
	for _, kiosk := range []string{"a name", "", one, one, two, two, one, "a name"} {
		if err := o.NoteIdentity(t.Context(), kiosk); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"", one, two, one, ""}
	if got := column(t, o, "SELECT detail FROM audit WHERE event = 'enrolled' ORDER BY n"); !slices.Equal(got, want) {
		t.Error(got)
	}
}

// auditHub is a hub that takes one log as a hub does.
type auditHub struct {
	fakeUpstream
	mu    stdsync.Mutex
	logs  map[string][]wire.AuditEntry
	at    []time.Time
	fail  func() error
	say   wire.AuditVerdict // in place of taken
	kiosk string
}

type fakeUpstream struct{}

func (fakeUpstream) Submit(ctx context.Context, _ wire.Submission) (wire.Ack, error) {
	<-ctx.Done()
	return wire.Ack{}, ctx.Err()
}
func (fakeUpstream) Report(context.Context, wire.Report) error { return nil }

func (h *auditHub) Kiosk() string { return h.kiosk }

func (h *auditHub) Audit(_ context.Context, b wire.AuditBatch) (wire.AuditAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = append(h.at, time.Now())
	if h.fail != nil {
		if err := h.fail(); err != nil {
			return wire.AuditAnswer{}, err
		}
	}
	if err := b.Validate(); err != nil {
		return wire.AuditAnswer{}, err
	}
	list := h.logs[b.Log]
	answer := func(v wire.AuditVerdict) wire.AuditAnswer {
		a := wire.AuditAnswer{Verdict: v, Hash: wire.AuditStart()}
		if list := h.logs[b.Log]; len(list) > 0 {
			a.N, a.Hash = list[len(list)-1].N, list[len(list)-1].Hash
		}
		return a
	}
	switch {
	case h.say != "":
		return answer(h.say), nil
	case len(list) > 0 && b.Entries[0].N != list[len(list)-1].N+1, len(list) == 0 && b.Entries[0].N != 1 && b.Prior == "":
		return answer(wire.AuditGap), nil
	case wire.CheckAudit(b.Entries[0].N-1, b.Prev, b.Entries) != nil:
		return answer(wire.AuditBroken), nil
	}
	h.logs[b.Log] = append(list, b.Entries...)
	return answer(wire.AuditTaken), nil
}

// set changes the hub, or looks at it, between two requests.
func (h *auditHub) set(f func()) { h.mu.Lock(); defer h.mu.Unlock(); f() }

func (h *auditHub) total() (n int) {
	h.set(func() {
		for _, l := range h.logs {
			n += len(l)
		}
	})
	return n
}

func newAuditHub() *auditHub {
	return &auditHub{logs: map[string][]wire.AuditEntry{}, kiosk: "kiosk-1"}
}

// sending runs a courier in a bubble.
func sending(t *testing.T, f func(t *testing.T, o *Outbox, h *auditHub)) {
	t.Helper()
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		defer func() { _ = o.Close() }()
		h := newAuditHub()
		stop := run(t, NewCourier(o, h, quiet(), CourierOptions{}))
		f(t, o, h)
		stop()
	})
}

func TestAuditIsSentInBatches(t *testing.T) {
	sending(t, func(t *testing.T, o *Outbox, h *auditHub) {
		for range 450 {
			note(t, o, AuditStaffDone, "", "")
		}
		pass(time.Minute)
		mark, err := o.AuditMark(t.Context())
		if err != nil || mark.N != 452 || mark.Sent != 452 || h.total() != 452 {
			t.Fatalf("%+v, %v, hub has %d", mark, err, h.total())
		}
		h.set(func() {
			if n := len(h.at); n > 5 { // at most one before the notes, three, and one that finds the rest
				t.Errorf("%d requests", n)
			}
			h.logs[mark.Log] = h.logs[mark.Log][:10] // put back to an older state
		})
		note(t, o, AuditStaffDone, "", "")
		pass(2 * time.Minute)
		if n := h.total(); n != 453 {
			t.Errorf("the hub has %d again", n)
		}
		h.set(func() { h.at = nil })
		pass(time.Hour)
		h.set(func() {
			if len(h.at) > 0 {
				t.Error("it is sent although there is nothing new")
			}
		})
	})
}

func TestAuditWaitsAsItIsAsked(t *testing.T) {
	sending(t, func(t *testing.T, o *Outbox, h *auditHub) {
		h.set(func() {
			h.fail = func() error {
				return &RefusalError{Op: "x", Problem: wire.Problem{Status: 503, Code: fault.Internal}, RetryAfter: 5 * time.Minute}
			}
		})
		note(t, o, AuditStaffDone, "", "")
		pass(21 * time.Minute)
		h.set(func() {
			if n := len(h.at); n < 3 || n > 5 {
				t.Errorf("%d tries in 21 minutes", n)
			}
			h.fail = nil
		})
		pass(10 * time.Minute)
		if h.total() == 0 {
			t.Error("nothing came in the end")
		}
	})
}

// A kiosk that is not accepted any more, and one whose hub has no place for the log,
// do not knock with it more often than with anything else.
func TestAuditDoesNotKnockWhereNobodyOpens(t *testing.T) {
	for name, c := range map[string]struct {
		err       error
		low, high int // tries in a day
	}{
		"revoked":  {&RefusalError{Op: "x", Problem: wire.Problem{Status: 401, Code: fault.KioskRevoked}}, 300, 900},
		"no place": {&RefusalError{Op: "x", Problem: wire.Problem{Status: 404, Code: fault.BadMessage}}, 10, 25},
		"no path":  {hubFault("x", fault.HubRubbish, &statusError{Status: 404, Type: "text/plain"}, ""), 10, 25},
		"no POST":  {hubFault("x", fault.HubRubbish, &statusError{Status: 405, Type: "text/plain"}, ""), 10, 25},
	} {
		t.Run(name, func(t *testing.T) {
			sending(t, func(t *testing.T, _ *Outbox, h *auditHub) {
				h.set(func() { h.fail = func() error { return c.err } })
				pass(24 * time.Hour)
				h.set(func() {
					if n := len(h.at); n < c.low || n > c.high {
						t.Errorf("%d tries in a day", n)
					}
				})
			})
		})
	}
}

// A hub that does not take the log is not asked again and again, and it is noted once.
func TestADisputedLogIsNotHot(t *testing.T) {
	for _, v := range []wire.AuditVerdict{wire.AuditFork, wire.AuditBroken, wire.AuditGap} {
		sending(t, func(t *testing.T, o *Outbox, h *auditHub) {
			h.set(func() { h.say = v })
			pass(24 * time.Hour)
			h.set(func() {
				if n := len(h.at); n < 10 || n > 25 {
					t.Errorf("%s: %d tries in a day", v, n)
				}
				h.say = ""
			})
			if got := column(t, o, "SELECT detail FROM audit WHERE event = 'log_refused'"); !slices.Equal(got, []string{string(v)}) {
				t.Errorf("noted: %v", got)
			}
			pass(2 * time.Hour)
			if n, _ := verify(t, o); int64(h.total()) != n {
				t.Errorf("%s: the hub has %d of %d when it takes it again", v, h.total(), n)
			}
		})
	}
}

// Another identity sends on what the one before has not, as a log of its own.
func TestAnotherIdentityHasAnotherLog(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	h := newAuditHub()
	c := NewCourier(o, h, quiet(), CourierOptions{})
	send := func() {
		t.Helper()
		for more := true; more; {
			var err error
			if more, err = c.sendAudit(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
	}
	send()
	first, err := o.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note(t, o, AuditStaffDone, "", "") // the old identity does not get to send it
	h.kiosk = "kiosk-2"
	send()
	second, err := o.AuditMark(t.Context())
	if err != nil || first.Log == second.Log {
		t.Fatal(first, second, err)
	}
	all := append(slices.Clone(h.logs[first.Log]), h.logs[second.Log]...)
	if err := wire.CheckAudit(0, wire.AuditStart(), all); err != nil || int64(len(all)) != second.N {
		t.Errorf("%d of %d: %v", len(all), second.N, err)
	}
	if last := all[len(all)-1]; last.Event != "log_begun" || last.Subject != second.Log || last.Detail != first.Log {
		t.Errorf("%+v", last)
	}
}

// Old rows go when the hub has them, and only then; the rest still hangs together, and
// goes on doing so in a file that was made of a damaged one.
func TestAuditIsForgottenBehindTheHub(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	id := commit(t, o, "1", wire.KindIssuance)
	acknowledge(t, o, k, id)
	for range 50 {
		note(t, o, AuditStaffDone, "", "")
	}
	forget := func(keep int, want int64) {
		t.Helper()
		n, err := o.RetainAudit(t.Context(), keep)
		if err != nil || n != want {
			t.Fatalf("%d rows went, not %d: %v", n, want, err)
		}
	}
	nextDay(t, o)
	forget(0, 0) // the hub has nothing
	h := newAuditHub()
	c := NewCourier(o, h, quiet(), CourierOptions{})
	if _, err := c.sendAudit(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	forget(1, 0) // not old enough
	forget(0, 3) // log_begun, started, committed: the slip needs what proves its submission
	if err := o.EndVisit(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if n, err := o.Retain(t.Context(), 0); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	for range 2 {
		if _, err := c.sendAudit(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	before, head := verify(t, o)
	nextDay(t, o)
	forget(0, before-4)
	if n, _ := verify(t, o); n != before+1 {
		t.Errorf("%d rows", n)
	}
	rows := rowsOf(t, o)
	if len(rows) != 2 || rows[1].Event != "forgotten" || !bytes.Equal(rows[0].Hash, head) {
		t.Errorf("%+v", rows)
	}
	if _, err := c.sendAudit(t.Context(), h); err != nil || int64(h.total()) != before+1 {
		t.Errorf("the hub has %d: %v", h.total(), err)
	}
	old, err := o.AuditMark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, path)
	o = openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	c = NewCourier(o, h, quiet(), CourierOptions{})
	if _, err := c.sendAudit(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	mark, err := o.AuditMark(t.Context())
	if err != nil || mark.Log == old.Log || mark.N != before+4 {
		t.Errorf("after the rescue: %+v, %v", mark, err)
	}
	verify(t, o)
	all := append(slices.Clone(h.logs[old.Log]), h.logs[mark.Log]...)
	if err := wire.CheckAudit(0, wire.AuditStart(), all); err != nil {
		t.Errorf("the hub's logs do not join: %v", err)
	}
	if diff := cmp.Diff([]string{"rescued", "log_begun", "started"}, column(t, o, fmt.Sprint("SELECT event FROM audit WHERE n > ", before+1))); diff != "" {
		t.Error(diff)
	}
}

// damage spoils the header of a file, which leaves everything to be read.
func damage(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt(make([]byte, 50), 0)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The log grows while it is read for sending.
func TestAuditIsSentWhileItIsWritten(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	written := make(chan error, 1)
	go func() {
		var err error
		for range 300 {
			err = errors.Join(err, o.Note(t.Context(), AuditStaffDone, "", ""))
		}
		written <- err
	}()
	h := newAuditHub()
	c := NewCourier(o, h, quiet(), CourierOptions{})
	for done := false; !done; {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		if _, err := c.sendAudit(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	for more := true; more; {
		var err error
		if more, err = c.sendAudit(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.total(); n != 302 {
		t.Errorf("the hub has %d", n)
	}
}

// The audit log waits while submissions are on their way, and holds up none.
func TestSubmissionsGoFirst(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	h := newAuditHub()
	c := NewCourier(o, h, quiet(), CourierOptions{})
	c.sending.Store(true)
	if more, err := c.sendAudit(t.Context(), h); more || err != nil || len(h.at) != 0 {
		t.Errorf("sent meanwhile: %v, %v, %d", more, err, len(h.at))
	}
	c.sending.Store(false)
	c.obey(&RefusalError{RetryAfter: time.Minute})
	if more, err := c.sendAudit(t.Context(), h); more || err != nil || len(h.at) != 0 {
		t.Errorf("sent although the hub asked for silence: %v, %v, %d", more, err, len(h.at))
	}
}
