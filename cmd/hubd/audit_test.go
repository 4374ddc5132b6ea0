package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/sqlite"
	"kioskd/internal/wire"
)

// audit runs hubd audit.
func audit(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), append([]string{"audit"}, args...), func(string) string { return "" }, &out, &errs); code != want {
		t.Fatalf("%v: exit %d, not %d: %s%s", args, code, want, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// What operators see: a log, its head, and what is wrong with it.
func TestAuditCommands(t *testing.T) {
	dir := t.TempDir()
	stop, code := start(t, dir)
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db")) // beside the hub that runs
	must(t, err)
	log, list := wire.NewSubmissionID(), []wire.AuditEntry{}
	prev := wire.AuditStart()
	for n := range int64(5) {
		e := wire.AuditEntry{N: n + 1, At: 1790000000, Event: "staff_called", Detail: "button"}
		e.Hash = e.Sum(prev)
		list, prev = append(list, e), e.Hash
	}
	take := func(b wire.AuditBatch) {
		t.Helper()
		_, err := s.TakeAudit(context.Background(), demoKiosk, b, time.Now())
		must(t, err)
	}
	take(wire.AuditBatch{Log: log, Prev: wire.AuditStart(), Head: 5, Entries: list})

	out := audit(t, exitOK, "verify", "--data", dir)
	for _, want := range []string{"demo  " + log + "  5 entries", "hub   hub", "2 logs: everything holds together"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	heads := filepath.Join(t.TempDir(), "heads.json")
	must(t, os.WriteFile(heads, []byte(audit(t, exitOK, "head", "--data", dir)), 0o600))
	audit(t, exitOK, "verify", "--data", dir, "--heads", heads)
	out = audit(t, exitOK, "list", "--data", dir, "--kiosk", "demo", "--last", "2")
	if strings.Count(out, "staff_called") != 2 || !strings.Contains(out, "JST") {
		t.Error(out)
	}
	if out = audit(t, exitOK, "list", "--data", dir, "--kiosk", "hub", "--json"); !strings.Contains(out, `"event":"hub_started"`) {
		t.Error(out)
	}
	if out = audit(t, exitOK, "evidence", "--data", dir); strings.TrimSpace(out) != "[]" {
		t.Error(out)
	}
	audit(t, exitRun, "settle", "--data", dir, "--kiosk", "demo") // there is nothing

	take(wire.AuditBatch{Log: log, Prev: wire.AuditStart(), Head: 9, Entries: []wire.AuditEntry{{N: 9, Event: "x", Hash: prev}}})
	var found struct {
		Good bool
		Logs []struct {
			Kiosk    string
			Evidence int
			Problems []string
		}
	}
	must(t, json.Unmarshal([]byte(audit(t, exitRun, "verify", "--data", dir, "--json")), &found))
	if found.Good || found.Logs[1].Kiosk != "demo" || found.Logs[1].Evidence != 1 || !strings.Contains(found.Logs[1].Problems[0], "gap") {
		t.Errorf("%+v", found)
	}
	if out = audit(t, exitOK, "evidence", "--data", dir, "--kiosk", "demo"); !strings.Contains(out, `"verdict": "gap"`) {
		t.Error(out)
	}
	audit(t, exitOK, "verify", "--data", dir, "--kiosk", "hub") // the others are none of this
	audit(t, exitOK, "settle", "--data", dir, "--kiosk", "demo")
	audit(t, exitOK, "verify", "--data", dir, "--heads", heads)

	stop()
	if got := <-code; got != exitOK {
		t.Errorf("exit %d", got)
	}
	if out = audit(t, exitOK, "list", "--data", dir, "--kiosk", "hub"); !strings.Contains(out, "evidence_settled") || !strings.Contains(out, "hub_stopped") {
		t.Error(out)
	}
	must(t, s.Close())

	db, err := sql.Open("sqlite3", filepath.Join(dir, "hub.db"))
	must(t, err)
	_, err = db.ExecContext(t.Context(), `DROP TRIGGER audit_stays; DROP TRIGGER audit_head_goes_on; DELETE FROM audit WHERE kiosk = 'demo' AND n > 3;
		UPDATE audit_head SET n = 3, hash = (SELECT hash FROM audit WHERE kiosk = 'demo' AND n = 3) WHERE kiosk = 'demo'`)
	must(t, err)
	must(t, db.Close())
	audit(t, exitOK, "verify", "--data", dir) // nothing here tells any more
	if out = audit(t, exitRun, "verify", "--data", dir, "--heads", heads); !strings.Contains(out, "PROBLEM: entry 5 is not what was noted of it elsewhere") {
		t.Error(out)
	}
}

func TestAuditUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{}, {"dance"}, {"verify"}, {"list", "--data", dir}, {"settle", "--data", dir}, {"verify", "--data", dir, "more"},
		{"list", "--data", dir, "--kiosk", "x", "--last", "-1"}, {"verify", "--store", "hub.db"}, {"head", "--json", "--data", dir},
	} {
		audit(t, exitUsage, args...)
	}
	if out := audit(t, exitRun, "verify", "--data", dir); !strings.Contains(out, "--data names the folder of the hub") {
		t.Error(out)
	}
	if _, err := os.Stat(filepath.Join(dir, "hub.db")); err == nil {
		t.Error("it was made")
	}
	audit(t, exitOK, "verify", "--help")
}
