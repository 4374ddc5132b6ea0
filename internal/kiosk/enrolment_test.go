package kiosk

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"kioskd/internal/fault"
)

// TestKioskWithoutEnrolment: the very first screen says so; it opens by itself when
// the enrolment comes, closes on a revocation, and a defect forgets neither.
func TestKioskWithoutEnrolment(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(dir, "outbox.db"))
		standing := make(chan fault.Code, 1)
		w.k.opt.Standing = standing
		w.k.opt.Identity = func() (string, bool) { return "", false }
		w.boot()
		defer w.stop()
		closed := func(want fault.Code) {
			t.Helper()
			synctest.Wait()
			faults := w.k.Report(t.Context(), "v", queue{}).Faults
			for _, code := range []fault.Code{fault.NotEnrolled, fault.KioskRevoked} {
				if slices.Contains(faults, code) != (code == want) {
					t.Errorf("faults %v, want %q among them", faults, want)
				}
			}
		}
		closed(fault.NotEnrolled)
		standing <- ""
		closed("")
		standing <- fault.KioskRevoked
		closed(fault.KioskRevoked)
		if err := w.k.call(t.Context().Done(), func(work context.Context) { w.k.broken = w.k.rebuild(work) }); err != nil {
			t.Fatal(err)
		}
		closed(fault.KioskRevoked)
	})
}
