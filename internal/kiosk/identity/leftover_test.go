package identity_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"kioskd/internal/wire"
)

// TestAPowerCutLeavesNoKey: what was being written then is removed the next time that
// something is; and nothing else is.
func TestAPowerCutLeavesNoKey(t *testing.T) {
	h := newHome(t)
	e := enrolled(t, h)
	dir := filepath.Dir(h.File)
	for name, tc := range map[string]struct {
		age   time.Duration
		stays bool
	}{
		".identity.key-123":    {0, false}, // written under the lock alone
		".enrolment.json-45":   {time.Hour, false},
		".enrolment.json-6":    {0, true}, // perhaps the hub's, at this moment
		".enrolment.json-old":  {time.Hour, true},
		".identity.key-":       {time.Hour, true},
		"identity.key-7":       {time.Hour, true},
		".other.key-123":       {time.Hour, true},
		".identity.key-1.save": {time.Hour, true},
	} {
		path := filepath.Join(dir, name)
		write(t, path, "PRIVATE", 0o600)
		at := time.Now().Add(-tc.age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		if err := h.Update(e, func(*wire.Enrolment) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); os.IsNotExist(err) == tc.stays {
			t.Errorf("%s: %v, want it to stay: %v", name, err, tc.stays)
		}
	}
	if _, err := h.Load(); err != nil {
		t.Error(err)
	}
}
