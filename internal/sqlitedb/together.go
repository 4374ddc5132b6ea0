package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

// most bounds a shared transaction: whoever comes first waits for all who share it,
// and what it changes must stay in SQLite's page cache until it is committed.
const most = 64

// How many pages of the WAL SQLite folds into the file at once. For one writer after the
// other it is its own default, 4 MB: a file that grows is slower to flush than one that is
// written over. A crowd stores a third more rows a second with 32 MB, because pages that
// are written often are folded in less often.
const (
	crowd         = 16 // writers in one transaction
	calmAfter     = 50 // transactions without a crowd: while one comes and goes, it is there
	foldForOne    = 1000
	foldForACrowd = 8000
)

// ErrClosed says that the file was closed.
var ErrClosed = errors.New("the database is closed")

// Tx is a transaction that several writers may share. It keeps its statements
// prepared from one transaction to the next.
type Tx struct {
	tx *sql.Tx
	g  *group
}

// ExecContext runs a statement.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s := t.g.prepared(query); s != nil {
		return t.tx.StmtContext(ctx, s).ExecContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	}
	return t.tx.ExecContext(ctx, query, args...)
}

// QueryContext asks for rows, which must be closed before the next statement.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if s := t.g.prepared(query); s != nil {
		return t.tx.StmtContext(ctx, s).QueryContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	}
	return t.tx.QueryContext(ctx, query, args...)
}

// QueryRowContext asks for one row.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if s := t.g.prepared(query); s != nil {
		return t.tx.StmtContext(ctx, s).QueryRowContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	}
	return t.tx.QueryRowContext(ctx, query, args...)
}

// WriteTogether runs f in a transaction that it may share with whoever writes at
// the same moment: they are all committed by one flush of the disk. To each of them
// it is as if it had a transaction of its own: when f fails, what f did is undone
// and nothing else is, and only f's caller gets the error.
//
// A context that ends before f has begun ends the wait, and f does not run. After
// that the answer is waited for, because only it tells whether f's work stands. f
// gets a context that the end of one caller does not end. f may run more than once,
// each time as if for the first: when a shared transaction comes to grief it is begun
// again, in the end for each caller alone.
func (d *DB) WriteTogether(ctx context.Context, f func(context.Context, *Tx) error) error {
	j := &job{f: f, done: make(chan struct{})}
	select {
	case d.group.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.group.quit:
		return ErrClosed
	}
	<-j.done
	if j.panicked != nil {
		panic(j.panicked) // the caller's defect, told to the caller
	}
	return j.err
}

// job is the work of one caller.
type job struct {
	f        func(context.Context, *Tx) error
	err      error
	panicked any
	done     chan struct{}
}

// group is the one goroutine that commits what callers hand it.
type group struct {
	w       *writer
	jobs    chan *job // without a buffer: what is not taken is still the caller's
	quit    chan struct{}
	closing sync.Once
	done    chan struct{}

	// Owned by the goroutine. A statement cannot be prepared while the transaction
	// has the only connection, so what is new is prepared after it.
	stmts map[string]*sql.Stmt
	fresh []string
	calm  int // transactions since a crowd came
	folds int // after so many pages
}

func newGroup(w *writer) *group {
	g := &group{
		w: w, jobs: make(chan *job), quit: make(chan struct{}), done: make(chan struct{}),
		stmts: map[string]*sql.Stmt{}, calm: calmAfter, folds: foldForOne,
	}
	go g.run()
	return g
}

// close lets the transaction that is under way come to its end.
func (g *group) close() error {
	g.closing.Do(func() { close(g.quit) })
	<-g.done
	var errs []error
	for _, s := range g.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (g *group) run() {
	defer close(g.done)
	for {
		select {
		case j := <-g.jobs:
			batch := g.waiting([]*job{j})
			g.foldFor(len(batch))
			g.commit(batch)
			for _, j := range batch {
				close(j.done)
			}
			g.prepare()
		case <-g.quit:
			return
		}
	}
}

// waiting takes everybody who waits just now.
func (g *group) waiting(batch []*job) []*job {
	for len(batch) < most {
		select {
		case j := <-g.jobs:
			batch = append(batch, j)
		default:
			return batch
		}
	}
	return batch
}

// foldFor sets when the WAL is folded in next. Where that fails it stays as it was.
func (g *group) foldFor(writers int) {
	g.calm++
	if writers >= crowd {
		g.calm = 0
	}
	pages := foldForOne
	if g.calm <= calmAfter {
		pages = foldForACrowd
	}
	if pages == g.folds {
		return
	}
	if _, err := g.w.ExecContext(context.Background(), "PRAGMA wal_autocheckpoint = "+strconv.Itoa(pages)); err == nil {
		g.folds = pages
	}
}

func (g *group) commit(batch []*job) {
	if len(batch) > 1 && (g.share(batch) == nil || g.shareSafely(batch) == nil) {
		return
	}
	for _, j := range batch {
		j.err = nil
		if err := g.within(j.call); err != nil {
			j.err = err // the caller's own, and whether it is known what stands
		}
	}
}

// share commits the whole batch in the hope that nobody fails. Where somebody does,
// nothing of the batch stands: savepoints for all would cost more than they save.
func (g *group) share(batch []*job) error {
	return g.within(func(tx *Tx) error {
		for _, j := range batch {
			if err := j.call(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// shareSafely commits what does not fail. An error is about the transaction: nothing
// of the batch stands then.
func (g *group) shareSafely(batch []*job) error {
	err := g.within(func(tx *Tx) error {
		ctx := context.Background()
		for _, j := range batch {
			if _, err := tx.ExecContext(ctx, "SAVEPOINT one"); err != nil {
				return err
			}
			if j.call(tx) != nil {
				// A full or broken disk makes SQLite undo the whole transaction, which
				// shows here: there is no savepoint any more.
				if _, err := tx.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "RELEASE one"); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && g.w.unsure.Load() { // what was tried before may stand
		for _, j := range batch {
			if j.err != nil {
				j.err = errors.Join(j.err, ErrUnsure)
			}
		}
	}
	return err
}

// call runs the caller's work and remembers how it ended, this time.
func (j *job) call(tx *Tx) (err error) {
	j.panicked = nil
	defer func() {
		if p := recover(); p != nil {
			j.panicked = p
			err = fmt.Errorf("defect: %v", p)
		}
		j.err = err
	}()
	return j.f(context.Background(), tx)
}

// within is inTx for a Tx.
func (g *group) within(f func(*Tx) error) error {
	return g.w.inTx(context.Background(), func(tx *sql.Tx) error { return f(&Tx{tx: tx, g: g}) })
}

// prepared gives the statement, or nil when this is the first time it is wanted.
func (g *group) prepared(query string) *sql.Stmt {
	s, known := g.stmts[query]
	if !known {
		g.stmts[query] = nil
		g.fresh = append(g.fresh, query)
	}
	return s
}

// prepare gets ready for the next time. Where that fails the statement is run as
// text, as it was this time.
func (g *group) prepare() {
	for _, query := range g.fresh {
		if s, err := g.w.PrepareContext(context.Background(), query); err == nil { //nolint:sqlclosecheck // closed with the group
			g.stmts[query] = s
		} else {
			delete(g.stmts, query)
		}
	}
	g.fresh = nil
}
