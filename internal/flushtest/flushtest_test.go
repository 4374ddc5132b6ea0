package flushtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kioskd/internal/flushtest"
)

// Each flush is seen before it is made and while it is known what was written, and no
// other thread's.
func TestFlushesAreSeen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	var seen []string
	flushtest.Watch(t, func() {
		f, err := os.Create(path)
		must(err)
		_, err = f.WriteString("one")
		must(err)
		must(f.Sync())
		must(f.Close())
		d, err := os.Open(dir)
		must(err)
		must(d.Sync())
		must(d.Close())
		unseen := make(chan struct{})
		go func() {
			defer close(unseen)
			f, err := os.Create(filepath.Join(dir, "other"))
			must(err)
			must(f.Sync())
			must(f.Close())
		}()
		<-unseen
	}, func(path string) {
		b, err := os.ReadFile(filepath.Join(dir, "file"))
		must(err)
		seen = append(seen, path, string(b))
	})
	if want := []string{path, "one", dir, "one"}; !slices.Equal(seen, want) {
		t.Errorf("seen: %q", seen)
	}
	if paths := flushtest.Paths(t, func() {}); len(paths) > 0 {
		t.Errorf("nothing was flushed, and seen: %q", paths)
	}
}
