package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		path := filepath.Join(t.TempDir(), "hub.db")
		return storetest.Place{
			Open:        func(ctx context.Context) (storetest.Store, error) { return sqlite.Open(ctx, path) },
			Quarantined: func(t testing.TB) int { return count(t, path, "quarantine") },
			Change:      func(t testing.TB, statements string, force bool) error { return change(t, path, statements, force) },
		}
	})
}

func change(t testing.TB, path, statements string, force bool) error {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if force {
		for _, name := range []string{"audit_is_final", "audit_stays", "audit_head_goes_on", "audit_head_stays"} {
			statements = "DROP TRIGGER IF EXISTS " + name + "; " + statements
		}
	}
	_, err = db.ExecContext(t.Context(), statements)
	return err
}

func count(t testing.TB, path, table string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err == nil {
		err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}
