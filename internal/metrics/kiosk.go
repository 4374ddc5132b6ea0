package metrics

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// kiosk tells a kiosk's status at the moment it is asked.
type kiosk struct {
	status func(context.Context) wire.Report

	fault, device, queued, entries, sent *prometheus.Desc
}

// OfKiosk tells what status gives. It may be called by several goroutines at once, and
// must answer within a few seconds.
func OfKiosk(status func(context.Context) wire.Report) prometheus.Collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kioskd_"+name, help, labels, nil)
	}
	return &kiosk{
		status:  status,
		fault:   describe("fault", "1 while there is this fault. docs/OPERATIONS.md has a section for each.", "code"),
		device:  describe("device_ready", "1 while this device can do its work.", "device"),
		queued:  describe("outbox_queued", "Submissions that the hub has not acknowledged."),
		entries: describe("audit_entries", "Number of the newest entry of the audit log."),
		sent:    describe("audit_sent", "Number of the newest entry that the hub has confirmed."),
	}
}

// Describe gives what there may be.
func (k *kiosk) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{k.fault, k.device, k.queued, k.entries, k.sent} {
		to <- d
	}
}

// Collect asks how the kiosk is. Every fault has its line, also those that are not
// there: an alert on one that was never seen must not be an alert on nothing.
func (k *kiosk) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), limit/2)
	defer cancel()
	s := k.status(ctx)
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, code := range fault.All() {
		gauge(k.fault, truth(slices.Contains(s.Faults, code)), string(code))
	}
	for name, state := range s.Devices {
		if state != "none" && name != "outbox" { // what is set aside there is a fault
			gauge(k.device, truth(state == "ready"), name)
		}
	}
	gauge(k.queued, float64(s.Queued))
	if s.Audit != nil {
		gauge(k.entries, float64(s.Audit.N))
		gauge(k.sent, float64(s.Audit.Sent))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
