package sync

import (
	"context"
	"log/slog"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// fakeHub is an Upstream in memory. fail is asked before each sending and may
// break it before or after the hub has stored it.
type fakeHub struct {
	*ledger
	fail func(wire.Submission) (before, after error)

	mu      stdsync.Mutex
	at      []time.Time
	reports int
	report  error
}

func newFakeHub(k *keys) *fakeHub { return &fakeHub{ledger: newLedger(k)} }

func (h *fakeHub) Submit(_ context.Context, s wire.Submission) (wire.Ack, error) {
	h.mu.Lock()
	h.at = append(h.at, time.Now())
	var before, after error
	if h.fail != nil {
		before, after = h.fail(s)
	}
	h.mu.Unlock()
	if before != nil {
		return wire.Ack{}, before
	}
	signed, ok, err := h.store(s)
	if err != nil || !ok {
		return wire.Ack{}, &RefusalError{Problem: wire.Problem{Status: 409, Code: fault.HubRefused}}
	}
	if after != nil {
		return wire.Ack{}, after
	}
	v, err := wire.NewAckVerifier(h.keys.enrol.AckKeys...)
	if err != nil {
		return wire.Ack{}, err
	}
	return v.Verify(signed, s.ID, s.Hash(), s.Kiosk)
}

func (h *fakeHub) Report(context.Context, wire.Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports++
	return h.report
}

func (h *fakeHub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// run starts c; the returned function ends it and waits.
func run(tb testing.TB, c *Courier) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run: %v", err)
		}
	}
}

// pass lets time go by in a bubble.
func pass(d time.Duration) { <-time.After(d) }

var errDown = &fault.Error{Device: "hub", Op: "send", Code: fault.LineDown}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestCourierRetriesForEver(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		hub.report = errDown
		hub.fail = func(wire.Submission) (error, error) { return errDown, nil }
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		id := commit(t, o, "1", wire.KindReservation)
		stop := run(t, c)
		pass(6 * time.Hour) // each try is a write that is flushed
		hub.set(func() {
			for i := 1; i < len(hub.at); i++ {
				if gap := hub.at[i].Sub(hub.at[i-1]); gap < time.Second || gap > time.Minute {
					t.Errorf("gap %d is %v", i, gap)
				}
			}
			if n := len(hub.at); n < 6*60 || n > 6*60*4 {
				t.Errorf("%d tries in six hours", n)
			}
			hub.fail, hub.report = nil, nil
		})
		if up := <-c.Line(); up {
			t.Error("the line is up")
		}
		select {
		case a := <-c.Acks():
			if a.ID != id || !a.Verdict.Accepted {
				t.Errorf("acked %+v", a)
			}
		case <-time.After(2 * time.Minute):
			t.Error("not sent two minutes after the line came back")
		}
		synctest.Wait()
		if up := <-c.Line(); !up {
			t.Error("the line is still down")
		}
		stop()
		if pending(t, o) != 0 {
			t.Error("still pending")
		}
	})
}

func TestCourierSendsAtOnceAfterCommit(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		defer run(t, c)()
		pass(time.Hour)
		start := time.Now()
		commit(t, o, "1", wire.KindReservation)
		<-c.Acks()
		if d := time.Since(start); d != 0 {
			t.Errorf("waited %v", d)
		}
		hub.set(func() {
			if hub.reports < 100 || hub.reports > 160 {
				t.Errorf("%d reports in an hour", hub.reports)
			}
		})
	})
}

func TestCourierObeysRetryAfter(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		busy := &RefusalError{Problem: wire.Problem{Status: 429, Code: fault.TooFast}, RetryAfter: 10 * time.Minute}
		hub.fail = func(wire.Submission) (error, error) { return busy, nil }
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		defer run(t, c)()
		commit(t, o, "1", wire.KindReservation)
		pass(time.Minute)
		hub.set(func() { hub.fail = nil })
		for range 9 { // neither kicks nor new commits break the silence
			c.Kick()
			commit(t, o, "2", wire.KindIssuance)
			pass(50 * time.Second)
		}
		hub.set(func() {
			if len(hub.at) != 1 {
				t.Errorf("%d tries", len(hub.at))
			}
		})
		pass(10 * time.Minute)
		if n := pending(t, o); n != 0 {
			t.Errorf("%d pending after the silence", n)
		}
	})
}

func TestCourierQuarantines(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		bad := commit(t, o, "1", wire.KindReservation)
		held := commit(t, o, "1", wire.KindApplication)
		good := commit(t, o, "2", wire.KindReservation)
		other, err := wire.Seal(k.seal.Public(), "kiosk-1", bad, entry("1", wire.KindReservation).Payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := hub.store(other); !ok || err != nil { // same ID, other content
			t.Fatal(ok, err)
		}
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		stop := run(t, c)
		pass(time.Hour)
		stop()
		if diff := cmp.Diff([]string{bad, good}, hub.ids()); diff != "" {
			t.Error(diff)
		}
		if n, err := o.Quarantined(t.Context()); n != 1 || err != nil {
			t.Errorf("%d quarantined, %v", n, err)
		}
		if hub.tries[bad] != 2 || hub.tries[held] != 0 {
			t.Errorf("tries: %v", hub.tries)
		}
		if pending(t, o) != 2 {
			t.Error("something was deleted")
		}
	})
}

func TestCourierOneBadVisitDoesNotHoldTheOthers(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		var bad []string
		for _, v := range []string{"a", "b", "c", "d", "e"} {
			bad = append(bad, commit(t, o, v, wire.KindReservation))
		}
		hub.fail = func(s wire.Submission) (error, error) {
			if slices.Contains(bad, s.ID) {
				return &RefusalError{Problem: wire.Problem{Status: 500, Code: fault.PlatformDown}}, nil
			}
			return nil, nil
		}
		good := commit(t, o, "f", wire.KindReservation)
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		defer run(t, c)()
		if a := <-c.Acks(); a.ID != good {
			t.Errorf("acked %v", a)
		}
	})
}

func TestCourierNeverWaitsForAReader(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		var last string
		for range 100 {
			last = commit(t, o, "1", wire.KindIssuance)
		}
		c := NewCourier(o, newFakeHub(k), quiet(), CourierOptions{})
		stop := run(t, c)
		pass(time.Minute)
		stop()
		if n := pending(t, o); n != 0 {
			t.Fatalf("%d pending", n)
		}
		var newest string
		for range len(c.acks) {
			newest = (<-c.Acks()).ID
		}
		if newest != last {
			t.Error("the newest was dropped")
		}
	})
}

func TestLineHysteresis(t *testing.T) {
	l := newLine()
	read := func() string {
		select {
		case up := <-l.out:
			if up {
				return "up"
			}
			return "down"
		default:
			return ""
		}
	}
	for i, s := range []struct {
		ok   bool
		want string
	}{{true, "up"}, {false, ""}, {true, ""}, {false, ""}, {false, "down"}, {false, ""}, {true, "up"}} {
		l.observe(s.ok)
		if got := read(); got != s.want {
			t.Fatalf("observation %d says %q, want %q", i, got, s.want)
		}
	}
	l = newLine()
	l.observe(false)
	l.observe(true) // nobody read "down"
	if got := read(); got != "up" {
		t.Fatalf("the newest state is %q", got)
	}
}

func TestBackoffBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Backoff{Floor: time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "floor"))}
		b.Cap = b.Floor + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "cap"))
		asked := time.Duration(rapid.Int64Range(-1, int64(48*time.Hour)).Draw(t, "asked"))
		d := b.after(rapid.IntRange(1, 1<<30).Draw(t, "n"), asked)
		if d < b.Floor || d > max(b.Cap, maxRetryAfter*5/4+1) || d < min(asked, maxRetryAfter) {
			t.Fatalf("%v for %+v, asked %v", d, b, asked)
		}
	})
}

// TestExactlyOnce drives commits, every kind of failure, restarts of the courier
// and the hub as one machine: whatever happens, what was committed arrives once,
// in the order of its visit, and nothing else does.
func TestExactlyOnce(t *testing.T) {
	k := newKeys(t)
	rapid.Check(t, func(rt *rapid.T) {
		seeds := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 30).Draw(rt, "faults")
		actions := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 25).Draw(rt, "actions")
		synctest.Test(t, func(t *testing.T) {
			o := newOutbox(t, k)
			hub := newFakeHub(k)
			hub.fail = func(wire.Submission) (error, error) {
				if len(seeds) == 0 {
					return nil, nil
				}
				f := seeds[0]
				seeds = seeds[1:]
				switch f {
				case 0:
					return errDown, nil
				case 1:
					return nil, errDown // stored, and the answer was lost
				case 2:
					return nil, &fault.Error{Device: "hub", Op: "send", Code: fault.HubRubbish}
				case 3:
					return &RefusalError{Problem: wire.Problem{Status: 503, Code: fault.PlatformDown}, RetryAfter: time.Second}, nil
				}
				return nil, nil
			}
			visits := map[string][]string{}
			pace := CourierOptions{Every: 10 * time.Minute}
			c := NewCourier(o, hub, quiet(), pace)
			stop := run(t, c)
			for _, a := range actions {
				visit := []string{"a", "b", "c"}[a%3]
				switch a {
				case 0, 1, 2, 3:
					visits[visit] = append(visits[visit], commit(t, o, visit, wire.KindReservation))
				case 4:
					pass(5 * time.Second)
				case 5:
					stop()
					c = NewCourier(o, hub, quiet(), pace)
					stop = run(t, c)
				}
			}
			pass(time.Hour) // 30 faults at most, a minute each
			stop()
			if n := pending(t, o); n != 0 {
				rt.Errorf("%d pending", n)
			}
			place := map[string]int{}
			for i, id := range hub.ids() {
				place[id] = i + 1
			}
			total := 0
			for _, ids := range visits {
				before := 0
				for _, id := range ids {
					if place[id] <= before {
						rt.Errorf("missing or out of order: %s", id)
					}
					before = place[id]
					total++
				}
			}
			if len(place) != total {
				rt.Errorf("the hub has %d, committed were %d", len(place), total)
			}
			if _, _, err := o.VerifyAudit(t.Context()); err != nil {
				rt.Error(err)
			}
		})
	})
}

func TestCourierLooksWhenTheLinkChanges(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		stop := run(t, c)
		pass(2 * time.Second)
		if up := <-c.Line(); !up {
			t.Fatal("the line is down at first")
		}
		hub.set(func() {
			hub.report = errDown
			hub.fail = func(wire.Submission) (error, error) { return errDown, nil }
		})
		c.LinkChanged()
		pass(5 * time.Second) // far less than the time between two signs of life
		select {
		case up := <-c.Line():
			if up {
				t.Error("the line is up")
			}
		default:
			t.Error("nobody looked at the line")
		}
		id := commit(t, o, "1", wire.KindApplication)
		pass(10 * time.Minute) // the backoff is at its longest
		hub.set(func() { hub.fail, hub.report = nil, nil })
		c.LinkChanged()
		pass(3 * time.Second)
		select {
		case a := <-c.Acks():
			if a.ID != id {
				t.Errorf("acked %+v", a)
			}
		default:
			t.Error("not sent three seconds after the link came back")
		}
		stop()
	})
}

// Somebody reserves while the line is down, comes back and applies: when the line
// returns, the application must find the reservation at the hub.
func TestCourierSettlesReservationsBeforeApplications(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		hub := newFakeHub(k)
		down := true
		hub.fail = func(wire.Submission) (error, error) {
			if down {
				return errDown, nil
			}
			return nil, nil
		}
		c := NewCourier(o, hub, quiet(), CourierOptions{})
		stop := run(t, c)
		var want []string
		for visit := range 6 {
			kind := wire.KindReservation
			if visit%2 == 1 {
				kind = wire.KindApplication
			}
			want = append(want, commit(t, o, string(rune('1'+visit)), kind))
		}
		pass(time.Minute)
		hub.set(func() { down = false })
		pass(5 * time.Minute)
		stop()
		place := map[string]int{}
		for i, id := range hub.ids() {
			place[id] = i + 1
		}
		for i := 1; i < len(want); i += 2 {
			if place[want[i]] == 0 || place[want[i]] < place[want[i-1]] {
				t.Errorf("application %d was stored at place %d, its reservation at %d", i, place[want[i]], place[want[i-1]])
			}
		}
	})
}
