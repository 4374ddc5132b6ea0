package hub_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// A copy of a disk whose first batches are those of the original: the hub takes them, and
// is shown without delay what comes behind them. Both sides say so.
func TestAForkBehindWholeBatchesIsFoundOutAtOnce(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "outbox.db"), filepath.Join(dir, "clone", "outbox.db")
	o, err := ksync.OpenOutbox(t.Context(), path, func() (*wire.Enrolment, bool) { return nil, false }, r.ingest.Log)
	must(t, err)
	for range 2*wire.MaxAudit + 20 {
		must(t, o.Note(t.Context(), ksync.AuditStaffCalled, "", "button"))
	}
	must(t, o.Close())
	raw, err := os.ReadFile(path)
	must(t, err)
	must(t, os.Mkdir(filepath.Dir(copied), 0o700))
	must(t, os.WriteFile(copied, raw, 0o600))
	one := r.machine(t, "demo", path)
	one.note()
	one.sent()
	if got := one.outbox.Troubles(t.Context()); len(got) > 0 {
		t.Errorf("the first has %v", got)
	}
	one.stop()
	two := r.machine(t, "demo", copied)
	until(t, "an alarm", func() bool { return len(r.auditAlarms()) > 0 })
	if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditFork}) {
		t.Errorf("alarms %v", got)
	}
	until(t, "the kiosk's fault", func() bool {
		return slices.Equal(two.outbox.Troubles(t.Context()), []fault.Code{fault.AuditDisputed})
	})
	two.stop()
}

// Signs of life that tell of fewer entries than have come are found out in minutes.
func TestAnOlderLogIsFoundOutByItsSignsOfLife(t *testing.T) {
	r := newRig(t)
	k := r.teller(t)
	k.writes(5)
	k.tells(k.mark())
	for i := range 6 {
		if got := r.auditAlarms(); len(got) > 0 && i < 3 {
			t.Fatalf("alarms %v after %d signs of life", got, i)
		}
		k.tells(&wire.AuditMark{Log: k.log, N: 3})
		r.ahead.Add(int64(30 * time.Second))
	}
	if got := r.auditAlarms(); !slices.Equal(got, []hub.AlarmKind{hub.AlarmAuditGap}) {
		t.Errorf("alarms %v", got)
	}
}
