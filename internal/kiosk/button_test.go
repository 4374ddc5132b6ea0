package kiosk

import (
	"path/filepath"
	"testing"
	"testing/synctest"

	"kioskd/internal/hw/light"
)

// TestTheStaffButton: a press calls staff, as the key on the screen does, and the
// lights say so.
func TestTheStaffButton(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(dir, "outbox.db"))
		presses := make(chan struct{}, 1)
		w.k.opt.Button = presses
		w.boot()
		defer w.stop()
		w.look()
		presses <- struct{}{}
		if !w.look().Kiosk.Staff {
			t.Error("staff was not called")
		}
		if s := w.lights.signals[len(w.lights.signals)-1]; s != light.StaffWanted {
			t.Errorf("the lights say %s", s)
		}
	})
}
