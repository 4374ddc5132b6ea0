package sync

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// A row whose content rotted on the disk is never sent: it would be refused, or worse.
// It is set aside with its reason and an alarm, and holds up neither the rest of its
// visit nor any other.
func TestASpoiltSubmissionIsSetAside(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		spoilt := commit(t, o, "1", wire.KindIssuance)
		after := commit(t, o, "1", wire.KindReservation)
		other := commit(t, o, "2", wire.KindReservation)
		rot(t, o, spoilt)
		var log bytes.Buffer
		hub := newFakeHub(k)
		c := NewCourier(o, hub, slog.New(slog.NewTextHandler(&log, nil)), CourierOptions{})
		stop := run(t, c)
		pass(time.Minute)
		stop()
		if diff := cmp.Diff([]string{other, after}, hub.ids(), cmp.Transformer("set", asSet)); diff != "" {
			t.Error(diff)
		}
		if hub.tries[spoilt] != 0 {
			t.Error("it was sent")
		}
		list, err := o.List(t.Context())
		if err != nil || len(list) != 1 || !list[0].Quarantined || list[0].Reason != fault.StorageDamaged {
			t.Errorf("%+v, %v", list, err)
		}
		if diff := cmp.Diff([]fault.Code{fault.StorageDamaged}, o.Troubles(t.Context())); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(log.String(), "alarm=true") || !strings.Contains(log.String(), "code=storage_damaged") {
			t.Errorf("no alarm: %s", log.String())
		}
		// Trying again does not make it better, and does no harm.
		if n, err := o.Requeue(t.Context()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		stop = run(t, NewCourier(o, hub, quiet(), CourierOptions{}))
		pass(time.Minute)
		stop()
		if n, err := o.Quarantined(t.Context()); n != 1 || err != nil || hub.tries[spoilt] != 0 {
			t.Errorf("%d quarantined, %d tries, %v", n, hub.tries[spoilt], err)
		}
		if got := column(t, o, "SELECT subject FROM audit WHERE event = 'quarantined'"); !slices.Equal(got, []string{spoilt, spoilt}) {
			t.Errorf("the audit log tells of %q being set aside", got)
		}
	})
}

func asSet(ids []string) map[string]bool {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// rot changes a content behind the back of everybody.
func rot(t *testing.T, o *Outbox, id string) {
	t.Helper()
	for _, q := range []string{
		"DROP TRIGGER submissions_never_change", "UPDATE submissions SET sealed = zeroblob(length(sealed)) WHERE id = '" + id + "'",
	} {
		if _, err := o.db.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

// The size of a row tells nobody what is in it.
func TestAllSubmissionsHaveOneSize(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	for _, kind := range []wire.Kind{wire.KindIssuance, wire.KindReservation, wire.KindApplication} {
		commit(t, o, "1", kind)
	}
	if sizes := column(t, o, "SELECT DISTINCT length(sealed) FROM submissions"); len(sizes) != 1 {
		t.Errorf("sizes %v", sizes)
	}
}
