package sync

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// verdictHub signs what say gives for everything that it is sent.
type verdictHub struct {
	*fakeHub
	say wire.Verdict
}

func (h *verdictHub) Submit(_ context.Context, s wire.Submission) (wire.Ack, error) {
	signed, err := wire.SignAck(h.keys.ack, h.keys.ackID, wire.AckBody{Schema: wire.Schema, ID: s.ID, Hash: s.Hash(),
		Kiosk: s.Kiosk, StoredAt: time.Unix(1790000000, 0).UTC(), Verdict: h.say})
	if err != nil {
		return wire.Ack{}, err
	}
	v, err := wire.NewAckVerifier(h.keys.enrol.AckKeys...)
	if err != nil {
		return wire.Ack{}, err
	}
	return v.Verify(signed, s.ID, s.Hash(), s.Kiosk)
}

// A newer hub signs a verdict for whose reason there is no word here: it is a proof as
// any other, and screens get a reason that they have a text for.
func TestAVerdictWithAnUnknownReasonIsAProof(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		id := commit(t, o, "1", wire.KindReservation)
		c := NewCourier(o, &verdictHub{newFakeHub(k), wire.Verdict{Code: "of_next_year"}}, quiet(), CourierOptions{})
		stop := run(t, c)
		pass(time.Minute)
		stop()
		if n := pending(t, o); n != 0 {
			t.Fatalf("%d pending", n)
		}
		if diff := cmp.Diff(Acked{ID: id, Verdict: wire.Verdict{Code: fault.HubRefused}}, <-c.Acks()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"hub_refused"}, column(t, o, "SELECT detail FROM audit WHERE event = 'acknowledged'")); diff != "" {
			t.Error(diff)
		}
	})
}

// A row whose acknowledgement cannot be noted holds up no other, and is not hot.
func TestOneRowThatTheDiskRefusesHoldsUpNoOther(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		bad := commit(t, o, "0", wire.KindReservation)
		for visit := range 12 {
			commit(t, o, string(rune('a'+visit)), wire.KindReservation)
		}
		if _, err := o.db.Exec(t.Context(), `CREATE TRIGGER stuck BEFORE DELETE ON submissions WHEN old.id = '`+bad+`'
			BEGIN SELECT RAISE (ABORT, 'stuck'); END`); err != nil {
			t.Fatal(err)
		}
		hub := newFakeHub(k)
		var log bytes.Buffer
		stop := run(t, NewCourier(o, hub, slog.New(slog.NewTextHandler(&log, nil)), CourierOptions{}))
		pass(time.Minute)
		if n := pending(t, o); n != 1 {
			t.Errorf("%d pending", n)
		}
		pass(time.Hour)
		stop()
		if n := strings.Count(log.String(), "outbox fails"); n < 30 || n > 60*4 {
			t.Errorf("%d tries in an hour", n)
		}
		if _, err := o.db.Exec(t.Context(), "DROP TRIGGER stuck"); err != nil {
			t.Fatal(err)
		}
		stop = run(t, NewCourier(o, hub, quiet(), CourierOptions{}))
		pass(time.Minute)
		stop()
		if n := pending(t, o); n != 0 {
			t.Errorf("%d pending when the disk is well again", n)
		}
	})
}
