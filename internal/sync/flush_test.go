package sync

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/flushtest"
	"kioskd/internal/wire"
)

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A power cut between any two steps of a rescue finds the steps before on the disk: else
// the damaged file could be gone from both places, or the mark back in the folder, and
// what was stored since replaced by what was saved before.
func TestEachStepOfARescueIsFlushed(t *testing.T) {
	k := newKeys(t)
	p := newPatient(t, k, false)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "outbox.db")
	p.lay(t, path, zero(0, 100)(bytes.Clone(p.main)), nil)
	parent, dir := filepath.Dir(path), path+".damaged-1"
	var steps []string
	flushtest.Watch(t, func() { err = rescue(t.Context(), path, files, ErrDamaged, quiet()) }, func(flushed string) {
		step := map[string]string{parent: "beside", dir: "folder", filepath.Join(dir, reportName) + ".new": "report"}[flushed]
		if step == "" || there(path+".salvaged") { // the rest is SQLite's, which is making the new file
			return
		}
		for _, part := range []struct{ name, path string }{
			{"marked", filepath.Join(dir, unfinished)}, {"kept", filepath.Join(dir, "outbox.db")}, {"reported", filepath.Join(dir, reportName)},
		} {
			if there(part.path) {
				step += " " + part.name
			}
		}
		if there(path) && strings.Contains(step, "kept") {
			step += " new"
		}
		steps = append(steps, step)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"folder marked", "beside marked",
		"folder marked kept", "beside marked kept",
		"beside marked kept new",
		"report marked kept new", "folder marked kept reported new",
		"folder kept reported new",
	}, slices.Compact(steps)); diff != "" {
		t.Error(diff)
	}
	// That the mark is gone may not have been sure when the program was killed: the next
	// start makes it so before it stores anything.
	flushed := 0
	flushtest.Watch(t, func() {
		var dir string
		if dir, err = unfinishedRescue(path); dir != "" {
			t.Errorf("%s is not finished", dir)
		}
	}, func(path string) {
		if path == dir {
			flushed++
		}
	})
	if err != nil || flushed != 1 {
		t.Errorf("the next start flushes the folder %d times (%v)", flushed, err)
	}
}

// That there is an outbox is noted durably before anything is stored in it, and once.
func TestThatThereIsAnOutboxIsFlushed(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	for start, want := range []int{1, 0} {
		noted := 0
		flushtest.Watch(t, func() {
			o, err := OpenOutbox(t.Context(), path, k.enrolment, quiet())
			if err == nil {
				err = o.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}, func(flushed string) {
			if flushed != path+".lock" {
				return
			}
			noted++
			if b, err := os.ReadFile(flushed); err != nil || string(b) != begun {
				t.Errorf("what is flushed is %q (%v)", b, err)
			}
		})
		if noted != want {
			t.Errorf("start %d: it is flushed %d times, want %d", start+1, noted, want)
		}
	}
}

// A backup of which it is said that it is whole stands on the disk, and so does its name.
func TestABackupIsFlushed(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	commit(t, o, "1", wire.KindReservation)
	path := filepath.Join(t.TempDir(), "backup.db")
	type flush struct {
		path string
		size int64
	}
	var flushes []flush
	var err error
	flushtest.Watch(t, func() { err = o.copyTo(t.Context(), path) }, func(flushed string) {
		if flushed == path || flushed == filepath.Dir(path) {
			st, err := os.Stat(path)
			if err != nil {
				t.Error(err)
				return
			}
			flushes = append(flushes, flush{flushed, st.Size()})
		}
	})
	st, statErr := os.Stat(path)
	if err != nil || statErr != nil {
		t.Fatal(err, statErr)
	}
	want := []flush{{path, st.Size()}, {filepath.Dir(path), st.Size()}}
	if n := len(flushes); n < len(want) || !slices.Equal(flushes[n-len(want):], want) {
		t.Errorf("flushed: %v, and in the end there are %d bytes", flushes, st.Size())
	}
}
