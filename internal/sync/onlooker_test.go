package sync

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/wire"
)

// Whoever looks on sees what stands, and neither waits for the daemon's writes nor
// keeps it from writing.
func TestOnlooker(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	commit(t, o, "1", wire.KindReservation)
	if _, err := ExamineOutbox(t.Context(), path, quiet()); !errors.Is(err, ErrInUse) {
		t.Fatalf("%v: want ErrInUse", err)
	}
	w, err := WatchOutbox(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	for _, visit := range []string{"2", "3"} {
		commit(t, o, visit, wire.KindApplication)
		want, err := o.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		n, head, err := o.VerifyAudit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m, seen, err := w.VerifyAudit(t.Context()); err != nil || m != n || !cmp.Equal(seen, head) {
			t.Errorf("%d rows, head %x, %v: want %d, %x", m, seen, err, n, head)
		}
	}
	if _, err := o.db.Exec(t.Context(), "DROP TRIGGER audit_never_changes; UPDATE audit SET detail = 'changed' WHERE n = 2"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.VerifyAudit(t.Context()); !errors.Is(err, ErrAudit) {
		t.Errorf("%v: want ErrAudit", err)
	}
	if _, err := w.r.ExecContext(t.Context(), "DELETE FROM submissions"); err == nil {
		t.Error("an onlooker writes")
	}
}

// A file that no daemon has, that is none, or that another version has made, is an
// error, and nothing is made of it.
func TestOnlookerOfNothing(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"text.db": "this is no database, and long enough to be seen as none", "empty.db": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"text.db", "empty.db", "nowhere.db"} {
		if w, err := WatchOutbox(t.Context(), filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is watched", name)
			_ = w.Close()
		}
	}
	names, err := fs.Glob(os.DirFS(dir), "*")
	if diff := cmp.Diff([]string{"empty.db", "text.db"}, names); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
