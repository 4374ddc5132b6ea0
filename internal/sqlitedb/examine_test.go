package sqlitedb

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// Who is killed while a file is made leaves a journal of before its first WAL. It is
// rolled back, and the file is in order.
func TestExamineRollsBackAJournal(t *testing.T) {
	const schema = "CREATE TABLE things (body BLOB NOT NULL) STRICT"
	dir := t.TempDir()
	made, found := filepath.Join(dir, "made.db"), filepath.Join(dir, "found.db")
	d, err := sql.Open("sqlite3", "file:"+made+"?_journal_mode=DELETE")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	d.SetMaxOpenConns(1)
	for _, s := range []string{
		schema, "PRAGMA user_version = 1", "PRAGMA cache_size = 5", "BEGIN", // what does not fit is written before the end
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 50) INSERT INTO things SELECT randomblob(3000) FROM n",
	} {
		if _, err := d.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	for _, end := range []string{"", "-journal"} {
		b, err := os.ReadFile(made + end)
		if err == nil {
			err = os.WriteFile(found+end, b, 0o600)
		}
		if err != nil || len(b) < 4096 {
			t.Fatalf("%d bytes%s: %v", len(b), end, err)
		}
	}
	files := fstest.MapFS{"001_things.sql": {Data: []byte(schema)}}
	if err := Examine(t.Context(), found, files); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(found + "-journal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}
