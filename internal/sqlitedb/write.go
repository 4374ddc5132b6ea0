package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"
)

// ErrUnsure says that a commit failed on a disk that did not answer for it: it may turn
// out to stand after all, when the file is opened again.
var ErrUnsure = errors.New("it is not known whether it was stored")

// writer is the one connection that writes.
//
// A commit whose flush has failed is undone in memory, but it stands in the WAL, whole
// it may be, and the next start would take it up. What is written next is written over
// it. So the writer writes something at once; when that fails as well, nobody knows what
// stands until it goes well, which is tried before each transaction.
type writer struct {
	*sql.DB
	unsure atomic.Bool
}

// inTx runs f in one transaction and commits it.
func (w *writer) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	if w.unsure.Load() { // f may write nothing
		w.unsure.Store(w.overwrite(ctx) != nil)
	}
	err := w.try(ctx, f)
	if err != nil && w.unsure.Load() {
		return errors.Join(err, ErrUnsure)
	}
	return err
}

func (w *writer) try(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot begin transaction: %w", err)
	}
	if err := f(tx); err != nil {
		if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			return errors.Join(err, rb)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		if s, ok := errors.AsType[sqlite3.Error](err); ok && s.Code == sqlite3.ErrIoErr {
			w.unsure.Store(w.overwrite(ctx) != nil)
		}
		return fmt.Errorf("cannot commit: %w", err)
	}
	return nil
}

// overwrite commits something that changes nothing.
func (w *writer) overwrite(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var version int
	if err := w.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := w.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(version))
	return err
}
