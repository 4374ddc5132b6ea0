package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/storetest"
	"kioskd/internal/wire"
)

func place(path string) storetest.Place {
	return storetest.Place{
		Open:        func(ctx context.Context) (storetest.Store, error) { return sqlite.Open(ctx, path) },
		Quarantined: func(t testing.TB) int { return count(t, path, "quarantine") },
		Try:         func(t testing.TB, statement string) error { return try(t, path, statement) },
		Dump:        func(t testing.TB) []byte { return dump(t, path) },
		Change:      func(t testing.TB, statements string, force bool) error { return change(t, path, statements, force) },
		Age: func(t testing.TB, by time.Duration) {
			must(t, try(t, path, fmt.Sprintf("UPDATE budget SET full_at = full_at - %d", by.Microseconds())))
		},
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place(filepath.Join(t.TempDir(), "hub.db")) })
}

// What the first version kept in clear is sealed, and gone from every byte of the file.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	schema, err := os.ReadFile("migrations/001_hub.sql")
	must(t, err)
	id := wire.NewSubmissionID()
	must(t, try(t, path, string(schema)+fmt.Sprintf(`; PRAGMA user_version = 1;
		INSERT INTO submission VALUES (1, '%[1]s', 'demo', 1, 'k', x'01', x'%064[2]d', 'reservation', NULL, 1, 2, 1,
			'{"accepted":true,"mykey_id":"ZEBRAMYKEY"}', '[{"name":"payload","ok":true,"detail":"ZEBRADETAIL"}]',
			'{"person":"ZEBRAPERSON"}', CAST('{"ack": "ZEBRAACK"}' AS BLOB));
		INSERT INTO quarantine VALUES (1, '%[1]s', 'demo', x'02', x'03', 'ZEBRAREASON', 2);
		INSERT INTO alarm VALUES ('document_forged', 'demo', '%[1]s', 'ZEBRATEXT', 1, 2, 3)`, id, 7)))
	storetest.Upgrade(t, place(path), id)
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if i := bytes.Index(b, []byte("ZEBRA")); i >= 0 {
			t.Errorf("%s holds %.40q", filepath.Base(name), b[i:])
		}
	}
}

// Every version of the schema has a database in testdata, also the newest: that of the
// version before, the migration, and rows for what it has added.
func TestUpgradeFromEveryVersion(t *testing.T) {
	names, err := filepath.Glob("migrations/*.sql")
	must(t, err)
	for version := 1; version <= len(names); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(fmt.Sprintf("testdata/version-%03d.sql", version))
			must(t, err)
			path := filepath.Join(t.TempDir(), "hub.db")
			must(t, try(t, path, string(text)))
			if empty := emptyTables(t, path); len(empty) > 0 {
				t.Fatalf("no rows in %s", empty)
			}
			storetest.Upgraded(t, place(path), version)
			s, err := sqlite.Open(t.Context(), path)
			must(t, err)
			must(t, s.Belong(t.Context(), "keys of the hub"))
			if err := s.Belong(t.Context(), "other keys"); !errors.Is(err, sqlite.ErrForeign) {
				t.Errorf("it belongs to anybody: %v", err)
			}
			must(t, s.Close())
		})
	}
}

// emptyTables gives those without rows.
func emptyTables(t *testing.T, path string) (names []string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	for _, table := range values(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
		if count(t, path, string(table)) == 0 {
			names = append(names, string(table))
		}
	}
	return names
}

// SQLite takes any value into any column of a table that is not strict.
func TestEveryTableIsStrict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := sqlite.Open(t.Context(), path)
	must(t, err)
	must(t, s.Close())
	const tables = "pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
	if n := count(t, path, tables); n < 15 {
		t.Fatalf("%d tables", n)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	if loose := values(t, db, "SELECT name FROM "+tables+" AND strict = 0"); len(loose) > 0 {
		t.Errorf("not strict: %s", loose)
	}
}

func try(t testing.TB, path, statement string) error {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), statement)
	return err
}

// dump gives every value of every table.
func dump(t testing.TB, path string) []byte {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	must(t, err)
	defer func() { must(t, db.Close()) }()
	var out bytes.Buffer
	for _, table := range values(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
		for _, v := range values(t, db, "SELECT * FROM "+string(table)) {
			out.Write(append(v, '\n'))
		}
	}
	return out.Bytes()
}

func values(t testing.TB, db *sql.DB, query string) (all [][]byte) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer func() { must(t, rows.Close()) }()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		row, into := make([][]byte, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		must(t, rows.Scan(into...))
		all = append(all, row...)
	}
	must(t, rows.Err())
	return all
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
	must(t, err)
	must(t, db.Close())
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
