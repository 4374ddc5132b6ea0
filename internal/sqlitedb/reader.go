package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// OpenReader opens a file that another process has open and writes to, to read what
// stands in it. It waits for nobody and holds up nobody: of the file nothing is written,
// and it makes none. The file must be of the version that migrations lead to. Alone with
// a file it may fail: whoever can have it alone calls [Open].
func OpenReader(ctx context.Context, path string, migrations fs.FS) (_ *sql.DB, err error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("cannot list migrations: %w", err)
	}
	r, err := sql.Open("sqlite3", dsn(path, "ro")+"&_query_only=true")
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	r.SetMaxOpenConns(1)
	switch have, err := version(ctx, r); {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("cannot read %s: %w", path, Damaged(err)), r.Close())
	case have != len(names):
		return nil, errors.Join(fmt.Errorf("cannot read %s: its schema is %d, and this program's is %d: is another version running?", path, have, len(names)), r.Close())
	}
	return r, nil
}
