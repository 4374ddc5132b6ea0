package main

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sandbox"
)

func TestRoom(t *testing.T) {
	var said bytes.Buffer
	r := &room{dir: t.TempDir(), least: math.MaxUint64, log: slog.New(slog.NewTextHandler(&said, nil))}
	for range 3 {
		if err := r.check(); err == nil {
			t.Error("a disk with too little room is fit")
		}
	}
	r.least = 1
	for range 3 {
		if err := r.check(); err != nil {
			t.Error(err)
		}
	}
	r.dir += "/nowhere"
	if err := r.check(); err == nil {
		t.Error("a disk that does not answer is fit")
	}
	if n := strings.Count(said.String(), "alarm=true"); n != 2 || strings.Count(said.String(), "room again") != 1 {
		t.Errorf("the log tells of each change once:\n%s", &said)
	}
}

// heard is a log that passes its lines on.
type heard chan string

func (h heard) Write(b []byte) (int, error) {
	h <- string(b)
	return len(b), nil
}

// The log tells of a disk that fills up, and that it has room again, also where nobody
// asks. A folder that is gone is as good as full.
func TestRoomIsWatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.Mkdir(dir, 0o700))
	synctest.Test(t, func(t *testing.T) {
		said := make(heard, 100)
		ctx, cancel := context.WithCancel(t.Context())
		r := &room{dir: dir, least: 1, log: slog.New(slog.NewTextHandler(said, nil))}
		var over sync.WaitGroup
		over.Go(func() { r.watch(ctx) })
		tells := func(what ...string) {
			t.Helper()
			synctest.Wait()
			for _, w := range what {
				select {
				case line := <-said:
					if !strings.Contains(line, w) {
						t.Errorf("the log says %q, not %q", line, w)
					}
				default:
					t.Errorf("the log does not say %q", w)
				}
			}
			if len(said) > 0 {
				t.Errorf("and says %q", <-said)
			}
		}
		tells()
		must(t, os.Remove(dir))
		<-time.After(roomEvery)
		tells(`level=ERROR msg="Disk is full"`)
		<-time.After(roomEvery)
		tells()
		must(t, os.Mkdir(dir, 0o700))
		<-time.After(roomEvery)
		tells(`level=INFO msg="Disk has room again"`)
		cancel()
		over.Wait()
	})
}

// A hub that runs watches its disk.
func TestARunningHubWatchesItsRoom(t *testing.T) {
	dir := t.TempDir()
	keys, err := pki.Open(filepath.Join(dir, "keys"), time.Now())
	must(t, err)
	v, err := keys.Vault()
	must(t, err)
	o := options{data: dir}
	store, err := openStore(t.Context(), o, keys)
	must(t, err)
	defer func() { must(t, store.Close()) }()
	cat, err := catalogue.Load()
	must(t, err)
	box, err := sandbox.Open(t.Context(), o.sandboxFile(), v, sandbox.Options{Catalogue: cat})
	must(t, err)
	defer func() { must(t, box.Close()) }()
	said := make(heard, 100)
	full := &room{dir: dir, least: math.MaxUint64, log: slog.New(slog.NewTextHandler(said, nil))}
	stop := tend(t.Context(), o, keys, store, box, full, func() {}, hub.NewForgetter(func() {}, full.log), slog.New(slog.DiscardHandler))
	defer stop()
	select {
	case line := <-said:
		if !strings.Contains(line, "Disk is full") || !strings.Contains(line, "alarm=true") {
			t.Errorf("it says %s", line)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody watches the disk")
	}
}
