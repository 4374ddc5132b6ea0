// Package sqlitedb opens SQLite files that must not lose what was committed:
// durable settings in the DSN, read back before use, a check of the file, and
// embedded forward-only migrations. The kiosk's outbox and the hub's store are
// such files.
//
// Every file has one writing connection and a small pool of reading ones.
// Writers therefore queue in Go, where a context can end the wait, and not in
// SQLite's busy handler. Those who use [DB.WriteTogether] share transactions, and
// with them the flushes of the disk that a durable commit costs.
package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"kioskd/internal/sqlitedb/wreck"
)

// readers is how many read connections a file has.
const readers = 4

// cachedStatements is how many statements each of them keeps prepared: to prepare one takes as
// long as to find a row with it.
const cachedStatements = 32

// busyTimeout is how many milliseconds a statement waits for another connection.
const busyTimeout = 5000

// ErrDamaged says that the file is not a sound database. It is left as it is:
// what is in it may still be saved.
var ErrDamaged = errors.New("the file is damaged")

// DB is one SQLite file.
type DB struct {
	w     *writer
	r     *sql.DB
	group *group
}

// Open opens or creates the file at path, applies the migrations of dir that
// are still missing and checks that every setting took effect.
func Open(ctx context.Context, path string, migrations fs.FS) (*DB, error) {
	if err := private(path); err != nil {
		return nil, err
	}
	w, err := openWriter(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, Damaged(err))
	}
	d := &DB{w: w}
	d.group = newGroup(d.w)
	if err := d.prepare(ctx, path, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use %s: %w", path, Damaged(err)), d.Close())
	}
	return d, nil
}

func (d *DB) prepare(ctx context.Context, path string, migrations fs.FS) error {
	if err := checkPragmas(ctx, d.w.conn); err != nil {
		return err
	}
	if err := quickCheck(ctx, d.w.conn); err != nil {
		return err
	}
	if err := migrate(ctx, d.w, migrations); err != nil {
		return err
	}
	r, err := sql.Open("sqlite3", dsn(path, "rw")+"&_query_only=true&_stmt_cache_size="+strconv.Itoa(cachedStatements))
	if err != nil {
		return fmt.Errorf("cannot open database for reading: %w", err)
	}
	r.SetMaxOpenConns(readers)
	d.r = r
	if err := r.PingContext(ctx); err != nil {
		return fmt.Errorf("cannot open database for reading: %w", err)
	}
	return nil
}

// private makes sure that the file exists with mode 0600 before SQLite creates
// it with the process's umask; -wal and -shm inherit the mode.
func private(path string) error {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("cannot use %s: it is not a file: move it away", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cannot create database folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("cannot create database: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return fmt.Errorf("cannot create database: %w", err)
	}
	return nil
}

func dsn(path, mode string) string {
	q := url.Values{
		"mode":           {mode},
		"_synchronous":   {"FULL"},
		"_txlock":        {"immediate"},
		"_busy_timeout":  {strconv.Itoa(busyTimeout)},
		"_foreign_keys":  {"on"},
		"_secure_delete": {"on"},
	}
	if mode != "ro" {
		q.Set("_journal_mode", "WAL")
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// checkPragmas reads back what the DSN asked for: a driver that ignores a
// setting must not go unnoticed, because durability hangs on it.
func checkPragmas(ctx context.Context, q *sql.Conn) error {
	want := []struct{ name, value string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"},
		{"foreign_keys", "1"},
		{"busy_timeout", strconv.Itoa(busyTimeout)},
		{"secure_delete", "1"},
		{"page_size", strconv.Itoa(wreck.PageSize)}, // by which a damaged file is read
		{"encoding", "UTF-8"},
	}
	for _, p := range want {
		var got string
		if err := q.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
			return fmt.Errorf("cannot read pragma %s: %w", p.name, err)
		}
		if got != p.value {
			return fmt.Errorf("cannot use database: pragma %s is %q, not %q", p.name, got, p.value)
		}
	}
	return nil
}

// quickCheck looks through the file; it reads every page once.
func quickCheck(ctx context.Context, w *sql.Conn) error {
	var verdict string
	if err := w.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("cannot check database: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}

// Damaged gives err the mark ErrDamaged when SQLite found the file unsound.
func Damaged(err error) error {
	if s, ok := errors.AsType[sqlite3.Error](err); ok && (s.Code == sqlite3.ErrCorrupt || s.Code == sqlite3.ErrNotADB) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// Full reports whether err says that there is no space left.
func Full(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	s, ok := errors.AsType[sqlite3.Error](err)
	return ok && (s.Code == sqlite3.ErrFull || s.SystemErrno == syscall.ENOSPC || s.SystemErrno == syscall.EDQUOT)
}

// migrate applies NNN_name.sql in order, each in one transaction with its
// number in user_version.
func migrate(ctx context.Context, w *writer, migrations fs.FS) error {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return fmt.Errorf("cannot list migrations: %w", err)
	}
	slices.Sort(names)
	have, err := version(ctx, w.conn)
	if err != nil {
		return err
	}
	if have > len(names) {
		return fmt.Errorf("cannot use database: its schema %d is newer than this program's %d: install the newer program again", have, len(names))
	}
	for i, name := range names {
		n, err := strconv.Atoi(strings.SplitN(name, "_", 2)[0])
		if err != nil || n != i+1 {
			return fmt.Errorf("cannot apply migrations: %s is not number %d", name, i+1)
		}
		if n <= have {
			continue
		}
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return fmt.Errorf("cannot read migration %s: %w", name, err)
		}
		if err := w.inTx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(n))
			return err
		}); err != nil {
			return fmt.Errorf("cannot apply migration %s: %w", name, err)
		}
	}
	return nil
}

// Write runs f in one immediate transaction and commits it. An error means that nothing
// of it stands, unless it is ErrUnsure.
func (d *DB) Write(ctx context.Context, f func(*sql.Tx) error) error { return d.w.inTx(ctx, f) }

// Exec runs one statement in a transaction of its own.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (r sql.Result, err error) {
	err = d.w.alone(ctx, func() error {
		r, err = d.w.conn.ExecContext(ctx, query, args...)
		return err
	})
	return r, err
}

// Read gives the reading pool. Its connections refuse to write.
func (d *DB) Read() *sql.DB { return d.r }

// Check says whether the file can be read and the writer is free.
func (d *DB) Check(ctx context.Context) error {
	if err := d.w.alone(ctx, func() error { return d.w.conn.PingContext(ctx) }); err != nil {
		return fmt.Errorf("cannot reach database: %w", err)
	}
	var n int
	if err := d.r.QueryRowContext(ctx, "PRAGMA user_version").Scan(&n); err != nil {
		return fmt.Errorf("cannot read database: %w", err)
	}
	return nil
}

// Close writes the WAL back and closes the file.
func (d *DB) Close() error {
	d.group.close()
	var err error
	if d.r != nil {
		err = d.r.Close()
	}
	return errors.Join(err, d.w.close())
}
