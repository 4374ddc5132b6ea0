package kiosk

import (
	"testing"
	"time"

	"kioskd/internal/flow"
	"kioskd/internal/hw/printer/printertest"
)

// A slip that waits for the printer is given up when the next shopper begins.
func TestNoSlipInTheNextVisit(t *testing.T) {
	inWorld(t, func(w *world) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("1234")
		w.printer.Set(func(s *printertest.State) { s.Power = false })
		w.touch(flow.Next{})
		w.expect(flow.StepReserved)
		w.touch(flow.GoHome{}) // the slip is asked for now, and waits
		w.reader.Lift()
		w.expect(flow.StepGoodbye)
		w.touch(flow.Next{})
		w.expect(flow.StepTop)
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.expect(flow.StepCard)
		w.printer.Set(func(s *printertest.State) { s.Power = true })
		pass(time.Minute)
		if slips := w.printer.Slips(); len(slips) != 0 {
			t.Errorf("%d slips came out in the next visit", len(slips))
		}
	})
}
