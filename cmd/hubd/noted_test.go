package main

import (
	"database/sql"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/hub"
	"kioskd/internal/hub/sqlite"
)

// hubFiles are those of a hub that has run and stopped.
func hubFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	stop, code := start(t, dir)
	stop()
	if c := <-code; c != exitOK {
		t.Fatalf("exit %d", c)
	}
	return dir
}

// deafen makes that nothing can be noted, until hear.
func deafen(t *testing.T, dir string) (hear func()) {
	t.Helper()
	run := func(statement string) {
		t.Helper()
		db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "hub.db")+"?_busy_timeout=5000")
		must(t, err)
		_, err = db.ExecContext(t.Context(), statement)
		must(t, errors.Join(err, db.Close()))
	}
	run(`CREATE TRIGGER deaf BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'deaf'); END`)
	return func() {
		t.Helper()
		run(`DROP TRIGGER deaf`)
	}
}

// noted lists what the hubs' own log tells, but for the hub's start and stop.
func noted(t *testing.T, dir string) (all []string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
	must(t, err)
	log, err := s.AuditEntries(t.Context(), "", hub.OwnLog, 0, -1)
	must(t, errors.Join(err, s.Close()))
	for _, e := range log {
		if e.Event != string(hub.NoteHubStarted) && e.Event != string(hub.NoteHubStopped) {
			all = append(all, strings.TrimSpace(e.Event+" "+e.Subject+e.Detail))
		}
	}
	return all
}

// A kiosk is revoked and restored with a note or not at all, and a second try does it.
func TestKioskCommandsAreNotedOrNotDone(t *testing.T) {
	dir := hubFiles(t)
	is := func(revoked bool) {
		t.Helper()
		s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
		must(t, err)
		k, err := s.Kiosk(t.Context(), demoKiosk)
		must(t, errors.Join(err, s.Close()))
		if k.Revoked() != revoked {
			t.Errorf("revoked: %v", k.Revoked())
		}
	}
	for _, step := range []struct {
		do      string
		revoked bool
	}{{"revoke", false}, {"restore", true}} {
		hear := deafen(t, dir)
		if code, out, errs := kioskCLI(t, step.do, demoKiosk, "--data", dir); code != exitRun || out != "" || errs == "" {
			t.Errorf("%s: exit %d, %q %q", step.do, code, out, errs)
		}
		is(step.revoked)
		hear()
		if code, _, errs := kioskCLI(t, step.do, demoKiosk, "--data", dir); code != exitOK {
			t.Errorf("%s: exit %d, %q", step.do, code, errs)
		}
		is(!step.revoked)
	}
	if got := noted(t, dir); !slices.Equal(got, []string{"kiosk_revoked demo", "kiosk_restored demo"}) {
		t.Errorf("noted are %q", got)
	}
}

// A key is changed, made or deleted after its note or not at all; each has one note.
func TestKeysAreNotedOrNotChanged(t *testing.T) {
	dir := hubFiles(t)
	keys := func() string {
		t.Helper()
		code, list := tool(t, "list", "--data", dir)
		if code != exitOK {
			t.Fatalf("list: exit %d, %s", code, list)
		}
		return list
	}
	var want []string
	step := func(note string, args ...string) {
		t.Helper()
		args = append(args, "--data", dir)
		before := keys()
		hear := deafen(t, dir)
		if code, out := tool(t, args...); code != exitRun || keys() != before {
			t.Errorf("not noted, and %v: exit %d, %s\n%s", args, code, out, keys())
		}
		hear()
		if code, out := tool(t, args...); code != exitOK {
			t.Errorf("%v: exit %d, %s", args, code, out)
		}
		want = append(want, "keys_begun "+note)
	}
	for _, kind := range []string{"ack", "seal", "vault"} {
		step("rotate_"+kind, "rotate", kind)
		step("use_"+kind, "use", kind, "--now")
	}
	for _, k := range regexp.MustCompile(`(?m)^(\w+) +(\S+) +earlier`).FindAllStringSubmatch(keys(), -1) {
		step("retire_"+k[1], "retire", k[1], k[2], "--delete", "--now")
	}
	step("reseal", "reseal")
	if left := keys(); strings.Contains(left, "earlier") {
		t.Errorf("left are\n%s", left)
	}
	if got := noted(t, dir); !slices.Equal(got, want) {
		t.Errorf("noted are %q, not %q", got, want)
	}
	// What is refused before anything is begun is not noted.
	if code, _ := tool(t, "retire", "seal", "nonsense", "--delete", "--data", dir); code != exitRun || len(noted(t, dir)) != len(want) {
		t.Errorf("exit %d, noted are %q", code, noted(t, dir))
	}
}
