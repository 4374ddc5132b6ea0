package sync

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/wire"
)

func TestBackup(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	waiting := commit(t, o, "1", wire.KindReservation)
	gone := commit(t, o, "1", wire.KindApplication)
	s, err := o.take(t.Context(), gone)
	if err != nil {
		t.Fatal(err)
	}
	acknowledge(t, o, k, gone)
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := o.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", st.Mode(), err)
	}
	if bytes.Contains(raw, s.Sealed[len(s.Sealed)-64:]) {
		t.Error("the backup holds what was deleted")
	}
	if err := o.Backup(t.Context(), path); err == nil {
		t.Error("a backup is overwritten")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(raw, after) {
		t.Error("the backup was touched", err)
	}
	if err := o.Backup(t.Context(), filepath.Join(t.TempDir(), "no", "folder")); err == nil {
		t.Error("a backup into nowhere")
	}
	b := openOutbox(t, path, k)
	defer func() { _ = b.Close() }()
	if diff := cmp.Diff([]string{waiting}, column(t, b, "SELECT id FROM submissions")); diff != "" {
		t.Error(diff)
	}
	if _, _, err := b.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// A backup that is whole is kept, whatever becomes of the note about it.
func TestBackupThatCannotBeNotedStays(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	waiting := commit(t, o, "1", wire.KindReservation)
	if _, err := o.db.Exec(t.Context(), "CREATE TEMP TRIGGER full BEFORE INSERT ON main.audit BEGIN SELECT RAISE (ABORT, 'full'); END"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := o.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "which is whole") {
		t.Fatal(err)
	}
	b := openOutbox(t, path, k)
	defer func() { _ = b.Close() }()
	if diff := cmp.Diff([]string{waiting}, column(t, b, "SELECT id FROM submissions")); diff != "" {
		t.Error(diff)
	}
}

// What was deleted is not to be found in the file any more: secure_delete works, and
// not only its name in a pragma.
func TestNothingDeletedIsLeft(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	var parts [][]byte
	for range 5 {
		id := commit(t, o, "1", wire.KindReservation)
		s, err := o.take(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, s.Sealed[100:164], s.Sealed[5000:5064])
		acknowledge(t, o, k, id)
	}
	if err := o.Close(); err != nil { // folds the WAL into the file
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range parts {
		if bytes.Contains(raw, part) {
			t.Errorf("part %d of what was deleted is still there", i)
		}
	}
}

func TestRetention(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	visit := func(name string, acked, ended bool) {
		t.Helper()
		for _, kind := range []wire.Kind{wire.KindReservation, wire.KindApplication} {
			id := commit(t, o, name, kind)
			if acked || kind == wire.KindReservation {
				acknowledge(t, o, k, id)
			}
		}
		if ended {
			if err := o.EndVisit(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	visit("1", true, true)
	visit("2", false, true)
	visit("3", true, false)
	before := column(t, o, "SELECT hash FROM audit ORDER BY n")
	for range 2 {
		nextDay(t, o)
	}
	for _, step := range []struct {
		keep   int
		gone   int
		visits []string
	}{
		{2, 0, []string{"1", "2", "3"}}, // not old enough
		{1, 2, []string{"2", "3"}},
		{1, 0, []string{"2", "3"}},
	} {
		n, err := o.Retain(t.Context(), step.keep)
		if err != nil || n != step.gone {
			t.Errorf("%d slips are gone, want %d: %v", n, step.gone, err)
		}
		if diff := cmp.Diff(step.visits, column(t, o, "SELECT substr(id, 28) FROM visits ORDER BY 1")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(step.visits, column(t, o, "SELECT DISTINCT substr(visit, 28) FROM slips ORDER BY 1")); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(before, column(t, o, "SELECT hash FROM audit ORDER BY n")); diff != "" {
		t.Error("the audit log has changed")
	}
	if n := pending(t, o); n != 1 {
		t.Errorf("%d pending", n)
	}
}
