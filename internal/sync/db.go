package sync

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"kioskd/internal/sqlitedb"
)

// ErrDamaged says that the outbox file is not a sound database. It is kept as
// it is: what is in it may still be saved.
var ErrDamaged = sqlitedb.ErrDamaged

// ErrInUse says that another process has the outbox open.
var ErrInUse = errors.New("the outbox is in use by another process")

//go:embed migrations/*.sql
var migrations embed.FS

// db is the outbox file, locked for this process.
type db struct {
	*sqlitedb.DB
	lock *os.File
}

func openDB(ctx context.Context, path string) (*db, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	d, err := sqlitedb.Open(ctx, path, files)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open outbox: %w", err), lock.Close())
	}
	return &db{DB: d, lock: lock}, nil
}

// close gives everything back. Closing the last writer folds the WAL into the file.
func (d *db) close() error { return errors.Join(d.Close(), d.lock.Close()) }

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
