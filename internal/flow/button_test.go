package flow

import (
	"testing"
	"time"
)

// TestTheButtonCallsUnderTheIdleWarning: whoever presses it is there, and wants help.
func TestTheButtonCallsUnderTheIdleWarning(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys("090")
	for w.view().Overlay == nil || w.view().Overlay.Kind != OverlayIdle {
		w.wait(time.Second)
	}
	w.do(ButtonPressed{})
	if v := w.view(); !v.Kiosk.Staff || v.Overlay.Kind != OverlayStaff || SignalOf(w.s) != SignalStaffWanted {
		t.Errorf("staff %t, overlay %+v", v.Kiosk.Staff, v.Overlay)
	}
}

// TestAChatteringButtonKeepsNoVisitOpen: only the first press of a call counts as
// somebody who is there.
func TestAChatteringButtonKeepsNoVisitOpen(t *testing.T) {
	w := newWorld(t).do(Start{Plan: PlanManage}).keys("090")
	for range 3600 {
		if w.wait(time.Second).do(ButtonPressed{}); w.s.v == nil {
			return
		}
	}
	t.Error("a visit stands open for an hour")
}
