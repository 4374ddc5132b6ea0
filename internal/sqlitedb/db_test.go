package sqlitedb_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"kioskd/internal/sqlitedb"
)

func files(texts ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i, s := range texts {
		m["00"+string(rune('1'+i))+"_x.sql"] = &fstest.MapFile{Data: []byte(s)}
	}
	return m
}

func TestMigrationsGoForwardOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#.db") // names that a DSN must escape
	const one, two = `CREATE TABLE t (n INTEGER) STRICT`, `INSERT INTO t VALUES (7)`
	for _, m := range []fstest.MapFS{files(one), files(one, two), files(one, two)} {
		d, err := sqlitedb.Open(t.Context(), path, m)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlitedb.Open(t.Context(), path, files(one)); err == nil {
		t.Error("an older program opens a newer file")
	}
	if _, err := sqlitedb.Open(t.Context(), path, files(one, two, "NONSENSE")); err == nil {
		t.Error("a broken migration is accepted")
	}
	d, err := sqlitedb.Open(t.Context(), path, files(one, two))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	var n int
	if err := d.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != 1 {
		t.Errorf("migrated %d times (%v)", n, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", st.Mode(), err)
	}
}

func TestReadersCannotWriteAndWritesAreWhole(t *testing.T) {
	d, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), files(`CREATE TABLE t (n INTEGER) STRICT`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if _, err := d.Read().ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("a reader writes")
	}
	stop := errors.New("stop")
	err = d.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
			return err
		}
		return stop
	})
	var n int
	if scan := d.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); !errors.Is(err, stop) || scan != nil || n != 0 {
		t.Errorf("%d rows after a failed transaction (%v, %v)", n, err, scan)
	}
}
