package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// farAway is how many versions no newer program will be ahead.
const farAway = 1000

// Examine looks for damage that [Open] would stumble over or not see: indexes that do
// not fit their tables, a schema that is not the one of its version. The error is
// ErrDamaged or about looking; a file that is empty, not there, or newer than the
// migrations, is in order. Neither the file nor its WAL is written to: what looks sound
// after a checkpoint of SQLite's may have been cut short before it.
func Examine(ctx context.Context, path string, migrations fs.FS) error {
	if st, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && st.Size() == 0 {
		return nil
	} else if err != nil {
		return fmt.Errorf("cannot examine database: %w", err)
	}
	// Whoever closes a file as the last one folds its WAL in. One that cannot write
	// does not; alone it would not do, because SQLite checks no constraint for it.
	last, err := sql.Open("sqlite3", dsn(path, "ro"))
	if err != nil {
		return fmt.Errorf("cannot examine database: %w", err)
	}
	w, err := sql.Open("sqlite3", dsn(path, "rw"))
	if err != nil {
		return errors.Join(fmt.Errorf("cannot examine database: %w", err), last.Close())
	}
	last.SetMaxOpenConns(1)
	w.SetMaxOpenConns(1)
	// Of a file that was cut off while it was made, a journal of before its first WAL is
	// to be rolled back, which only the other one can; then there is nothing to fold in.
	_, err = version(ctx, last)
	if s, ok := errors.AsType[sqlite3.Error](err); err == nil || ok && s.Code == sqlite3.ErrReadonly {
		err = examine(ctx, w, migrations)
	}
	return Damaged(errors.Join(err, w.Close(), last.Close()))
}

// asker is a connection, or a pool of them.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func version(ctx context.Context, q asker) (n int, err error) {
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot read schema version: %w", err)
	}
	return n, nil
}

func examine(ctx context.Context, w *sql.DB, migrations fs.FS) error {
	have, err := version(ctx, w)
	if err != nil {
		return err
	}
	got, err := schemaOf(ctx, w)
	if err != nil {
		return err
	}
	known, err := schemas(ctx, migrations)
	if err != nil {
		return err
	}
	switch {
	case have < 0, have >= len(known)+farAway:
		return fmt.Errorf("%w: there is no version %d", ErrDamaged, have)
	case have >= len(known):
		return nil // newer: nothing is known of it
	case got != known[have]:
		return fmt.Errorf("%w: its schema is not that of version %d", ErrDamaged, have)
	}
	var verdict string
	if err := w.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("cannot check database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// schemas gives the schema of each version, beginning with the empty one.
func schemas(ctx context.Context, migrations fs.FS) (list []string, err error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("cannot list migrations: %w", err)
	}
	slices.Sort(names)
	m, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("cannot examine database: %w", err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	m.SetMaxOpenConns(1)
	for n := range len(names) + 1 {
		if n > 0 {
			text, err := fs.ReadFile(migrations, names[n-1])
			if err != nil {
				return nil, fmt.Errorf("cannot read migration %s: %w", names[n-1], err)
			}
			if _, err := m.ExecContext(ctx, string(text)); err != nil {
				return nil, fmt.Errorf("cannot apply migration %s: %w", names[n-1], err)
			}
		}
		s, err := schemaOf(ctx, m)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// schemaOf gives the schema as one text. Quotes and space are left out: SQLite's
// versions differ in how they write down a renamed table.
func schemaOf(ctx context.Context, q *sql.DB) (text string, err error) {
	rows, err := q.QueryContext(ctx, "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
	if err != nil {
		return "", fmt.Errorf("cannot read schema: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var b strings.Builder
	for rows.Next() {
		var kind, name, table, definition string
		if err := rows.Scan(&kind, &name, &table, &definition); err != nil {
			return "", fmt.Errorf("cannot read schema: %w", err)
		}
		for _, part := range []string{kind, name, table, definition} {
			b.WriteString(strings.Join(strings.Fields(strings.ReplaceAll(part, `"`, "")), " ") + "\n")
		}
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("cannot read schema: %w", err)
	}
	return b.String(), nil
}
