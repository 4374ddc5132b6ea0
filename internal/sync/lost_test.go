package sync

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// An outbox that was here and is gone, by whoever's hand, may have held applications: it
// is not begun anew without a word. What is kept of it is for nobody but the operator.
func TestALostOutboxIsTold(t *testing.T) {
	const neverThere = "never there"
	for name, lose := range map[string]func(path string) error{
		neverThere: nil,
		"removed":  os.Remove,
		"emptied":  func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t)
			path := filepath.Join(t.TempDir(), "outbox.db")
			lost := name != neverThere
			if lost {
				o := openOutbox(t, path, k)
				commit(t, o, "1", wire.KindReservation)
				if err := o.Close(); err != nil {
					t.Fatal(err)
				}
				if err := lose(path); err != nil {
					t.Fatal(err)
				}
			}
			o := openOutbox(t, path, k)
			defer func() { _ = o.Close() }()
			if got := o.Troubles(t.Context()); slices.Contains(got, fault.StorageDamaged) != lost {
				t.Errorf("troubles %v", got)
			}
			commit(t, o, "2", wire.KindReservation) // and the kiosk goes on
			dirs, err := folders(path)
			if err != nil || len(dirs) > 0 != lost {
				t.Fatalf("folders %v (%v)", dirs, err)
			}
			for _, dir := range dirs {
				b, err := os.ReadFile(filepath.Join(dir, reportName))
				var r rescueReport
				if err == nil {
					err = json.Unmarshal(b, &r)
				}
				if err != nil || !r.Unknown || r.Submissions != 0 {
					t.Errorf("the report is %+v (%v)", r, err)
				}
				closedToOthers(t, dir)
			}
		})
	}
}

// closedToOthers makes sure that a folder, and what is in it, is its owner's alone.
func closedToOthers(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
