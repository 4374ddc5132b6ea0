package kiosk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/wire"
)

// Queue is what the sign of life tells of the outbox.
type Queue interface {
	// Pending is how many submissions the hub has not acknowledged.
	Pending(ctx context.Context) (int, error)
	// Quarantined is how many of them wait for a person.
	Quarantined(ctx context.Context) (int, error)
	// Troubles are faults of the storage that a person must look into.
	Troubles(ctx context.Context) []fault.Code
	// AuditMark is how far the audit log has come.
	AuditMark(ctx context.Context) (wire.AuditMark, error)
}

// clockOff is a difference to the hub's clock that somebody should look into.
const clockOff = 5 * time.Minute

// OverTheLine makes a status the content of the sign of life: whoever reads it has got
// it over the line.
func OverTheLine(status wire.Report) wire.Report {
	status.Faults = slices.DeleteFunc(status.Faults, func(c fault.Code) bool { return c == fault.LineDown })
	return status
}

// Status tells how kiosk, devices and queue are. Nothing in it is personal.
func (k *Kiosk) Status(ctx context.Context, version string, queue Queue) wire.Report {
	r := wire.Report{Version: version, Devices: map[string]string{}, Faults: []fault.Code{}}
	var view flow.Snapshot
	var err error
	if ended := k.call(ctx.Done(), func(context.Context) { r.Screen = string(k.state.Step()); view, err = k.tryView() }); ended != nil || err != nil {
		r.Faults = append(r.Faults, fault.Internal)
	} else {
		r.Faults = append(r.Faults, view.Kiosk.Faults...)
		r.Devices["reader"] = deviceState(view.Kiosk.Reader, r.Faults, fault.ReaderGone)
		r.Devices["printer"] = deviceState(view.Kiosk.Printer, r.Faults, printerFaults()...)
		if k.opt.Settings.NoPrinter {
			r.Devices["printer"] = "none"
		}
	}
	if k.opt.Skew != nil && k.opt.Skew().Abs() > clockOff {
		r.Faults = append(r.Faults, fault.ClockWrong)
	}
	if k.opt.Fixtures != nil {
		maps.Copy(r.Devices, k.opt.Fixtures())
	}
	r.Faults = append(r.Faults, queue.Troubles(ctx)...)
	pending, err := queue.Pending(ctx)
	if err != nil {
		r.Faults = append(r.Faults, fault.CodeOf(err))
	}
	r.Queued = pending
	if mark, err := queue.AuditMark(ctx); err == nil && mark.Log != "" {
		r.Audit = &mark
	}
	aside, err := queue.Quarantined(ctx)
	if err == nil && aside > 0 { // the hub has refused them for good: a person must look
		r.Devices["outbox"] = fmt.Sprintf("%d set aside", aside)
		r.Faults = append(r.Faults, fault.HubRefused)
	}
	return r
}

func printerFaults() []fault.Code {
	return []fault.Code{
		fault.PrinterGone, fault.PaperOut, fault.PaperLow, fault.CoverOpen, fault.CutterJam, fault.HeadHot, fault.PrinterFailed,
	}
}

// deviceState is the first of these faults, or whether the device is ready.
func deviceState(ready bool, all []fault.Code, own ...fault.Code) string {
	for _, c := range all {
		if slices.Contains(own, c) {
			return string(c)
		}
	}
	if !ready {
		return "not ready"
	}
	return "ready"
}
