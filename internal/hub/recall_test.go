package hub_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// countedRows counts how often a kiosk's row is read.
type countedRows struct {
	hub.Store
	reads atomic.Int64
}

func (c *countedRows) Kiosk(ctx context.Context, id string) (hub.Kiosk, error) {
	c.reads.Add(1)
	return c.Store.Kiosk(ctx, id)
}

// Many requests of one moment cost one look at who asks, and a revocation takes effect a
// second later at the latest, at whichever hub.
func TestARowIsNotRecalledForLong(t *testing.T) {
	r := newRig(t)
	began := r.now()
	var later atomic.Int64
	c := &countedRows{Store: r.store}
	api := r.api(r.ingest, r.box)
	api.Store = c
	api.Now = func() time.Time { return began.Add(time.Duration(later.Load())) }
	srv := r.listen(api)
	t.Cleanup(srv.Close)
	k := r.kiosk("demo")
	k.base = func() string { return srv.URL }
	for range 20 {
		if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, b)
		}
	}
	if n := c.reads.Load(); n != 1 {
		t.Errorf("%d reads", n)
	}
	must(t, r.store.Revoke(t.Context(), "demo", "stolen", r.now()))
	later.Store(int64(time.Second))
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
	must(t, r.store.Restore(t.Context(), "demo", r.now()))
	if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("a refusal is recalled: %d %s", status, b)
	}

	// Who was refused by the row as it is now is not let in by what was read before.
	must(t, r.store.Revoke(t.Context(), "demo", "stolen", r.now()))
	if status, b := k.send(http.MethodGet, wire.PathDesired, nil); status != http.StatusForbidden {
		t.Errorf("%d %s", status, b)
	}
	k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
}

// What a hub may leave a revoked kiosk adds up to less than the minute that is promised, with
// as much to spare as other work of the sweep, and a busy machine, may take.
func TestDefaultsLeaveARevocationItsMinute(t *testing.T) {
	const promised, spare = time.Minute, 20 * time.Second
	if hub.RevokedWithin > promised-spare {
		t.Errorf("a revocation may take %s of its %s", hub.RevokedWithin, promised)
	}
}
