package kiosk

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/wire"
)

type queue struct {
	pending, aside int
	err            error
	troubles       []fault.Code
}

func (q queue) Pending(context.Context) (int, error)     { return q.pending, q.err }
func (q queue) Quarantined(context.Context) (int, error) { return q.aside, q.err }
func (q queue) AuditMark(context.Context) (wire.AuditMark, error) {
	return wire.AuditMark{}, q.err
}
func (q queue) Troubles(context.Context) []fault.Code { return q.troubles }

// Whoever looks after the kiosks sees from afar what is wrong with one.
func TestReportTellsWhatIsWrong(t *testing.T) {
	inWorld(t, func(w *world) {
		hold := func(q Queue, want wire.Report) {
			t.Helper()
			w.look()
			want.Version = "v"
			if diff := cmp.Diff(want, OverTheLine(w.k.Status(context.Background(), "v", q))); diff != "" {
				t.Error(diff)
			}
		}
		well := map[string]string{"reader": "ready", "printer": "ready"}
		hold(queue{}, wire.Report{Screen: "top", Devices: well, Faults: []fault.Code{}})

		w.line <- false // what is said over the line does not say that it is down
		w.touch(flow.Start{Plan: flow.PlanReserve})
		if now := w.k.Status(context.Background(), "v", queue{}); !slices.Contains(now.Faults, fault.LineDown) {
			t.Errorf("at the kiosk itself it is told: %v", now.Faults)
		}
		hold(queue{pending: 2}, wire.Report{Screen: "card", Devices: well, Queued: 2, Faults: []fault.Code{}})

		w.printer.Set(func(s *printertest.State) { s.Paper = printertest.PaperOut })
		pass(5 * time.Second)
		hold(queue{pending: 3, aside: 1}, wire.Report{
			Screen: "card", Queued: 3, Faults: []fault.Code{fault.PaperOut, fault.HubRefused},
			Devices: map[string]string{"reader": "ready", "printer": "paper_out", "outbox": "1 set aside"},
		})
		w.k.opt.Fixtures = func() map[string]string { return map[string]string{"light.tower": "absent"} }
		hold(queue{}, wire.Report{
			Screen: "card", Faults: []fault.Code{fault.PaperOut},
			Devices: map[string]string{"reader": "ready", "printer": "paper_out", "light.tower": "absent"},
		})
		w.k.opt.Fixtures = nil
		w.k.opt.Skew = func() time.Duration { return -time.Hour }
		full := &fault.Error{Code: fault.StorageFailed, Cause: errors.New("full")}
		w.storage <- fault.StorageFull
		hold(queue{err: full, troubles: []fault.Code{fault.StorageDamaged}}, wire.Report{
			Screen: "card", Faults: []fault.Code{fault.PaperOut, fault.StorageFull, fault.ClockWrong, fault.StorageDamaged, fault.StorageFailed},
			Devices: map[string]string{"reader": "ready", "printer": "paper_out"},
		})
	})
}

// Where none is configured, that there is no printer is no fault.
func TestReportOfAKioskWithoutAPrinter(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, filepath.Join(dir, "outbox.db"))
		w.k.opt.Settings.NoPrinter = true
		w.printer.Set(func(s *printertest.State) { s.Unplugged = true })
		w.boot()
		defer w.stop()
		r := OverTheLine(w.k.Status(context.Background(), "v", queue{}))
		if r.Devices["printer"] != "none" || len(r.Faults) > 0 {
			t.Errorf("it reports %v, faults %v", r.Devices, r.Faults)
		}
	})
}
