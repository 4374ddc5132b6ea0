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

// namedHub is a hub that says for which kiosk it is.
type namedHub struct {
	*fakeHub
	kiosk string
}

func (h *namedHub) Kiosk() string { return h.kiosk }

// What was committed under another ID is not sent, holds up nothing, and is told of.
func TestSubmissionsOfAnotherEnrolmentStay(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		var old []string
		for _, visit := range []string{"a", "b", "c", "d", "e"} {
			old = append(old, commit(t, o, visit, wire.KindReservation))
		}
		e := *k.enrol
		k.enrol = &e
		k.enrol.Kiosk = "kiosk-2"
		fresh := []string{commit(t, o, "e", wire.KindReservation), commit(t, o, "f", wire.KindApplication)}
		var log bytes.Buffer
		hub := newFakeHub(k)
		stop := run(t, NewCourier(o, &namedHub{hub, "kiosk-2"}, slog.New(slog.NewTextHandler(&log, nil)), CourierOptions{}))
		pass(time.Minute)
		stop()
		if diff := cmp.Diff(asSet(fresh), asSet(hub.ids())); diff != "" {
			t.Error(diff)
		}
		for _, id := range old {
			if hub.tries[id] != 0 {
				t.Error("it was sent under another ID")
			}
		}
		if n := strings.Count(log.String(), "alarm=true"); n != 1 || !strings.Contains(log.String(), "count=5") {
			t.Errorf("told: %s", log.String())
		}
		stop = run(t, NewCourier(o, &namedHub{hub, "kiosk-1"}, quiet(), CourierOptions{}))
		pass(time.Minute)
		stop()
		if n := pending(t, o); n != 0 {
			t.Errorf("%d pending when the kiosk has its ID again", n)
		}
	})
}

// Whatever many old submissions a hub cannot open, a new one goes at once.
func TestWhatTheHubCannotOpenHoldsUpNothingNew(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		var old []string
		for visit := range 20 {
			old = append(old, commit(t, o, string(rune('a'+visit)), wire.KindIssuance))
		}
		hub := newFakeHub(k)
		hub.fail = func(s wire.Submission) (error, error) {
			if slices.Contains(old, s.ID) {
				return &RefusalError{Problem: wire.Problem{Status: 503, Code: fault.HubRefused}, RetryAfter: time.Minute}, nil
			}
			return nil, nil
		}
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		stop := run(t, c)
		for range 10 {
			pass(73 * time.Second)
			id := commit(t, o, "new", wire.KindReservation)
			pass(time.Second)
			if len(c.Acks()) != 1 {
				t.Fatal("a new submission waits for old ones")
			}
			if a := <-c.Acks(); a.ID != id {
				t.Fatalf("acked %+v", a)
			}
		}
		stop()
		hub.set(func() {
			if n := len(hub.at) - 10; n < 20*9 || n > 20*13 {
				t.Errorf("%d tries in 12 minutes", n)
			}
		})
	})
}

// Those that have failed stand behind those that have not, the longest due first.
func TestNewVisitsGoBeforeThoseThatFailed(t *testing.T) {
	c := NewCourier(newOutbox(t, newKeys(t)), newFakeHub(newKeys(t)), quiet(), CourierOptions{})
	var heads []due
	for visit := range 8 {
		name := string(rune('a' + visit))
		heads = append(heads, due{id: name, visit: name})
		if visit < 6 {
			c.visits[name] = retryPlan{failures: 1, at: time.Now().Add(-time.Duration(visit+1) * time.Minute)}
		}
	}
	ready, _ := c.ready(heads)
	var got string
	for _, d := range ready {
		got += d.id
	}
	if got != "ghfedcba" {
		t.Errorf("%q go first", got)
	}
}

// With a new seal key an application still comes after the reservation before it, and
// goes alone once the hub has said that it does not hold the old key.
func TestANewSealKeyChangesNoOrder(t *testing.T) {
	for name, lost := range map[string]bool{"both held": false, "the old one lost": true} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t)
			synctest.Test(t, func(t *testing.T) {
				o := newOutbox(t, k)
				hub := newFakeHub(k)
				reserved := commit(t, o, "1", wire.KindReservation)
				fresh := newKeys(t)
				e := *k.enrol
				e.SealKeyID, e.SealKey = fresh.enrol.SealKeyID, fresh.enrol.SealKey
				k.enrol = &e
				applied := commit(t, o, "2", wire.KindApplication)
				var sent []string
				hub.fail = func(s wire.Submission) (error, error) {
					sent = append(sent, s.ID)
					if s.ID == reserved && lost {
						return &RefusalError{Problem: wire.Problem{Status: 503, Code: fault.HubRefused}, RetryAfter: time.Hour}, nil
					}
					return &RefusalError{Problem: wire.Problem{Status: 503, Code: fault.PlatformDown}}, nil
				}
				stop := run(t, NewCourier(o, hub, quiet(), CourierOptions{}))
				pass(4 * time.Minute)
				stop()
				if sent[0] != reserved {
					t.Error("the application went first")
				}
				if went := slices.Contains(sent, applied); went != lost {
					t.Errorf("the application was sent: %t", went)
				}
			})
		})
	}
}
