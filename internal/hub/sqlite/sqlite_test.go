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
		}
	})
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
