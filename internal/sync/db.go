package sync

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
	path string
	file fs.FileInfo // as it was opened
	lock *lock
}

// openDB opens the file or says why not. Of damage the error is ErrDamaged.
func openDB(ctx context.Context, path string) (*db, error) {
	l, err := takeLock(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	d, err := l.open(ctx, path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open outbox: %w", err), l.release())
	}
	return d, nil
}

// openOrRescue opens the file, or another one with what could be saved of it. ready
// is called with the open file: what it finds damaged counts as well.
func openOrRescue(ctx context.Context, path string, log *slog.Logger, ready func(*db) error) (*db, error) {
	l, err := takeLock(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open outbox: %w", err)
	}
	try := func() (*db, error) {
		d, err := l.open(ctx, path)
		if err != nil {
			return nil, err
		}
		if err := ready(d); err != nil {
			return nil, errors.Join(sqlitedb.Damaged(err), d.Close())
		}
		if err := l.begin(); err != nil {
			return nil, errors.Join(err, d.Close())
		}
		return d, nil
	}
	var d *db
	err = freed(path, sqlitedb.Full, func() (err error) {
		if d, err = try(); errors.Is(err, ErrDamaged) {
			if err = rescue(ctx, path, l.files, err, log); err == nil {
				d, err = try()
			}
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open outbox: %w", err), l.release())
	}
	return d, nil
}

// close gives everything back. Closing the last writer folds the WAL into the file.
func (d *db) close() error { return errors.Join(d.Close(), d.lock.release()) }

// lock keeps a second daemon off: two would count each other's visits as
// interrupted. The kernel drops the lock when the process ends, however it ends. Its
// file is not empty once there was an outbox, so that a lost one is noticed.
type lock struct {
	file  *os.File
	files fs.FS
	begun bool
}

const begun = "there is an outbox\n"

func takeLock(path string) (*lock, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lock{file: f, files: files, begun: st.Size() > 0}, nil
}

// begin notes that there is an outbox from now on.
func (l *lock) begin() error {
	if l.begun {
		return nil
	}
	if _, err := l.file.WriteAt([]byte(begun), 0); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	l.begun = true
	return nil
}

func (l *lock) release() error { return l.file.Close() }

func (l *lock) open(ctx context.Context, path string) (*db, error) {
	if err := soundness(ctx, path, l.begun, l.files); err != nil {
		return nil, err
	}
	d, err := sqlitedb.Open(ctx, path, l.files)
	if err != nil {
		return nil, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &db{DB: d, path: path, file: file, lock: l}, nil
}

// errReplaced says that the file was taken away below the daemon.
var errReplaced = errors.New("the file is gone, or another one stands in its place: restart the daemon")

// stands makes sure that what is committed will be found by the next start.
func (d *db) stands() error {
	if now, err := os.Stat(d.path); err != nil || !os.SameFile(now, d.file) {
		return errReplaced
	}
	return nil
}
