package sync

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// A reservation at which the hub fails again and again keeps the applications of other
// visits waiting for an hour, and people are told. What waits in its own visit waits on,
// and goes when the hub is mended.
func TestAStuckSubmissionHoldsUpNobody(t *testing.T) {
	k := newKeys(t)
	for name, failure := range map[string]error{
		"defect":  &RefusalError{Problem: wire.Problem{Status: 500, Code: fault.Internal}},
		"refusal": &RefusalError{Problem: wire.Problem{Status: 425, Code: fault.HubRefused}},
		"rubbish": &fault.Error{Device: "hub", Op: "send", Code: fault.HubRubbish},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOutbox(t, k)
				stuck, own := commit(t, o, "a", wire.KindReservation), commit(t, o, "a", wire.KindApplication)
				other := commit(t, o, "b", wire.KindApplication)
				hub := newFakeHub(k)
				hub.fail = func(s wire.Submission) (error, error) {
					if s.ID == stuck {
						return failure, nil
					}
					return nil, nil
				}
				var log bytes.Buffer
				stop := run(t, NewCourier(o, hub, slog.New(slog.NewTextHandler(&log, nil)), CourierOptions{}))
				pass(30 * time.Minute)
				between := commit(t, o, "c", wire.KindReservation) // shows that the hub is not down
				pass(20 * time.Minute)
				if got := hub.ids(); !slices.Equal(got, []string{between}) {
					t.Errorf("before an hour went by the hub has %v", got)
				}
				pass(20 * time.Minute)
				if got := hub.ids(); !slices.Equal(got, []string{between, other}) {
					t.Errorf("then it has %v, the stuck one is %s", got, stuck)
				}
				hub.set(func() { hub.fail = nil })
				pass(5 * time.Minute)
				stop()
				if got := hub.ids(); !slices.Equal(got, []string{between, other, stuck, own}) {
					t.Errorf("when it is mended it has %v", got)
				}
				if n := strings.Count(log.String(), "submission is stuck"); n != 1 || !strings.Contains(log.String(), "alarm=true") {
					t.Errorf("told %d times", n)
				}
			})
		})
	}
}

// A hub that takes nothing is ill itself, and what is down behind it is about all: the
// order is kept, however long it lasts.
func TestNothingIsStuckWhileTheHubTakesNothing(t *testing.T) {
	k := newKeys(t)
	for name, r := range map[string]struct {
		failure error
		others  bool // the hub takes other submissions
	}{
		"hub":      {&RefusalError{Problem: wire.Problem{Status: 503, Code: fault.Internal}}, false},
		"platform": {&RefusalError{Problem: wire.Problem{Status: 503, Code: fault.PlatformDown}}, true},
		"line":     {errDown, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOutbox(t, k)
				commit(t, o, "a", wire.KindReservation)
				application := commit(t, o, "b", wire.KindApplication)
				hub := newFakeHub(k)
				hub.fail = func(s wire.Submission) (error, error) {
					if r.others && s.ID == application {
						return nil, nil
					}
					return r.failure, nil
				}
				stop := run(t, NewCourier(o, hub, quiet(), CourierOptions{}))
				pass(6 * time.Hour)
				stop()
				if got := hub.ids(); len(got) != 0 {
					t.Errorf("the hub has %v", got)
				}
			})
		})
	}
}
