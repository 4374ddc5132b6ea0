package kiosk

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
)

// TestKioskWithoutEnrolment: the very first screen says so; it opens by itself when
// the enrolment comes, closes on a revocation, and a defect forgets neither.
func TestKioskWithoutEnrolment(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(dir, "outbox.db"))
		standing := make(chan flow.EnrolmentIs, 1)
		w.k.opt.Standing = standing
		w.k.opt.Identity = func() (string, bool) { return "", false }
		w.boot()
		defer w.stop()
		closed := func(want fault.Code) {
			t.Helper()
			synctest.Wait()
			faults := OverTheLine(w.k.Status(t.Context(), "v", queue{})).Faults
			for _, code := range []fault.Code{fault.NotEnrolled, fault.KioskRevoked} {
				if slices.Contains(faults, code) != (code == want) {
					t.Errorf("faults %v, want %q among them", faults, want)
				}
			}
		}
		closed(fault.NotEnrolled)
		standing <- flow.EnrolmentIs{}
		closed("")
		standing <- flow.EnrolmentIs{Fault: fault.KioskRevoked, Sandbox: true}
		closed(fault.KioskRevoked)
		if err := w.k.call(t.Context().Done(), func(work context.Context) { w.k.broken = w.k.rebuild(work) }); err != nil {
			t.Fatal(err)
		}
		closed(fault.KioskRevoked)
		if !w.look().Kiosk.Demo {
			t.Error("the sandbox is forgotten")
		}
	})
}
