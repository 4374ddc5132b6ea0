package sqlitedb

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
)

// While it is not known what stands, no answer may say that nothing does: not when the
// caller's own work fails for another reason, alone or among others.
func TestWhatIsUnsureStaysUnsure(t *testing.T) {
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), fstest.MapFS{"001_t.sql": {Data: []byte("CREATE TABLE t (n INTEGER) STRICT")}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	other := errors.New("it cannot be read either")
	fails := func(context.Context, *Tx) error {
		d.w.unsure.Store(true) // as a commit leaves it whose flush has failed
		return other
	}
	for _, callers := range []int{1, 3} {
		began, free := make(chan struct{}), make(chan struct{})
		go func() {
			_ = d.WriteTogether(t.Context(), func(context.Context, *Tx) error { close(began); <-free; return nil })
		}()
		<-began
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { errs[i] = d.WriteTogether(t.Context(), fails) })
		}
		close(free)
		wg.Wait()
		for _, err := range errs {
			if !errors.Is(err, other) || !errors.Is(err, ErrUnsure) {
				t.Errorf("one of %d is told %v", callers, err)
			}
		}
	}
}
