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

// writer is the one connection that writes, kept for as long as the file is open.
//
// A commit whose flush has failed is undone in memory, but it stands in the WAL, whole
// it may be, and the next start would take it up. What is written next is written over
// it. So the writer writes something at once; when that fails as well, nobody knows what
// stands until it goes well, which is tried before each transaction.
type writer struct {
	db     *sql.DB
	conn   *sql.Conn
	turn   chan struct{} // holds one value while somebody writes
	stmts  statements    // owned by whoever has the turn
	unsure atomic.Bool
}

func openWriter(ctx context.Context, path string) (*writer, error) {
	db, err := sql.Open("sqlite3", dsn(path, "rwc"))
	if err != nil {
		return nil, fmt.Errorf("cannot open database: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open database: %w", err), db.Close())
	}
	return &writer{db: db, conn: conn, turn: make(chan struct{}, 1), stmts: statements{conn: conn, ready: map[string]*sql.Stmt{}}}, nil
}

// close waits for whoever is writing.
func (w *writer) close() error {
	return w.alone(context.Background(), func() error {
		return errors.Join(w.stmts.close(), w.conn.Close(), w.db.Close())
	})
}

// alone runs f while nobody else writes. A context that ends before ends the wait.
func (w *writer) alone(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.turn }()
	return f()
}

// inTx runs f in one transaction and commits it.
func (w *writer) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	return w.alone(ctx, func() error {
		return w.surely(ctx, func() error {
			// The transaction outlives ctx: database/sql would close the connection with it.
			// f's statements need not.
			tx, err := w.conn.BeginTx(context.WithoutCancel(ctx), nil)
			if err != nil {
				return fmt.Errorf("cannot begin transaction: %w", err)
			}
			if err := f(tx); err != nil {
				if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
					return errors.Join(err, rb)
				}
				return err
			}
			return w.committed(ctx, tx.Commit())
		})
	})
}

// surely runs try, a transaction, and says where it is not known what stands.
func (w *writer) surely(ctx context.Context, try func() error) error {
	if w.unsure.Load() { // try may write nothing
		w.unsure.Store(w.overwrite(ctx) != nil)
	}
	err := try()
	if err != nil && w.unsure.Load() {
		return errors.Join(err, ErrUnsure)
	}
	return err
}

// committed judges what a commit gave.
func (w *writer) committed(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if s, ok := errors.AsType[sqlite3.Error](err); ok && s.Code == sqlite3.ErrIoErr {
		w.unsure.Store(w.overwrite(ctx) != nil)
	}
	return fmt.Errorf("cannot commit: %w", err)
}

// overwrite commits something that changes nothing.
func (w *writer) overwrite(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	have, err := version(ctx, w.conn)
	if err != nil {
		return err
	}
	_, err = w.conn.ExecContext(ctx, "PRAGMA user_version = "+strconv.Itoa(have))
	return err
}
