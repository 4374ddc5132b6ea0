package sync

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// ErrDamaged says that the outbox file is not a sound database. It is kept as
// it is: what is in it may still be saved.
var ErrDamaged = errors.New("the outbox file is damaged")

// ErrInUse says that another process has the outbox open.
var ErrInUse = errors.New("the outbox is in use by another process")

//go:embed migrations/*.sql
var migrations embed.FS

// Settings belong into the DSN: a PRAGMA sent through the pool reaches one
// connection only.
const (
	writerSettings = "_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=5000&_foreign_keys=on&_secure_delete=on"
	readerSettings = "mode=ro&_busy_timeout=5000&_query_only=on"
	readers        = 2
)

// db is one writing connection and a few that read.
type db struct {
	write *sql.DB
	read  *sql.DB
	lock  *os.File
}

func openDB(ctx context.Context, path string) (_ *db, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	d := &db{}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	// SQLite gives its -wal and -shm files the mode of the database file.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	file := "file:" + (&url.URL{Path: path}).EscapedPath() + "?"
	if d.write, err = sql.Open("sqlite3", file+writerSettings); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	d.write.SetMaxOpenConns(1)
	if err := d.prepare(ctx); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", damaged(err))
	}
	if d.read, err = sql.Open("sqlite3", file+readerSettings); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	d.read.SetMaxOpenConns(readers)
	return d, nil
}

func (d *db) prepare(ctx context.Context) error {
	if err := d.checkSettings(ctx); err != nil {
		return err
	}
	var verdict string
	if err := d.write.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return fmt.Errorf("cannot check it: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return d.migrate(ctx)
}

// checkSettings reads back what the DSN asked for: a misspelt setting is
// silently ignored by the driver, and durability would be gone unnoticed.
func (d *db) checkSettings(ctx context.Context) error {
	for _, s := range []struct{ name, want string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"}, // FULL
		{"foreign_keys", "1"},
		{"secure_delete", "1"},
		{"busy_timeout", "5000"},
	} {
		var got string
		if err := d.write.QueryRowContext(ctx, "PRAGMA "+s.name).Scan(&got); err != nil {
			return fmt.Errorf("cannot read setting %s: %w", s.name, err)
		}
		if got != s.want {
			return fmt.Errorf("cannot run with %s=%s instead of %s", s.name, got, s.want)
		}
	}
	return nil
}

// migrate runs every migration that is newer than the file, each in its own
// transaction. There is no way back; a file from a newer program is refused.
func (d *db) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var at int
	if err := d.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&at); err != nil {
		return fmt.Errorf("cannot read version: %w", err)
	}
	if at > len(names) {
		return fmt.Errorf("cannot use version %d of the file: this program knows %d", at, len(names))
	}
	for i, name := range names[at:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if err := d.tx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", at+i+1))
			return err
		}); err != nil {
			return fmt.Errorf("cannot migrate to %s: %w", name, err)
		}
	}
	return nil
}

// tx runs fn in one writing transaction: all of it or nothing.
func (d *db) tx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	if err := fn(tx); err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, back)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("cannot commit: %w", err)
	}
	return nil
}

// close gives everything back. Closing the last writer folds the WAL into the file.
func (d *db) close() error {
	var errs []error
	if d.read != nil {
		errs = append(errs, d.read.Close())
	}
	if d.write != nil {
		errs = append(errs, d.write.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// lockFile keeps a second daemon off: two would count each other's visits as
// interrupted. The kernel drops the lock when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func damaged(err error) error {
	var s sqlite3.Error
	if errors.As(err, &s) && (s.Code == sqlite3.ErrCorrupt || s.Code == sqlite3.ErrNotADB) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
