package hub_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// soon is how long something may take that is expected, on a busy machine.
const soon = 20 * time.Second

// linked is a hub that takes links, with times short enough for a test.
type linked struct {
	links *hub.Links
	srv   *httptest.Server
	end   context.CancelFunc // the hub drains
	ended chan struct{}
}

// takeLinks starts one over a store; by default hints do the work, not sweeps.
func (r *rig) takeLinks(store hub.Store, change ...func(*hub.Links)) *linked {
	r.t.Helper()
	in := *r.ingest
	in.Store = store
	api := r.api(&in, r.box)
	api.Links = &hub.Links{
		Store: store, Now: r.now, Log: in.Log, Ping: 500 * time.Millisecond, Sweep: time.Hour, Batch: time.Millisecond,
	}
	for _, c := range change {
		c(api.Links)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	l := &linked{links: api.Links, end: cancel, ended: make(chan struct{})}
	l.srv = r.listen(api)
	go func() {
		defer close(l.ended)
		if err := api.Links.Run(ctx); err != nil {
			r.t.Error(err)
		}
	}()
	r.t.Cleanup(func() {
		cancel()
		<-l.ended
		l.srv.Close()
	})
	return l
}

// line is a kiosk's end of a link.
type line struct {
	t    *testing.T
	conn *websocket.Conn
	said chan wire.LinkMessage
	over chan struct{}
	why  error // how it ended

	mu    sync.Mutex
	pings int
}

func dial(k *kiosk, l *linked, run string) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{
		TLSClientConfig:  &tls.Config{RootCAs: k.keys.Pool(), MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{k.pair}},
		HandshakeTimeout: soon,
	}
	return d.DialContext(k.t.Context(), strings.Replace(l.srv.URL, "https:", "wss:", 1)+wire.PathLink, http.Header{wire.HeaderRun: {run}})
}

// open opens a link; a mute one is that of a machine without power: nothing comes
// back, and the connection stays.
func open(t *testing.T, k *kiosk, l *linked, run string, mute ...bool) *line {
	t.Helper()
	var conn *websocket.Conn
	eventually(t, "the hub takes links", func() bool {
		c, resp, err := dial(k, l, run)
		if resp != nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusServiceUnavailable {
				return false
			}
		}
		must(t, err)
		conn = c
		return true
	})
	n := &line{t: t, conn: conn, said: make(chan wire.LinkMessage, 100), over: make(chan struct{})}
	answer := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		n.mu.Lock()
		n.pings++
		n.mu.Unlock()
		if len(mute) > 0 && mute[0] {
			return nil
		}
		return answer(data)
	})
	go func() {
		defer close(n.over)
		for {
			_, b, err := conn.ReadMessage()
			if err != nil {
				n.why = err
				return
			}
			var m wire.LinkMessage
			if err := json.Unmarshal(b, &m); err != nil {
				t.Error(err)
			}
			n.said <- m
		}
	}()
	t.Cleanup(func() { conn.Close(); <-n.over })
	return n
}

// hears waits for a message of this kind.
func (n *line) hears(kind wire.LinkKind) wire.LinkMessage {
	n.t.Helper()
	limit := time.NewTimer(soon)
	defer limit.Stop()
	for {
		select {
		case m := <-n.said:
			if m.Kind == kind {
				return m
			}
		case <-n.over:
			select {
			case m := <-n.said: // it came before the end
				if m.Kind == kind {
					return m
				}
			default:
				n.t.Fatalf("no message %q, ended by %v", kind, n.why)
			}
		case <-limit.C:
			n.t.Fatalf("no message %q", kind)
		}
	}
}

// ends waits for the end, with this close code.
func (n *line) ends(code int) {
	n.t.Helper()
	select {
	case <-n.over:
		if !websocket.IsCloseError(n.why, code) {
			n.t.Errorf("ended by %v, not code %d", n.why, code)
		}
	case <-time.After(soon):
		n.t.Fatal("the link does not end")
	}
}

func (n *line) open() bool {
	select {
	case <-n.over:
		return false
	default:
		return true
	}
}

func (n *line) pinged() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pings
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(soon), time.NewTicker(5*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("not so: %s", what)
		}
	}
}

// rows waits until the store shows these links of a kiosk.
func rows(t *testing.T, s hub.Store, kiosk string, runs ...string) (list []hub.Link) {
	t.Helper()
	eventually(t, "links of "+kiosk+": "+strings.Join(runs, ", "), func() bool {
		var err error
		list, err = s.Links(t.Context(), hub.LinkFilter{Kiosk: kiosk})
		must(t, err)
		var have []string
		for _, l := range list {
			have = append(have, l.Run)
		}
		return slices.Equal(have, runs)
	})
	return list
}

func cloned(t *testing.T, s hub.Store) (list []hub.Alarm) {
	t.Helper()
	all, err := s.Alarms(t.Context(), -1)
	must(t, err)
	for _, a := range all {
		if a.Kind == hub.AlarmCloned {
			list = append(list, a)
		}
	}
	return list
}

const run1, run2, run3 = "run-one-11111111", "run-two-22222222", "run-three-333333"

func TestLinkIsThereWhileItIsOpen(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store)
	k := r.kiosk("demo")
	n := open(t, k, l, run1)
	row := rows(t, r.store, "demo", run1)[0]
	if row.Hub != l.links.Hub() || row.Remote != n.conn.LocalAddr().String() || time.Since(row.Since) > soon || l.links.Count() != 1 {
		t.Errorf("row %+v, %d links", row, l.links.Count())
	}
	must(t, r.store.Tell(t.Context(), "demo"))
	n.hears(wire.LinkLook)
	// The same run again takes its place.
	again := open(t, k, l, run1)
	n.ends(websocket.CloseNormalClosure)
	eventually(t, "the row is the new link's", func() bool {
		return rows(t, r.store, "demo", run1)[0].Remote == again.conn.LocalAddr().String()
	})
	if !again.open() {
		t.Error("the new one has ended as well")
	}
	must(t, again.conn.Close())
	rows(t, r.store, "demo")
	eventually(t, "no link is left", func() bool { return l.links.Count() == 0 })
}

func TestLinksThatAreNotTaken(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Max = 1 })
	k := r.kiosk("demo")
	k.base = func() string { return l.srv.URL }
	first := open(t, k, l, run1)
	refused := func(k *kiosk, run string, status int, code fault.Code) (retry string, last bool) {
		t.Helper()
		_, resp, err := dial(k, l, run)
		if err == nil || resp == nil || resp.StatusCode != status {
			t.Fatalf("answered %v (%v), not %d", resp, err, status)
		}
		var p wire.Problem
		must(t, json.NewDecoder(resp.Body).Decode(&p))
		must(t, resp.Body.Close())
		if p.Code != code {
			t.Errorf("refused with %+v, not %s", p, code)
		}
		return resp.Header.Get("Retry-After"), resp.Close
	}
	if retry, last := refused(r.kiosk("other"), run1, http.StatusServiceUnavailable, fault.HubRefused); retry == "" || !last {
		t.Errorf("full: again after %q, the connection ends: %v", retry, last)
	}
	refused(r.kiosk("stranger"), run1, http.StatusForbidden, fault.HubRefused)
	must(t, first.conn.Close())
	eventually(t, "there is room", func() bool { return l.links.Count() == 0 })
	for _, run := range []string{"", "short", strings.Repeat("x", 65), "with space and ü"} {
		refused(k, run, http.StatusBadRequest, fault.BadMessage)
	}
	k.noWebSocket(t)
	if n := l.links.Count(); n != 0 {
		t.Errorf("%d links", n)
	}
}

// noWebSocket asks for a link without being one.
func (k *kiosk) noWebSocket(t *testing.T) {
	t.Helper()
	status, b := k.send(http.MethodGet, wire.PathLink, nil)
	if p := problemOf(t, b); status != http.StatusBadRequest || p.Code != fault.BadMessage {
		t.Errorf("%d %s", status, b)
	}
}

// A kiosk has nothing to say over a link, and says it at a bounded rate.
func TestTalkativeLinksEnd(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping = time.Minute })
	k := r.kiosk("demo")
	// Each may be cut off while it talks, so errors of writing say nothing.
	for name, talk := range map[string]func(*websocket.Conn){
		"a text":         func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, []byte("x")) },
		"a long message": func(c *websocket.Conn) { _ = c.WriteMessage(websocket.BinaryMessage, make([]byte, 100_000)) },
		"a flood of pongs": func(c *websocket.Conn) {
			for range 100 {
				_ = c.WriteControl(websocket.PongMessage, nil, time.Now().Add(soon))
			}
		},
	} {
		n := open(t, k, l, run1)
		talk(n.conn)
		select {
		case <-n.over:
		case <-time.After(soon):
			t.Errorf("%s: the link goes on", name)
		}
	}
	// Pings of its own are answered.
	n := open(t, k, l, run2)
	heard := make(chan struct{})
	n.conn.SetPongHandler(func(string) error { close(heard); return nil })
	must(t, n.conn.WriteControl(websocket.PingMessage, []byte("?"), time.Now().Add(soon)))
	select {
	case <-heard:
	case <-time.After(soon):
		t.Error("a ping is not answered")
	}
}

// A machine without power leaves its connection open; who answers stays.
func TestSilentLinksEnd(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping = 400 * time.Millisecond })
	alive, dead := open(t, r.kiosk("demo"), l, run1), open(t, r.kiosk("other"), l, run1, true)
	rows(t, r.store, "other")
	<-dead.over
	eventually(t, "the other was pinged longer than that", func() bool { return alive.pinged() > 4 })
	if !alive.open() {
		t.Errorf("who answers is cut off: %v", alive.why)
	}
}

func TestRevocationEndsLinks(t *testing.T) {
	for name, sweep := range map[string]time.Duration{"by hint": time.Hour, "by sweep": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			store := hub.Store(r.store)
			if name == "by sweep" {
				store = deaf{store}
			}
			l := r.takeLinks(store, func(l *hub.Links) { l.Sweep = sweep })
			k := r.kiosk("demo")
			k.base = func() string { return l.srv.URL }
			n, other := open(t, k, l, run1), open(t, r.kiosk("other"), l, run1)
			rows(t, r.store, "demo", run1)
			must(t, r.store.Revoke(t.Context(), "demo", "stolen", r.now()))
			n.hears(wire.LinkRevoked)
			n.ends(websocket.ClosePolicyViolation)
			k.refused(wire.PathReport, wire.Report{}, http.StatusForbidden, fault.KioskRevoked)
			_, resp, err := dial(k, l, run1)
			if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
				t.Fatalf("a new link is answered %v (%v)", resp, err)
			}
			_ = resp.Body.Close()
			must(t, r.store.Restore(t.Context(), "demo", r.now()))
			open(t, k, l, run1)
			if !other.open() {
				t.Errorf("another kiosk's link has ended: %v", other.why)
			}
		})
	}
}

// deaf is a store whose hints are lost.
type deaf struct{ hub.Store }

func (deaf) Listen(ctx context.Context, _ func(string)) { <-ctx.Done() }

// A disk that was copied is noticed when both machines are there.
func TestClonedKioskIsNoticed(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping = time.Minute })
	k := r.kiosk("demo")
	older := open(t, k, l, run1)
	rows(t, r.store, "demo", run1)
	newer := open(t, k, l, run2)
	eventually(t, "an alarm", func() bool { return len(cloned(t, r.store)) == 1 })
	a := cloned(t, r.store)[0]
	for _, part := range []string{older.conn.LocalAddr().String(), newer.conn.LocalAddr().String(), run1[:8], run2[:8]} {
		if !strings.Contains(a.Text, part) {
			t.Errorf("the alarm says %q, without %s", a.Text, part)
		}
	}
	if a.Kiosk != "demo" || a.Times != 1 || !older.open() || !newer.open() {
		t.Errorf("alarm %+v", a)
	}
	rows(t, r.store, "demo", run1, run2) // both are shown
}

// A kiosk that was killed and started again is one machine, whatever the hub still
// believes of its old connection.
func TestRestartedKioskIsNotCloned(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Ping, l.Sweep = 500*time.Millisecond, 50*time.Millisecond })
	k := r.kiosk("demo")
	for _, kill := range []func(*line){
		func(n *line) { must(t, n.conn.NetConn().Close()) }, // killed: the kernel closes
		func(*line) {}, // no power: nothing closes
	} {
		old := open(t, k, l, run1, true) // it answers nothing any more
		rows(t, r.store, "demo", run1)
		kill(old)
		now := open(t, k, l, run2)
		rows(t, r.store, "demo", run2)
		eventually(t, "several pings", func() bool { return now.pinged() > 3 })
		must(t, now.conn.Close())
		rows(t, r.store, "demo")
	}
	if list := cloned(t, r.store); len(list) != 0 {
		t.Errorf("alarms %+v", list)
	}
}

func TestLinksOfOneKioskAreBounded(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store)
	k := r.kiosk("demo")
	var all []*line
	for i := range 6 {
		run := "run-number-" + string(rune('a'+i))
		all = append(all, open(t, k, l, run))
		eventually(t, run+" is known", func() bool { // its order is that of the dialling
			list, err := r.store.Links(t.Context(), hub.LinkFilter{Kiosk: k.id})
			must(t, err)
			return slices.ContainsFunc(list, func(l hub.Link) bool { return l.Run == run })
		})
	}
	for _, n := range all[:2] {
		n.ends(websocket.CloseNormalClosure)
	}
	eventually(t, "four links are left", func() bool { return l.links.Count() == 4 })
}

func TestDrain(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store)
	const many = 20
	var all []*line
	for range many {
		k := r.newcomer(t)
		certified, _ := k.enrolled(r.invite("x"))
		all = append(all, open(t, certified, l, run1))
	}
	l.end()
	after := map[int]bool{}
	for _, n := range all {
		m := n.hears(wire.LinkDrain)
		if m.AfterMS < 0 || m.AfterMS > 2000 {
			t.Errorf("come again after %d ms", m.AfterMS)
		}
		after[m.AfterMS] = true
		n.ends(websocket.CloseGoingAway)
	}
	if len(after) < many/2 {
		t.Errorf("all come at once: %v", after)
	}
	<-l.ended
	if list, err := r.store.Links(t.Context(), hub.LinkFilter{}); err != nil || len(list) != 0 {
		t.Errorf("left are %+v (%v)", list, err)
	}
	_, resp, err := dial(r.kiosk("demo"), l, run1)
	if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("a link while it drains: %v (%v)", resp, err)
	}
	_ = resp.Body.Close()
}

// The rows are put right after a store that forgot them, and after one that was away.
func TestRowsArePutRight(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store, func(l *hub.Links) { l.Sweep = 20 * time.Millisecond })
	open(t, r.kiosk("demo"), l, run1)
	rows(t, r.store, "demo", run1)
	must(t, r.store.EndHub(t.Context(), l.links.Hub()))
	rows(t, r.store, "demo", run1)
	stale := hub.Link{ID: "stale", Kiosk: "other", Run: run2, Hub: l.links.Hub(), Since: r.now()}
	_, err := r.store.MoveLinks(t.Context(), l.links.Hub(), []hub.Link{stale}, nil)
	must(t, err)
	rows(t, r.store, "other")
}

func TestLinkEndsWithItsCertificate(t *testing.T) {
	r := newRig(t)
	l := r.takeLinks(r.store)
	n := open(t, r.kiosk("demo"), l, run1)
	r.ahead.Store(int64(hub.ClientLife + time.Hour))
	n.ends(websocket.ClosePolicyViolation)
}
