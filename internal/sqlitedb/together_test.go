package sqlitedb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/sqlitedb"
)

const numbers = `CREATE TABLE t (n INTEGER PRIMARY KEY CHECK (n <> 13)) STRICT;
CREATE TRIGGER broken_disk BEFORE INSERT ON t WHEN new.n = 1000 BEGIN SELECT RAISE (ROLLBACK, 'all is lost'); END`

func open(t *testing.T) *sqlitedb.DB {
	t.Helper()
	d, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), files(numbers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func stored(t *testing.T, d *sqlitedb.DB) (list []int) {
	t.Helper()
	rows, err := d.Read().QueryContext(context.Background(), "SELECT n FROM t ORDER BY n")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		list = append(list, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func insert(n int) func(context.Context, *sqlitedb.Tx) error {
	return func(ctx context.Context, tx *sqlitedb.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (?)", n)
		return err
	}
}

// hold keeps the writer busy until free is called, so that others pile up.
func hold(t *testing.T, d *sqlitedb.DB) (free func()) {
	t.Helper()
	began, end, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		over <- d.WriteTogether(context.Background(), func(context.Context, *sqlitedb.Tx) error {
			close(began)
			<-end
			return nil
		})
	}()
	<-began
	return func() {
		close(end)
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// Whoever fails fails alone, also where SQLite undoes the whole transaction, and
// everybody gets the own answer.
func TestWritersShareATransactionAndNothingElse(t *testing.T) {
	const writers = 300
	d := open(t)
	free := hold(t, d)
	wrong := []int{7, 13, 77, 150}
	errs := make([]error, writers)
	defect := make([]any, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			defer func() { defect[i] = recover() }()
			errs[i] = d.WriteTogether(context.Background(), func(ctx context.Context, tx *sqlitedb.Tx) error {
				n := i
				if i == 150 {
					n = 1000
				}
				if err := insert(n)(ctx, tx); err != nil {
					return err
				}
				switch i {
				case 7:
					return errors.New("thought better of it")
				case 77:
					panic("a defect")
				}
				return nil
			})
		})
	}
	free()
	wg.Wait()
	var want []int
	for i := range writers {
		bad := slices.Contains(wrong, i)
		if !bad {
			want = append(want, i)
		}
		if failed := errs[i] != nil || defect[i] != nil; failed != bad {
			t.Errorf("writer %d: %v, %v", i, errs[i], defect[i])
		}
	}
	if defect[77] != "a defect" {
		t.Errorf("the defect's caller got %v", defect[77])
	}
	if diff := cmp.Diff(want, stored(t, d)); diff != "" {
		t.Error(diff)
	}
}

// What one has done is not committed when the next one's turn comes: they share.
func TestWhoWaitsSharesOneTransaction(t *testing.T) {
	d := open(t)
	for range 20 { // who of the two comes in time is for the scheduler to say
		free := hold(t, d)
		var wg sync.WaitGroup
		var shared bool
		for range 8 {
			wg.Go(func() {
				err := d.WriteTogether(context.Background(), func(ctx context.Context, tx *sqlitedb.Tx) error {
					var mine int
					if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM t").Scan(&mine); err != nil {
						return err
					}
					shared = shared || mine > len(stored(t, d))
					return insert(mine+100)(ctx, tx)
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		free()
		wg.Wait()
		if shared {
			return
		}
	}
	t.Error("nobody ever shared")
}

func TestGivingUp(t *testing.T) {
	d := open(t)
	free := hold(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	early := make(chan error, 1)
	go func() { early <- d.WriteTogether(ctx, insert(1)) }()
	cancel()
	if err := <-early; !errors.Is(err, context.Canceled) {
		t.Errorf("gave up before: %v", err)
	}
	free()

	ctx, cancel = context.WithCancel(t.Context())
	err := d.WriteTogether(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		cancel() // the disk has begun: only its answer tells
		return insert(2)(ctx, tx)
	})
	if err != nil {
		t.Errorf("gave up after: %v", err)
	}
	if diff := cmp.Diff([]int{2}, stored(t, d)); diff != "" {
		t.Error(diff)
	}
}

// Work that ends its goroutine, as a test that fails does, leaves nothing open behind it:
// nobody is told that something stands that does not, and nobody waits for ever.
func TestWorkThatNeverComesBack(t *testing.T) {
	d := open(t)
	gone := func(context.Context, *sqlitedb.Tx) error { runtime.Goexit(); return nil }
	for others := range 4 { // beside one that is gone, alone or in front of others
		free := hold(t, d)
		errs := make([]error, others)
		var wg sync.WaitGroup
		wg.Go(func() { _ = d.WriteTogether(context.Background(), gone) })
		for i := range others {
			errs[i] = errors.New("whose goroutine ended is told nothing")
			wg.Go(func() { errs[i] = d.WriteTogether(context.Background(), insert(100*others+i)) })
		}
		free()
		wg.Wait()
		have := stored(t, d)
		for i, err := range errs {
			if err == nil && !slices.Contains(have, 100*others+i) {
				t.Errorf("one of %d was told %v, and there is %v", others, err, have)
			}
		}
	}
	if err := d.WriteTogether(t.Context(), insert(1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// What is kept beyond its transaction writes nothing into somebody else's.
func TestATransactionThatIsOver(t *testing.T) {
	d := open(t)
	var kept *sqlitedb.Tx
	if err := d.WriteTogether(t.Context(), func(_ context.Context, tx *sqlitedb.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := insert(1)(t.Context(), kept); !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("err = %v", err)
	}
	var n int
	if err := kept.QueryRowContext(t.Context(), "INSERT INTO t VALUES (2) RETURNING n").Scan(&n); err == nil {
		t.Error("a row after the end")
	}
	if _, err := kept.QueryContext(t.Context(), "INSERT INTO t VALUES (3) RETURNING n"); !errors.Is(err, sql.ErrTxDone) { //nolint:rowserrcheck,sqlclosecheck // there are none
		t.Errorf("err = %v", err)
	}
	if list := stored(t, d); len(list) > 0 {
		t.Errorf("stored %v", list)
	}
}

// A context that ends in the middle of a transaction undoes it, and the next one finds
// the writer as it was.
func TestGivingUpAmidst(t *testing.T) {
	d := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := d.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)"); err != nil {
			return err
		}
		cancel()
		_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (2)")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if err := d.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (3)")
		return err
	}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]int{3}, stored(t, d)); diff != "" {
		t.Error(diff)
	}
}

func TestWritingToAClosedFile(t *testing.T) {
	d, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), files(numbers))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 { // with statements that are prepared and must be let go
		if err := d.WriteTogether(t.Context(), insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteTogether(t.Context(), insert(9)); !errors.Is(err, sqlitedb.ErrClosed) {
		t.Errorf("err = %v", err)
	}
}

func TestRowsOfASharedTransaction(t *testing.T) {
	d := open(t)
	for round := range 3 {
		err := d.WriteTogether(t.Context(), func(ctx context.Context, tx *sqlitedb.Tx) error {
			rows, err := tx.QueryContext(ctx, "SELECT n FROM t")
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil || n != round {
				return fmt.Errorf("%d rows in round %d: %w", n, round, errors.Join(err, sql.ErrNoRows))
			}
			return insert(round)(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
