package storetest

import (
	"strings"
	"testing"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// Whoever can write to the database, and changes what an audit log says, is found out:
// by the log itself, or by heads that were noted elsewhere.
func auditTampering(t *testing.T, b *bench) {
	one, two := wire.NewSubmissionID(), wire.NewSubmissionID()
	list := logOf(wire.AuditStart(), 1, 8, "accepted")
	b.took("demo", batchOf(one, list, 0, 8), wire.AuditTaken, 8)
	fresh := logOf(list[5].Hash, 7, 9, "rescued")
	b.took("demo", wire.AuditBatch{Log: two, Prior: one, Prev: list[5].Hash, Head: 9, Entries: fresh}, wire.AuditTaken, 9)
	must(t, b.Note(t.Context(), hub.NoteKeysBegun, "", "", epoch()))
	must(t, b.Note(t.Context(), hub.NoteKioskRevoked, "demo", "", epoch()))
	noted, err := hub.AuditHeads(t.Context(), b, "")
	must(t, err)
	problems := func(heads []hub.AuditHead) string {
		found, err := hub.VerifyAudit(t.Context(), b, "", heads, epoch())
		must(t, err)
		var all []string
		for _, f := range found {
			all = append(all, f.Problems...)
		}
		return strings.Join(all, "; ")
	}
	if p := problems(noted); p != "" {
		t.Fatalf("before: %s", p)
	}
	for _, sql := range []string{
		"UPDATE audit SET detail = 'x' WHERE n = 3", "DELETE FROM audit WHERE n = 8", "DELETE FROM audit_head",
		"UPDATE audit_head SET n = 4", "UPDATE audit_head SET base = 1", "UPDATE audit_head SET prior = ''",
	} {
		if err := b.place.Change(t, sql, false); err == nil {
			t.Errorf("the database lets this happen: %s", sql)
		}
	}
	// What is changed, and how it is changed back.
	is := func(log string) string { return " WHERE log = '" + log + "' AND n = " }
	for _, c := range []struct{ name, sql, back string }{
		{"at", "UPDATE audit SET at = at + 1" + is(one) + "3", "UPDATE audit SET at = at - 1" + is(one) + "3"},
		{"event", "UPDATE audit SET event = 'x'" + is(one) + "3", "UPDATE audit SET event = 'committed'" + is(one) + "3"},
		{"subject", "UPDATE audit SET subject = ''" + is(one) + "1", "UPDATE audit SET subject = '" + list[0].Subject + "'" + is(one) + "1"},
		{"detail", "UPDATE audit SET detail = ''" + is(one) + "8", "UPDATE audit SET detail = 'accepted'" + is(one) + "8"},
		{"number", "UPDATE audit SET n = 99" + is(one) + "8", "UPDATE audit SET n = 8" + is(one) + "99"},
		{"log", "UPDATE audit SET log = 'other'" + is(one) + "8", "UPDATE audit SET log = '" + one + "'" + is("other") + "8"},
		{"kiosk", "UPDATE audit SET kiosk = 'other'" + is(one) + "5", "UPDATE audit SET kiosk = 'demo'" + is(one) + "5"},
		{"hub's own", "UPDATE audit SET subject = 'other'" + is(hub.OwnLog) + "2", "UPDATE audit SET subject = 'demo'" + is(hub.OwnLog) + "2"},
		{"order", "UPDATE audit SET n = n + 100" + is(one) + "4; UPDATE audit SET n = 4" + is(one) + "5; UPDATE audit SET n = 5" + is(one) + "104",
			"UPDATE audit SET n = n + 100" + is(one) + "4; UPDATE audit SET n = 4" + is(one) + "5; UPDATE audit SET n = 5" + is(one) + "104"},
		{"base", "UPDATE audit_head SET base = 5 WHERE log = '" + two + "'", "UPDATE audit_head SET base = 6 WHERE log = '" + two + "'"},
		{"prior", "UPDATE audit_head SET prior = 'x' WHERE log = '" + two + "'", "UPDATE audit_head SET prior = '" + one + "' WHERE log = '" + two + "'"},
		{"head", "UPDATE audit_head SET n = 7 WHERE log = '" + one + "'", "UPDATE audit_head SET n = 8 WHERE log = '" + one + "'"},
	} {
		must(t, b.place.Change(t, c.sql, true))
		if p := problems(nil); p == "" {
			t.Errorf("%s: nothing is found", c.name)
		}
		must(t, b.place.Change(t, c.back, true))
		if p := problems(noted); p != "" {
			t.Fatalf("%s, changed back: %s", c.name, p)
		}
	}
	must(t, b.place.Change(t, "DELETE FROM audit"+is(hub.OwnLog)+"2", true))
	if p := problems(nil); !strings.Contains(p, "cut off") {
		t.Errorf("one cut off: %q", p)
	}
	// With the head as well only what was noted elsewhere tells.
	must(t, b.place.Change(t, "UPDATE audit_head SET n = 1, hash = (SELECT hash FROM audit WHERE log = 'hub' AND n = 1) WHERE log = 'hub'", true))
	if p := problems(nil); p != "" {
		t.Errorf("cut off with its head: %q", p)
	}
	if p := problems(noted); !strings.Contains(p, "noted of it elsewhere") {
		t.Errorf("cut off with its head, and noted before: %q", p)
	}
	must(t, b.place.Change(t, "DELETE FROM audit_head WHERE log = '"+one+"'", true))
	if p := problems(nil); !strings.Contains(p, "what says how many is gone") {
		t.Errorf("without its head: %q", p)
	}
	must(t, b.place.Change(t, "DELETE FROM audit WHERE log = '"+one+"'", true))
	if p := problems(nil); !strings.Contains(p, "no such entry") {
		t.Errorf("without the log before: %q", p)
	}
	if p := problems(noted); !strings.Contains(p, "the log is gone") {
		t.Errorf("a log that is gone: %q", p)
	}
}
