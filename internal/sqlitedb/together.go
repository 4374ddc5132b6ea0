package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// errAbandoned says that the goroutine that led ended itself in somebody's work.
var errAbandoned = errors.New("cannot commit: another writer's work never came back")

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
	j := &job{f: f, told: make(chan struct{}, 1)}
	if err := d.group.write(ctx, j); err != nil {
		return err
	}
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
	told     chan struct{} // when it waits: that it is done, or that its caller is to lead
	leads    bool          // written before told is
}

// group lets callers share transactions. One of those who come leads: it commits its own
// work together with that of all who wait, and whoever has come meanwhile leads next. One
// that comes alone therefore waits for no other goroutine.
type group struct {
	w *writer

	mu      sync.Mutex
	waiting []*job
	led     bool          // somebody leads
	closed  bool          // nobody may come any more
	over    chan struct{} // closed when, after that, nobody leads any more

	// Owned by who leads.
	calm  int // transactions since a crowd came
	folds int // after so many pages
}

func newGroup(w *writer) *group {
	return &group{w: w, over: make(chan struct{}), calm: calmAfter, folds: foldForOne}
}

// close lets those come to their end who have come already.
func (g *group) close() {
	g.mu.Lock()
	if !g.closed && !g.led {
		close(g.over)
	}
	g.closed = true
	g.mu.Unlock()
	<-g.over
}

// write has j done, by whoever leads. An error means that it was not begun.
func (g *group) write(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	switch {
	case g.closed:
		g.mu.Unlock()
		return ErrClosed
	case g.led:
		g.waiting = append(g.waiting, j)
		g.mu.Unlock()
		select {
		case <-j.told:
		case <-ctx.Done():
			if g.leave(j) {
				return ctx.Err()
			}
			<-j.told
		}
		if !j.leads {
			return nil
		}
	default:
		g.led = true
		g.mu.Unlock()
	}
	defer g.passOn()
	if err := ctx.Err(); err != nil {
		return err
	}
	g.lead(j)
	return nil
}

// leave takes j out of those who wait, unless its turn has come.
func (g *group) leave(j *job) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, j)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

// passOn has the first of those who wait lead.
func (g *group) passOn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		next := g.waiting[0]
		g.waiting = slices.Delete(g.waiting, 0, 1)
		next.leads = true
		next.told <- struct{}{}
		return
	}
	g.led = false
	if g.closed {
		close(g.over)
	}
}

// lead commits first together with everybody who waits just now.
func (g *group) lead(first *job) {
	_ = g.w.alone(context.Background(), func() error {
		g.mu.Lock()
		n := min(len(g.waiting), most-1)
		batch := append([]*job{first}, g.waiting[:n]...)
		g.waiting = slices.Delete(g.waiting, 0, n)
		g.mu.Unlock()
		ended := false
		defer func() {
			for _, j := range batch[1:] {
				if !ended {
					j.err = errors.Join(j.err, errAbandoned)
				}
				j.told <- struct{}{}
			}
		}()
		g.foldFor(len(batch))
		g.commit(batch)
		ended = true
		return nil
	})
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
	if _, err := g.w.conn.ExecContext(context.Background(), "PRAGMA wal_autocheckpoint = "+strconv.Itoa(pages)); err == nil {
		g.folds = pages
	}
}

func (g *group) commit(batch []*job) {
	if len(batch) > 1 && (g.share(batch) == nil || g.shareSafely(batch) == nil) {
		return
	}
	for _, j := range batch {
		j.err = nil
		if err := g.w.within(j.call); err != nil {
			j.err = err // the caller's own, and whether it is known what stands
		}
	}
}

// share commits the whole batch in the hope that nobody fails. Where somebody does,
// nothing of the batch stands: savepoints for all would cost more than they save.
func (g *group) share(batch []*job) error {
	return g.w.within(func(tx *Tx) error {
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
	err := g.w.within(func(tx *Tx) error {
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
