package sync

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// A log that the hub does not take has its own code, in the kiosk's log and in its sign
// of life. It is offered again soon: what was set right shows in minutes.
func TestADisputedLogIsTold(t *testing.T) {
	k := newKeys(t)
	for _, v := range []wire.AuditVerdict{wire.AuditFork, wire.AuditBroken, wire.AuditGap} {
		path := filepath.Join(t.TempDir(), "outbox.db")
		synctest.Test(t, func(t *testing.T) {
			o := openOutbox(t, path, k)
			defer func() { _ = o.Close() }()
			h := newAuditHub()
			h.say = v
			var log bytes.Buffer
			stop := run(t, NewCourier(o, h, slog.New(slog.NewTextHandler(&log, nil)), CourierOptions{}))
			pass(time.Minute)
			if got := o.Troubles(t.Context()); !slices.Equal(got, []fault.Code{fault.AuditDisputed}) {
				t.Errorf("%s: troubles %v", v, got)
			}
			h.set(func() { h.say = "" })
			pass(6 * time.Minute)
			if got := o.Troubles(t.Context()); len(got) > 0 || h.total() == 0 {
				t.Errorf("%s: 7 minutes later the hub has %d, troubles %v", v, h.total(), got)
			}
			stop()
			said := log.String()
			if strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, "code=audit_disputed alarm=true") || !strings.Contains(said, string(v)) {
				t.Errorf("%s: the log says %s", v, said)
			}
		})
	}
}
