package sync

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Something else under the outbox's name is told of at once, and left where it is.
func TestAnOutboxIsAFile(t *testing.T) {
	for name, create := range map[string]func(string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "outbox.db")
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			_, err := OpenOutbox(t.Context(), path, newKeys(t).enrolment, quiet())
			if err == nil || !strings.Contains(err.Error(), "is not a file") {
				t.Errorf("err = %v", err)
			}
			if st, err := os.Stat(path); err != nil || st.Mode().IsRegular() {
				t.Errorf("it was replaced: %v", err)
			}
		})
	}
}

// What would be gone at the next start is not called stored; what was stored before is
// still sent.
func TestAnOutboxThatIsTakenAway(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	o := openOutbox(t, path, k)
	defer func() { _ = o.Close() }()
	before := commit(t, o, "1", wire.KindReservation)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := o.Commit(t.Context(), entry("2", wire.KindReservation)); fault.CodeOf(err) != fault.StorageFailed {
			t.Errorf("err = %v", err)
		}
		if err := os.WriteFile(path, []byte("another file"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	acknowledge(t, o, k, before)
	if n := pending(t, o); n != 0 {
		t.Errorf("%d pending", n)
	}
}
