package pki

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kioskd/internal/flushtest"
)

// What kiosks seal to a key may be sealed before the next power cut: every key is on the
// disk, with its name, before anybody hears of it.
func TestKeysAreFlushed(t *testing.T) {
	data := t.TempDir()
	dir, now := filepath.Join(data, "keys"), time.Now()
	var p *PKI
	var err error
	paths := flushtest.Paths(t, func() { p, err = Open(dir, now) })
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for range keyFiles() {
		want = append(want, filepath.Join(dir+".new", ".new"), dir+".new") // each file, and its name
	}
	if want = append(want, data); !slices.Equal(paths, want) { // and then that of the folder
		t.Errorf("the first start flushes %q, want %q", paths, want)
	}
	paths = flushtest.Paths(t, func() { _, err = p.Rotate(Seal, now) })
	if want := []string{filepath.Join(dir, ".new"), dir}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("a new key flushes %q, want %q (%v)", paths, want, err)
	}
}
