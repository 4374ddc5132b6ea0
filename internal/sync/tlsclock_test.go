package sync

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// pusher answers every call as a hub does, and pushes at once that the kiosk is revoked.
type pusher struct {
	*httptest.Server
	reached atomic.Int32 // what was handed to it
}

// push starts one that shows c.
func push(t *testing.T, c *tls.Config) *pusher {
	t.Helper()
	p := &pusher{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p.reached.Add(1)
		if req.URL.Path != wire.PathLink {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		conn, err := (&websocket.Upgrader{}).Upgrade(w, req, nil)
		if err != nil {
			return
		}
		_ = conn.WriteJSON(wire.LinkMessage{Kind: wire.LinkRevoked})
		_ = conn.Close()
	}))
	p.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if c == nil {
		p.Start()
	} else {
		p.TLS = c
		p.StartTLS()
	}
	t.Cleanup(p.Close)
	return p
}

// showing is the TLS of a hub whose certificate was issued then, 90 days before its end.
func (w *modelWorld) showing(issued time.Time, host string) *tls.Config {
	w.t.Helper()
	cert, err := w.pki.Server(issued, host)
	if err != nil {
		w.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// clientOf makes a client of who listens there, and a wall clock for it.
func (w *modelWorld) clientOf(s *pusher, opts ClientOptions) (*Client, *wallClock) {
	w.t.Helper()
	e := *w.enrol
	e.HubURL = "https://" + s.Listener.Addr().String()
	c, err := NewClient(&e, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	clock := &wallClock{}
	c.now = clock.now
	return c, clock
}

// linked is what came of a link.
type linked struct {
	opened bool
	heard  []wire.LinkMessage
	err    error
}

func hold(t *testing.T, c *Client) (h linked) {
	t.Helper()
	h.err = c.Link(t.Context(), "run-00000001", func() { h.opened = true }, func(m wire.LinkMessage) { h.heard = append(h.heard, m) })
	return h
}

// reaches holds that calls and the link come through, over new connections.
func reaches(t *testing.T, c *Client, when string) {
	t.Helper()
	c.Close()
	if err := c.Report(t.Context(), wire.Report{}); err != nil {
		t.Errorf("%s: %v", when, err)
	}
	if h := hold(t, c); !h.opened || len(h.heard) != 1 || h.heard[0].Kind != wire.LinkRevoked {
		t.Errorf("%s: the link opened %t, heard %v, %v", when, h.opened, h.heard, h.err)
	}
}

// refuses holds that nothing comes through, for that reason.
func refuses(t *testing.T, c *Client, p *pusher, code fault.Code, when string) {
	t.Helper()
	c.Close()
	before := p.reached.Load()
	_, asked := c.Lookup(t.Context(), wire.Lookup{})
	h := hold(t, c)
	for what, err := range map[string]error{"report": c.Report(t.Context(), wire.Report{}), "look-up": asked, "link": h.err} {
		if fault.CodeOf(err) != code {
			t.Errorf("%s: the %s fails by %q (%v), not %q", when, what, fault.CodeOf(err), err, code)
		}
		told, ok := errors.AsType[*fault.Error](err)
		if code == fault.ClockWrong && (!ok || !strings.Contains(told.Hint, "clock") || !strings.Contains(told.Hint, "certificate")) {
			t.Errorf("%s: the %s does not say where to look: %v", when, what, err)
		}
	}
	if h.opened || len(h.heard) > 0 {
		t.Errorf("%s: the link opened %t, heard %v", when, h.opened, h.heard)
	}
	if n := p.reached.Load() - before; n > 0 {
		t.Errorf("%s: %d requests were handed over", when, n)
	}
}

// Once the hub has said what time it is, setting the clock cuts off nothing.
func TestSettingTheClockDoesNotCutTheKioskOff(t *testing.T) {
	w := newModelWorld(t)
	for _, off := range []time.Duration{year, -year, -60 * year} {
		hub := push(t, w.showing(time.Now().Add(12*time.Hour), "127.0.0.1")) // not good yet when the kiosk's begins
		c, clock := w.clientOf(hub, ClientOptions{})
		if err := c.Report(t.Context(), wire.Report{}); err != nil {
			t.Fatal(err)
		}
		clock.set(off)
		reaches(t, c, off.String())
		clock.set(0)
		reaches(t, c, off.String()+" and back")
	}
}

// Before, the machine's clock counts, and a wrong one is called that.
func TestAClockThatIsWrongFromTheStart(t *testing.T) {
	w := newModelWorld(t)
	for _, off := range []time.Duration{year, -year} {
		hub := push(t, w.showing(time.Now().Add(12*time.Hour), "127.0.0.1"))
		c, clock := w.clientOf(hub, ClientOptions{})
		clock.set(off)
		refuses(t, c, hub, fault.ClockWrong, off.String())
		if _, known := c.HubTime(); known {
			t.Errorf("%v: a hub that was refused has told the time", off)
		}
		clock.set(0)
		reaches(t, c, off.String()+" and set right")
	}
}

// The kiosk's own certificate shows that a clock without a battery is behind.
func TestAClockOfLongAgo(t *testing.T) {
	w := newModelWorld(t)
	for _, off := range []time.Duration{-2 * 24 * time.Hour, -year, time.Until(time.Unix(0, 0))} {
		c, clock := w.clientOf(push(t, w.showing(time.Now().Add(-time.Hour), "127.0.0.1")), ClientOptions{}) // before the kiosk's
		clock.set(off)
		reaches(t, c, off.String())
	}
}

// By the hub's time a certificate has expired, whatever the machine's clock is set to.
func TestAnExpiredCertificateStaysRefused(t *testing.T) {
	w := newModelWorld(t)
	old := push(t, w.showing(time.Now().Add(-90*24*time.Hour-12*time.Hour), "127.0.0.1"))
	c, clock := w.clientOf(old, ClientOptions{})
	clock.set(-13 * time.Hour)
	if err := c.Report(t.Context(), wire.Report{}); err != nil {
		t.Fatalf("it is not of the kind that a clock can make good: %v", err)
	}
	hub := push(t, w.showing(time.Now(), "127.0.0.1"))
	knows, clock := w.clientOf(hub, ClientOptions{})
	if err := knows.Report(t.Context(), wire.Report{}); err != nil {
		t.Fatal(err)
	}
	c, _ = w.clientOf(old, ClientOptions{})
	c.Follow(knows)
	c.now = clock.now
	clock.set(-13 * time.Hour)
	refuses(t, c, old, fault.ClockWrong, "expired")
}

// Whoever shows a certificate that is not the hub's gets nothing said, and nothing
// that they push is heard.
func TestSomebodyElseHoldsTheLink(t *testing.T) {
	w, foreign := newModelWorld(t), newModelWorld(t)
	client, err := tls.X509KeyPair([]byte(w.enrol.ClientCert), []byte(w.enrol.ClientKey))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	expired := now.Add(-90*24*time.Hour - 12*time.Hour)
	old := w.showing(now, "127.0.0.1")
	old.MaxVersion = tls.VersionTLS12
	for name, who := range map[string]struct {
		tls  *tls.Config
		code fault.Code
	}{
		"no TLS":                        {nil, fault.HubRubbish},
		"TLS 1.2":                       {old, fault.HubRubbish},
		"a foreign CA":                  {foreign.showing(now, "127.0.0.1"), fault.HubRubbish},
		"a foreign CA, expired":         {foreign.showing(expired, "127.0.0.1"), fault.HubRubbish},
		"expired":                       {w.showing(expired, "127.0.0.1"), fault.ClockWrong},
		"expired before the CA began":   {w.showing(now.AddDate(-10, 0, 0), "127.0.0.1"), fault.HubRubbish},
		"of next year":                  {w.showing(now.AddDate(1, 0, 0), "127.0.0.1"), fault.ClockWrong},
		"another host":                  {w.showing(now, "192.0.2.1"), fault.HubRubbish},
		"another host, expired":         {w.showing(expired, "192.0.2.1"), fault.HubRubbish},
		"a kiosk's own":                 {&tls.Config{Certificates: []tls.Certificate{client}}, fault.HubRubbish},
		"the hub's, as a test of these": {w.showing(now, "127.0.0.1"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := push(t, who.tls)
			var accepted atomic.Int32
			c, _ := w.clientOf(p, ClientOptions{Accepted: func(bool, time.Time) { accepted.Add(1) }})
			if who.code == "" {
				reaches(t, c, name)
				return
			}
			refuses(t, c, p, who.code, name)
			if accepted.Load() > 0 {
				t.Error("it has told whether the kiosk is accepted")
			}
		})
	}
}

// A clock that is wrong costs no submission: the line is down until it is right.
func TestAWrongClockKeepsWhatWaits(t *testing.T) {
	r := newLineRig(t)
	clock := &wallClock{}
	r.client.now = clock.now
	s := r.commit()
	clock.set(year)
	for range 2 * downAfter {
		r.round()
	}
	list, err := r.outbox.List(t.Context())
	r.ok(err)
	if !r.waits(s) || r.stored(s) || len(list) != 1 || list[0].Quarantined || list[0].Reason != "" {
		t.Errorf("it waits %t, it is stored %t: %+v", r.waits(s), r.stored(s), list)
	}
	if r.courier.line.up || !r.courier.line.known {
		t.Error("the line is not called down")
	}
	clock.set(0)
	r.heals(s, "a clock that is a year ahead")
}
