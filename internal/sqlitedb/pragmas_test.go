package sqlitedb

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// A setting that did not take effect is told by its name: a driver that passes over one
// of them would otherwise be noticed at a power cut, or by whoever reads the disk.
func TestPragmasAreReadBack(t *testing.T) {
	const usual = ""
	for setting, value := range map[string]string{
		usual: usual, "journal_mode": "DELETE", "synchronous": "NORMAL", "foreign_keys": "off", "busy_timeout": "1", "secure_delete": "fast",
	} {
		path, query, _ := strings.Cut(dsn(filepath.Join(t.TempDir(), "x.db"), "rwc"), "?")
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if setting != usual {
			q.Set("_"+setting, value)
		}
		d, err := sql.Open("sqlite3", path+"?"+q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := d.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = checkPragmas(t.Context(), conn)
		if (err == nil) != (setting == usual) || err != nil && !strings.Contains(err.Error(), "pragma "+setting) {
			t.Errorf("%s %s: %v", setting, value, err)
		}
		if err := errors.Join(conn.Close(), d.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor is a file used that was made otherwise, and cannot be read when it is damaged.
func TestAFileThatWasMadeOtherwiseIsNotUsed(t *testing.T) {
	files := fstest.MapFS{"001_t.sql": {Data: []byte("CREATE TABLE t (n INTEGER) STRICT")}}
	for pragma, value := range map[string]string{"page_size": "8192", "encoding": "'UTF-16le'"} {
		path := filepath.Join(t.TempDir(), "x.db")
		d, err := sql.Open("sqlite3", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		d.SetMaxOpenConns(1)
		_, err = d.ExecContext(t.Context(), "PRAGMA "+pragma+" = "+value+"; CREATE TABLE x (n)")
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, files); err == nil || !strings.Contains(err.Error(), "pragma "+pragma) {
			t.Errorf("%s %s: %v", pragma, value, err)
		}
	}
}

// Damage below the root of a table shows at no statement of a start, but at some later
// one: Open looks through the whole file, for the hub's files as well, which nobody
// examines before.
func TestADamagedFileIsNotUsed(t *testing.T) {
	files := fstest.MapFS{"001_t.sql": {Data: []byte("CREATE TABLE t (n INTEGER, b BLOB) STRICT")}}
	path := filepath.Join(t.TempDir(), "x.db")
	d, err := Open(t.Context(), path, files)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Exec(t.Context(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 200) INSERT INTO t SELECT i, randomblob(500) FROM n")
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page, spoilt = 4096, 10
	broken := append([]byte(nil), sound...)
	clear(broken[spoilt*page : (spoilt+1)*page])
	for _, c := range []struct {
		content []byte
		damaged bool
	}{{sound, false}, {broken, true}} {
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.Context(), path, files)
		if errors.Is(err, ErrDamaged) != c.damaged || (err == nil) == c.damaged {
			t.Errorf("damaged %v: %v", c.damaged, err)
		}
		if err == nil {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		after, err := os.ReadFile(path)
		if err != nil || c.damaged && string(after) != string(broken) {
			t.Errorf("damaged %v: it is not left as it was (%v)", c.damaged, err)
		}
	}
}
