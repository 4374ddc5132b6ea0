package sqlitedb_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"kioskd/internal/sqlitedb"
)

// A crowd has its WAL folded in later, and one writer after the other as SQLite does it.
func TestACrowdsLogIsFoldedInLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := sqlitedb.Open(t.Context(), path, files(numbers))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		ask := func() (pages int) {
			if err := d.WriteTogether(t.Context(), func(ctx context.Context, tx *sqlitedb.Tx) error {
				return tx.QueryRowContext(ctx, "PRAGMA wal_autocheckpoint").Scan(&pages)
			}); err != nil {
				t.Error(err)
			}
			return pages
		}
		together := func(writers int) []int {
			pages := make([]int, writers)
			free := hold(t, d)
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() { pages[i] = ask() })
			}
			synctest.Wait() // all of them stand in front of the writer
			free()
			wg.Wait()
			return slices.Compact(pages)
		}
		for _, want := range []struct{ writers, pages int }{{1, 1000}, {15, 1000}, {16, 8000}, {1, 8000}, {40, 8000}} {
			if got := together(want.writers); !slices.Equal(got, []int{want.pages}) {
				t.Errorf("%d writers: %v, want %d", want.writers, got, want.pages)
			}
		}
		for range 50 { // a crowd that comes and goes is there
			if got := ask(); got != 8000 {
				t.Fatalf("soon after a crowd: %d", got)
			}
		}
		if got := ask(); got != 1000 {
			t.Errorf("long after a crowd: %d", got)
		}
	})
}
