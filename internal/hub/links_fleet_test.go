package hub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/wire"
)

// twoHubs are on one PostgreSQL, each with links of its own. Sweeps do nothing in
// the time of a test unless told to.
func twoHubs(t *testing.T, change ...func(*hub.Links)) (f *fleet, a, b *linked) {
	t.Helper()
	f, nodes := newFleet(t, 2)
	return f, f.takeLinks(nodes[0].store, change...), f.takeLinks(nodes[1].store, change...)
}

func (f *fleet) onPostgres(t *testing.T) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), f.database)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// What one hub, or a command, tells reaches the kiosk at the hub that holds its
// link, and no other: news, and that it is revoked.
func TestPushAcrossHubs(t *testing.T) {
	f, a, b := twoHubs(t)
	command := f.onPostgres(t)
	f.hearing(t, command, a, b)
	must(t, command.EnsureKiosk(t.Context(), "beside", f.now()))
	atA, atB, besideB := open(t, f.kiosk("demo"), a, run1), open(t, f.kiosk("other"), b, run1), open(t, f.kiosk("beside"), b, run1)
	rows(t, command, "demo", run1)
	rows(t, command, "other", run1)
	rows(t, command, "beside", run1)
	for range 3 {
		must(t, command.Tell(t.Context(), "other"))
		atB.hears(wire.LinkLook)
	}
	for _, n := range []struct {
		*line
		kiosk string
	}{{atA, "demo"}, {besideB, "beside"}} {
		must(t, command.Tell(t.Context(), n.kiosk)) // its hub hears of that last
		n.hears(wire.LinkLook)
		n.hearsNoMore(n.kiosk + " was told of what is another kiosk's")
	}
	// The hubs' listening connections break; what is told meanwhile is made good.
	server.Exec(t, f.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
	must(t, command.Revoke(t.Context(), "other", "stolen", f.now()))
	atB.hears(wire.LinkRevoked)
	atB.ends(websocket.ClosePolicyViolation)
	rows(t, command, "other")
	for _, l := range []*linked{a, b} {
		k := f.kiosk("other")
		k.base = func() string { return l.srv.URL }
		k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
	}
	atA.hears(wire.LinkLook) // anything may have been missed
	if !atA.open() {
		t.Errorf("another kiosk's link has ended: %v", atA.why)
	}
}

// hearing waits until the hubs hear hints and have made good what was told before that:
// from then on kiosks are told of nothing but hints.
func (f *fleet) hearing(t *testing.T, s *postgres.Store, hubs ...*linked) {
	t.Helper()
	must(t, s.EnsureKiosk(t.Context(), "scout", f.now()))
	for _, l := range hubs {
		n := open(t, f.kiosk("scout"), l, run3)
		rows(t, s, "scout", run3) // a hint that comes before the hub knows of it is lost
		must(t, s.Tell(t.Context(), "scout"))
		n.hears(wire.LinkLook) // of either
		must(t, n.conn.Close())
		rows(t, s, "scout")
	}
}

// hearsNoMore: whatever was to be said to this link would be with its next pings.
func (n *line) hearsNoMore(what string) {
	n.t.Helper()
	before := n.pinged()
	eventually(n.t, "two pings", func() bool { return n.pinged() >= before+2 })
	select {
	case m := <-n.said:
		n.t.Errorf("%s: %+v", what, m)
	default:
	}
}

func TestCloneAcrossHubs(t *testing.T) {
	f, a, b := twoHubs(t, func(l *hub.Links) { l.Ping = time.Minute })
	k := f.kiosk("demo")
	s := f.onPostgres(t)
	older := open(t, k, a, run1)
	rows(t, s, "demo", run1)
	newer := open(t, k, b, run2)
	eventually(t, "an alarm", func() bool { return len(cloned(t, s)) == 1 })
	list := rows(t, s, "demo", run1, run2)
	if list[0].Hub == list[1].Hub || !older.open() || !newer.open() {
		t.Errorf("links %+v", list)
	}
	// Only a newer link of the same run takes a link's place.
	again := open(t, k, b, run1)
	older.ends(websocket.CloseNormalClosure)
	rows(t, s, "demo", run2, run1)
	if !again.open() || !newer.open() {
		t.Error("another link has ended")
	}
}

// A kiosk that lost its power at one hub and comes to the other is no clone, and a
// hub that was killed leaves no links behind.
func TestRestartAcrossHubs(t *testing.T) {
	short := func(l *hub.Links) { l.Ping, l.Sweep = 300*time.Millisecond, 50*time.Millisecond }
	f, a, b := twoHubs(t, short)
	k := f.kiosk("demo")
	s := f.onPostgres(t)
	open(t, k, a, run1, true)
	rows(t, s, "demo", run1)
	now := open(t, k, b, run2)
	rows(t, s, "demo", run2)
	eventually(t, "several pings", func() bool { return now.pinged() > 3 })
	if list := cloned(t, s); len(list) != 0 {
		t.Errorf("alarms %+v", list)
	}
	must(t, s.BeatHub(t.Context(), "killed", time.Minute))
	_, err := s.MoveLinks(t.Context(), "killed", []hub.Link{{ID: "left", Kiosk: "other", Run: run1, Since: f.now()}}, nil)
	must(t, err)
	rows(t, s, "other", run1)
	must(t, s.BeatHub(t.Context(), "killed", -time.Second)) // its time is over
	rows(t, s, "other")
	eventually(t, "its rows are gone", func() bool {
		return server.Int(t, f.database, "SELECT count(*) FROM link WHERE hub = 'killed'") == 0
	})
}
