package sync

import (
	"context"
	"fmt"
	"path/filepath"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// hubsTime is what is known of the hub's clock. It goes with the bubble's, and can be set.
type hubsTime struct {
	mu      stdsync.Mutex
	unknown bool
	off     time.Duration
}

func (h *hubsTime) set(f func()) { h.mu.Lock(); defer h.mu.Unlock(); f() }

func (h *hubsTime) now() (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.off), !h.unknown
}

// passDays counts so many days as Watch does in that time, and without its looks at the
// disk every few seconds.
func passDays(t *testing.T, o *Outbox, h *hubsTime, days int) {
	t.Helper()
	r := retention{hub: h.now}
	for range days {
		<-time.After(day)
		r.look(t.Context(), o)
	}
}

// nextDay begins another day, also where there is no bubble.
func nextDay(t *testing.T, o *Outbox) {
	t.Helper()
	days := len(column(t, o, "SELECT day FROM days"))
	if over, err := o.countDay(t.Context(), time.Unix(1790000000, 0).Add(time.Duration(days)*day)); err != nil || !over {
		t.Fatal(over, err)
	}
}

// watching runs f while Watch looks after the file.
func watching(t *testing.T, o *Outbox, h *hubsTime, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- o.Watch(ctx, h.now) }()
	synctest.Wait()
	f()
	cancel()
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// done commits what one visit does, all of which the hub has, and its log too.
func done(t *testing.T, o *Outbox, k *keys, visit string) {
	t.Helper()
	acknowledge(t, o, k, commit(t, o, visit, wire.KindReservation))
	if err := o.EndVisit(t.Context(), visit); err != nil {
		t.Fatal(err)
	}
	h := newAuditHub()
	if _, err := NewCourier(o, h, quiet(), CourierOptions{}).sendAudit(t.Context(), h); err != nil {
		t.Fatal(err)
	}
}

// left is what is left of slips and audit rows.
func left(t *testing.T, o *Outbox) string {
	t.Helper()
	return fmt.Sprint(len(column(t, o, "SELECT submission FROM slips")), column(t, o, "SELECT event FROM audit ORDER BY n"))
}

const (
	allThere = "1 [log_begun started committed acknowledged visit_ended]"
	noSlip   = "0 [log_begun started committed acknowledged visit_ended]"
)

// What became of slips is forgotten a month after the hub has what they tell of, and the
// rows of the audit log that the hub has much later.
func TestWatchForgetsWhatIsOld(t *testing.T) {
	k := newKeys(t)
	path := filepath.Join(t.TempDir(), "outbox.db")
	synctest.Test(t, func(t *testing.T) {
		o := openOutbox(t, path, k)
		h := &hubsTime{}
		done(t, o, k, "1")
		at := func(want string) {
			t.Helper()
			if got := left(t, o); got != want {
				t.Errorf("left are %s, want %s", got, want)
			}
		}
		passDays(t, o, h, 1+keepSlips-1)
		watching(t, o, h, func() {
			at(allThere)
			<-time.After(day + 2*retainEvery) // it looks again while it runs
			synctest.Wait()
			at(noSlip)
		})
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		o = openOutbox(t, path, k) // days are counted across starts
		defer func() { _ = o.Close() }()
		watching(t, o, h, func() { at("0 [log_begun started committed acknowledged visit_ended started]") })
		passDays(t, o, h, keepAudit-keepSlips-1)
		at("0 [log_begun started committed acknowledged visit_ended started]")
		passDays(t, o, h, 1)
		at("0 [started forgotten]")
		passDays(t, o, h, 1)
		if n := len(column(t, o, "SELECT day FROM days")); n != keepAudit+1 {
			t.Errorf("%d days are kept", n)
		}
	})
}

// A kiosk that is switched off each night is never on for a day.
func TestDaysPassAtAKioskThatIsSwitchedOff(t *testing.T) {
	k := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox(t, k)
		h := &hubsTime{}
		done(t, o, k, "1")
		for range 1 + keepSlips {
			h.set(func() { h.unknown = true }) // until the hub has answered
			watching(t, o, h, func() {
				<-time.After(time.Minute)
				h.set(func() { h.unknown = false })
				<-time.After(10 * time.Minute)
			})
			<-time.After(day)
		}
		if got := left(t, o); got != noSlip {
			t.Errorf("left are %s", got)
		}
	})
}

// Whatever is done to the kiosk's clock or the hub's, nothing is forgotten early, and all
// when its time has come.
func TestAYearEitherWayForgetsNothing(t *testing.T) {
	k := newKeys(t)
	for name, c := range map[string]struct {
		before time.Duration // by so much the kiosk's clock is behind from the beginning
		jump   func(h *hubsTime)
	}{
		"the kiosk's ahead":         {0, func(h *hubsTime) { <-time.After(year); h.off -= year }},
		"the kiosk's behind":        {year, func(*hubsTime) {}}, // what it writes is old already
		"the kiosk's behind and on": {year, func(h *hubsTime) { <-time.After(year); h.off -= year }},
		"the hub's not known":       {0, func(h *hubsTime) { h.unknown = true; <-time.After(year); h.off -= year }},
		"the hub's ahead":           {0, func(h *hubsTime) { h.off += year }},
		"the hub's behind":          {0, func(h *hubsTime) { h.off -= year }},
		"the hub's ahead and back":  {0, func(h *hubsTime) { h.off = year - h.off }},
		"the hub's behind and back": {0, func(h *hubsTime) { h.off = -year - h.off }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOutbox(t, k)
				h := &hubsTime{off: c.before}
				done(t, o, k, "1")
				passDays(t, o, h, 3)
				for range 2 {
					h.set(func() { c.jump(h) })
					watching(t, o, h, func() { <-time.After(time.Hour) })
					if got := left(t, o); got != allThere {
						t.Errorf("left are %s", got)
					}
				}
				h.set(func() { h.unknown = false })
				passDays(t, o, h, keepSlips)
				if got := left(t, o); got != noSlip {
					t.Errorf("a month later, left are %s", got)
				}
			})
		})
	}
}

// A day is counted once.
func TestADayIsOverWhenTheHubsClockSaysSo(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	begin := time.Unix(1790000000, 0)
	for _, step := range []struct {
		at   time.Duration
		over bool
	}{
		{0, true}, {time.Hour, false}, {day - time.Second, false}, {-day + time.Second, false}, {day, true}, {day, false},
		{2*day - time.Second, false}, {30 * day, true}, {29*day + time.Second, false}, {29 * day, true}, {29 * day, false},
	} {
		over, err := o.countDay(t.Context(), begin.Add(step.at))
		if err != nil || over != step.over {
			t.Errorf("at %v: %t, %v", step.at, over, err)
		}
	}
	if diff := cmp.Diff([]string{"1", "2", "3", "4"}, column(t, o, "SELECT day FROM days ORDER BY day")); diff != "" {
		t.Error(diff)
	}
}

// While the hub's time is not known it is asked for again soon, and no day is counted.
func TestNoDayIsCountedWithoutTheHub(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	for _, step := range []struct {
		known bool
		again time.Duration
		days  int
	}{{false, lookEvery, 0}, {true, day - retainEvery, 1}, {true, retainEvery, 1}, {false, lookEvery, 1}} {
		r := retention{hub: func() (time.Time, bool) { return time.Unix(1790000000, 0), step.known }}
		if again := r.look(t.Context(), o); again != step.again {
			t.Errorf("known %t: again in %v, want %v", step.known, again, step.again)
		}
		if n := len(column(t, o, "SELECT day FROM days")); n != step.days {
			t.Errorf("known %t: %d days, want %d", step.known, n, step.days)
		}
	}
}

// More than one time takes goes at several, and not a day apart.
func TestMuchIsForgottenSoon(t *testing.T) {
	o := newOutbox(t, newKeys(t))
	err := o.write(t.Context(), func(ctx context.Context, tx *sqlitedb.Tx) error {
		for range mostForgotten + 10 {
			if err := appendAudit(ctx, tx, AuditStaffDone, "", ""); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "UPDATE audit_log SET confirmed = (SELECT max(n) FROM audit)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range keepAudit {
		nextDay(t, o)
	}
	r := retention{hub: func() (time.Time, bool) { return time.Unix(1790000000, 0).Add(keepAudit * day), true }}
	for i, want := range []time.Duration{lookEvery, day - retainEvery} {
		if again := r.look(t.Context(), o); again != want {
			t.Errorf("time %d: again in %v, want %v", i+1, again, want)
		}
	}
	if diff := cmp.Diff([]string{"forgotten", "forgotten"}, column(t, o, "SELECT event FROM audit ORDER BY n")); diff != "" {
		t.Error(diff)
	}
}
