package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// Tx is a transaction that several writers may share. It keeps its statements
// prepared from one transaction to the next. After its end it does nothing.
//
// It is begun and ended by hand. A [sql.Tx] starts a goroutine, and prepares anew what
// begins and ends it and each statement that is run in it: where one writer comes after the
// other, that took as long as the disk did.
type Tx struct {
	stmts *statements
	over  bool
}

// ExecContext runs a statement.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.statement(ctx, query) //nolint:sqlclosecheck // kept, and closed with the file
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext asks for rows, which must be closed before the transaction ends.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.statement(ctx, query) //nolint:sqlclosecheck // kept, and closed with the file
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext asks for one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := t.statement(ctx, query) //nolint:sqlclosecheck // kept, and closed with the file
	if err == nil {
		return s.QueryRowContext(ctx, args...)
	}
	if t.over {
		ended, end := context.WithCancel(ctx)
		end()
		ctx = ended
	}
	return t.stmts.conn.QueryRowContext(ctx, query, args...) // which gives the error again
}

func (t *Tx) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if t.over {
		return nil, sql.ErrTxDone
	}
	return t.stmts.of(ctx, query)
}

// within runs f in one transaction, which it has alone, and commits it. However f ends,
// the transaction does.
func (w *writer) within(f func(*Tx) error) (err error) {
	ctx := context.Background()
	return w.surely(ctx, func() error {
		if err := w.stmts.run(ctx, "BEGIN IMMEDIATE"); err != nil {
			return fmt.Errorf("cannot begin transaction: %w", err)
		}
		tx := &Tx{stmts: &w.stmts}
		returned := false
		defer func() {
			tx.over = true
			if !returned {
				_ = w.undo(ctx)
			}
		}()
		err := f(tx)
		returned = true
		if err != nil {
			return errors.Join(err, w.undo(ctx))
		}
		if err = w.stmts.run(ctx, "COMMIT"); err != nil {
			_ = w.undo(ctx) // SQLite may have left it open
		}
		return w.committed(ctx, err)
	})
}

// undo takes back what was done, unless SQLite has done so, as it does where the disk is
// full or broken.
func (w *writer) undo(ctx context.Context) error {
	open := false
	err := w.conn.Raw(func(c any) error {
		s, ok := c.(*sqlite3.SQLiteConn)
		open = !ok || !s.AutoCommit()
		return nil
	})
	if err != nil || !open {
		return err
	}
	return w.stmts.run(ctx, "ROLLBACK")
}

// statements are those that a connection keeps prepared.
type statements struct {
	conn  *sql.Conn
	ready map[string]*sql.Stmt
}

func (s *statements) of(ctx context.Context, query string) (*sql.Stmt, error) {
	if st := s.ready[query]; st != nil {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.ready[query] = st
	return st, nil
}

func (s *statements) run(ctx context.Context, query string) error {
	st, err := s.of(ctx, query) //nolint:sqlclosecheck // kept, and closed with the file
	if err == nil {
		_, err = st.ExecContext(ctx)
	}
	return err
}

func (s *statements) close() error {
	var errs []error
	for _, st := range s.ready {
		errs = append(errs, st.Close())
	}
	clear(s.ready)
	return errors.Join(errs...)
}
