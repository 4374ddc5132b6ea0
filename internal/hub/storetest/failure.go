package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// A kiosk decides on parts of some texts; none of them may keep a row out.
func oddTexts(t *testing.T, b *bench) {
	for i, text := range []string{"a\x00b", "\xff\xfe", "\xed\xa0\x80", "髙﨑𠮷", "'; DROP TABLE alarm; --", "\u2028\r\n\t"} {
		in := submission(name(i))
		in.Checks = []hub.Check{{Name: hub.CheckPayload, Detail: text}}
		q, a := quarantined(in), alarmed(in)
		q.Reason, a.Text = text, text
		_, err := b.Put(t.Context(), in, q, a)
		must(t, err)
		_, err = b.Submission(t.Context(), in.ID)
		must(t, err)
		must(t, b.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmForeign, Kiosk: "demo", Subject: text, Last: epoch()}))
		// Nor may a look-up fail where it only has to find nothing.
		_, err = b.Submission(t.Context(), text)
		mustBe(t, err, hub.ErrNotFound)
		_, err = b.Kiosk(t.Context(), text)
		mustBe(t, err, hub.ErrNotFound)
		if _, n, err := b.Submissions(t.Context(), hub.Filter{Kiosk: text, Kind: wire.Kind(text), Limit: 5}); err != nil || n != 0 {
			t.Errorf("%q: %d rows (%v)", text, n, err)
		}
	}
	if list, err := b.Alarms(t.Context(), 100); err != nil || len(list) < 8 {
		t.Errorf("%d alarms (%v)", len(list), err)
	}
}

func endedContexts(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in := submission("one")
	in.DocumentHash = document("one")
	key := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"}
	for name, call := range map[string]func() error{
		"Submission":   func() error { _, err := b.Submission(ctx, in.ID); return err },
		"Known":        func() error { _, _, err := b.Known(ctx, in.ID, in.DocumentHash); return err },
		"Put":          func() error { _, err := b.Put(ctx, in, nil, nil); return err },
		"Put with all": func() error { _, err := b.Put(ctx, in, quarantined(in), alarmed(in)); return err },
		"Quarantine":   func() error { return b.Quarantine(ctx, *quarantined(in), *alarmed(in)) },
		"Raise":        func() error { return b.Raise(ctx, *alarmed(in)) },
		"AlarmsOf":     func() error { _, err := b.AlarmsOf(ctx, "demo", 1); return err },
		"Alarms":       func() error { _, err := b.Alarms(ctx, 1); return err },
		"Answer":       func() error { _, err := b.Answer(ctx, key, epoch()); return err },
		"PutAnswer": func() error {
			return b.PutAnswer(ctx, key, hub.Answer{Sealed: sealed(1), Expires: epoch().Add(time.Hour)}, epoch())
		},
		"EnsureKiosk": func() error { return b.EnsureKiosk(ctx, "demo", epoch()) },
		"Kiosk":       func() error { _, err := b.Kiosk(ctx, "demo"); return err },
		"Kiosks":      func() error { _, err := b.Kiosks(ctx); return err },
		"Report":      func() error { return b.Report(ctx, "demo", wire.Report{}, epoch()) },
		"Submissions": func() error { _, _, err := b.Submissions(ctx, hub.Filter{Limit: 1}); return err },
		"Counts":      func() error { _, err := b.Counts(ctx); return err },
		"Issuances":   func() error { _, _, err := b.Issuances(ctx, hub.IssuanceFilter{Limit: 1}); return err },
		"LeaseEnd":    func() error { _, err := b.LeaseEnd(ctx, "x"); return err },
		"Lease":       func() error { _, err := b.Lease(ctx, "x", "y", epoch(), time.Hour); return err },
		"Forget":      func() error { _, err := b.Forget(ctx, hub.KeptAlarms, epoch(), 1); return err },
		"Parts":       func() error { _, err := b.Parts(ctx, hub.TableAlarm, "", 1); return err },
		"Reseal":      func() error { _, err := b.Reseal(ctx, hub.TableAlarm, nil); return err },
		"Proofs":      func() error { _, err := b.Proofs(ctx); return err },
		"Prove":       func() error { return b.Prove(ctx, "x", []byte{1}) },
		"Disprove":    func() error { return b.Disprove(ctx, "x") },
		"Spend":       func() error { _, err := b.Spend(ctx, "demo", "x", time.Hour, time.Hour, epoch()); return err },
		"Check":       func() error { return b.Check(ctx) },
		"TakeAudit": func() error {
			_, err := b.TakeAudit(ctx, "demo", batchOf(wire.NewSubmissionID(), logOf(wire.AuditStart(), 1, 1, "x"), 0, 1), epoch())
			return err
		},
		"Note":             func() error { return b.Note(ctx, hub.NoteKeysBegun, "", "", epoch()) },
		"AuditLog":         func() error { _, err := b.AuditLog(ctx, "demo", "x"); return err },
		"AuditLogs":        func() error { _, err := b.AuditLogs(ctx, ""); return err },
		"AuditEntries":     func() error { _, err := b.AuditEntries(ctx, "demo", "x", 0, 1); return err },
		"AuditEvidence":    func() error { _, err := b.AuditEvidence(ctx, ""); return err },
		"SubmissionMarks":  func() error { _, err := b.SubmissionMarks(ctx, "demo", 0, 1); return err },
		"SubmittingKiosks": func() error { _, err := b.SubmittingKiosks(ctx); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	list, err := b.Alarms(t.Context(), 1)
	must(t, err)
	all, err := b.Kiosks(t.Context())
	must(t, err)
	_, err = b.Answer(t.Context(), key, epoch())
	mustBe(t, err, hub.ErrNotFound)
	if b.total()+b.place.Quarantined(t)+len(list)+len(all) != 0 {
		t.Errorf("%d rows, %d in quarantine, %d alarms, %d kiosks", b.total(), b.place.Quarantined(t), len(list), len(all))
	}
}

// Wherever a context ends a Put, all of it is stored or nothing: a second Put
// then adds all or nothing, so that in the end each is there exactly once.
func contextsThatEndMidway(t *testing.T, b *bench) {
	const rounds = 120
	stored, cut := 0, 0
	for i := range rounds {
		in := submission(name(i))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Microsecond)
		_, err := b.Put(ctx, in, quarantined(in), alarmed(in))
		cancel()
		if err == nil {
			stored++
		} else {
			cut++
		}
		// It waits for what a server may still be doing.
		_, err = b.Put(t.Context(), in, quarantined(in), alarmed(in))
		must(t, err)
	}
	t.Logf("%d were stored at once, %d were cut off", stored, cut)
	list, err := b.Alarms(t.Context(), 2*rounds)
	must(t, err)
	if b.total() != rounds || b.place.Quarantined(t) != rounds || len(list) != rounds {
		t.Errorf("%d rows, %d in quarantine, %d alarms", b.total(), b.place.Quarantined(t), len(list))
	}
	for _, a := range list {
		if a.Times != 1 {
			t.Errorf("alarm %+v", a)
		}
	}
}

func reopeningKeepsEverything(t *testing.T, b *bench) {
	in := submission("one")
	in.DocumentHash = document("one")
	_, err := b.Put(t.Context(), in, quarantined(in), alarmed(in))
	must(t, err)
	must(t, b.EnsureKiosk(t.Context(), "demo", epoch()))
	must(t, b.Report(t.Context(), "demo", wire.Report{Version: "7"}, epoch()))
	key := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"}
	must(t, b.PutAnswer(t.Context(), key, hub.Answer{RequestTag: "t", Status: 200, Sealed: sealed(1), Expires: epoch().Add(time.Hour)}, epoch()))
	issue(t, b, "request-1", issuance("demo", "I-1"))
	type everything struct {
		Rows   []hub.Stored
		Issued []hub.Issuance
		Counts []hub.Count
		Alarms []hub.Alarm
		Kiosks []hub.Kiosk
		Answer hub.Answer
		Used   string
		Quar   int
	}
	look := func() (e everything) {
		t.Helper()
		var errs [7]error
		e.Rows, _, errs[0] = b.Submissions(t.Context(), hub.Filter{Limit: 10})
		e.Counts, errs[1] = b.Counts(t.Context())
		e.Alarms, errs[2] = b.Alarms(t.Context(), 10)
		e.Kiosks, errs[3] = b.Kiosks(t.Context())
		e.Answer, errs[4] = b.Answer(t.Context(), key, epoch())
		_, e.Used, errs[5] = b.Known(t.Context(), "", in.DocumentHash)
		e.Issued, _, errs[6] = b.Issuances(t.Context(), hub.IssuanceFilter{Limit: 10})
		must(t, errors.Join(errs[:]...))
		e.Quar = b.place.Quarantined(t)
		return e
	}
	before := look()
	for range 2 {
		b.close()
		b.open()
		if d := cmp.Diff(before, look()); d != "" {
			t.Errorf("after reopening\n%s", d)
		}
	}
	if before.Used != in.ID || len(before.Rows) != 1 || len(before.Kiosks) != 1 {
		t.Errorf("stored %+v", before)
	}
}

func closedStoreSaysSo(t *testing.T, b *bench) {
	must(t, b.Close())
	if _, err := b.Put(t.Context(), submission("one"), nil, nil); err == nil {
		t.Error("a closed store stores")
	}
	if err := b.Check(t.Context()); err == nil {
		t.Error("a closed store says that it can be used")
	}
	b.all = b.all[1:]
}
