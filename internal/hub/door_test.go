package hub_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// housed is a hub behind a door.
type housed struct {
	*rig
	door *hub.Door
	srv  *httptest.Server
	log  *bytes.Buffer // read it when the server has ended
}

func (r *rig) behind(door *hub.Door, change ...func(*hub.API)) *housed {
	r.t.Helper()
	h := &housed{rig: r, door: door, log: &bytes.Buffer{}}
	door.Log = slog.New(slog.NewTextHandler(h.log, nil))
	api := r.api(r.ingest, r.box)
	api.Door = door
	for _, c := range change {
		c(api)
	}
	h.srv = r.listen(api)
	r.t.Cleanup(h.end)
	return h
}

// end ends the server; nothing of its connections is left.
func (h *housed) end() {
	h.srv.CloseClientConnections()
	h.srv.Close()
	eventually(h.t.(*testing.T), "no connection is left", func() bool {
		strangers, kiosks := h.door.Open()
		return strangers+kiosks == 0
	})
}

func (h *housed) kiosk(id string) *kiosk {
	h.t.Helper()
	k := h.rig.kiosk(id)
	k.base = func() string { return h.srv.URL }
	return k
}

// conn connects from an address of this machine.
func (h *housed) conn(from string) net.Conn {
	h.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(h.t.Context(), "tcp", h.srv.Listener.Addr().String())
	must(h.t, err)
	h.t.Cleanup(func() { c.Close() })
	return c
}

// silent connects and says nothing; on a line that asks to enrol, after the handshake.
func (h *housed) silent(from string, enrolling bool) net.Conn {
	h.t.Helper()
	c := h.conn(from)
	if enrolling {
		t := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{wire.ALPNEnrol}})
		if err := t.HandshakeContext(h.t.Context()); err != nil {
			h.t.Log(err) // it was pushed out meanwhile
		}
	}
	return c
}

// over waits until the hub has ended a connection.
func over(t *testing.T, c net.Conn) {
	t.Helper()
	must(t, c.SetReadDeadline(time.Now().Add(soon)))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection of %s is still open", c.LocalAddr())
	}
}

// said is the hub's answer.
type said struct {
	status int
	last   bool   // of its connection
	wait   string // Retry-After
}

// speaks sends a request over a connection of one's own.
func (k *kiosk) speaks(c net.Conn) (*tls.Conn, said) {
	k.t.Helper()
	t := tls.Client(c, &tls.Config{RootCAs: k.keys.Pool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{k.pair}})
	return t, k.asks(t)
}

func (k *kiosk) asks(t *tls.Conn) said {
	k.t.Helper()
	must(k.t, t.SetDeadline(time.Now().Add(soon)))
	_, err := io.WriteString(t, "GET "+wire.PathDesired+" HTTP/1.1\r\nHost: hub\r\n\r\n")
	must(k.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(t), nil)
	must(k.t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	must(k.t, errors.Join(err, resp.Body.Close()))
	return said{resp.StatusCode, resp.Close, resp.Header.Get("Retry-After")}
}

// served fails unless that was an answer after which the connection is kept.
func (s said) served(t *testing.T) {
	t.Helper()
	if s.status != http.StatusOK || s.last {
		t.Fatalf("answered %+v", s)
	}
}

// putOff fails unless the kiosk was told to wait, without its connection.
func (s said) putOff(t *testing.T) {
	t.Helper()
	if s.status != http.StatusTooManyRequests || !s.last || s.wait == "" {
		t.Fatalf("answered %+v", s)
	}
}

// Whoever connects and says nothing, again and again, keeps no kiosk out that comes
// from the same address, as all do behind a balancer, nor one that enrols.
func TestSilentStrangersKeepNobodyOut(t *testing.T) {
	h := newRig(t).behind(&hub.Door{Strangers: 20})
	var silent []net.Conn
	for i := range 60 {
		silent = append(silent, h.silent("127.0.0.1", i%2 == 0))
	}
	for range 3 {
		k := h.kiosk("demo")
		if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
			t.Fatalf("status %d: %s", status, b)
		}
		k.http.CloseIdleConnections()
		silent = append(silent, h.silent("127.0.0.1", true))
	}
	n := h.newcomer(t)
	status, b, err := ask(t, enrolTLS(h.invite("Store 1")), http.MethodPost, h.srv.URL+wire.PathEnrol,
		mustJSON(t, wire.EnrolRequest{Token: []byte("0123456789"), CSR: csrOf(t, n.key)}))
	if err != nil || status != http.StatusForbidden {
		t.Errorf("an enrolment: %d %s (%v)", status, b, err)
	}
	for _, c := range silent[:40] {
		over(t, c)
	}
	if strangers, _ := h.door.Open(); strangers > 20 {
		t.Errorf("%d strangers", strangers)
	}
	h.end()
	if text := h.log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "too many without a certificate") {
		t.Errorf("the log is\n%s", text)
	}
}

// A kiosk on a line so slow that a whole crowd comes before its handshake is pushed
// out by none of them, as long as they come from elsewhere.
func TestACrowdPushesItselfOut(t *testing.T) {
	h := newRig(t).behind(&hub.Door{Strangers: 40})
	slow := h.conn("127.0.1.1")
	var crowd []net.Conn
	for range 100 {
		crowd = append(crowd, h.conn("127.0.2.1"))
	}
	for _, c := range crowd[:60] {
		over(t, c)
	}
	_, answer := h.kiosk("demo").speaks(slow)
	answer.served(t)
}

// Where nobody makes a crowd, the oldest goes, and not who has a second connection.
func TestTheOldestOfMany(t *testing.T) {
	h := newRig(t).behind(&hub.Door{Strangers: 20})
	var many []net.Conn
	for i := range 20 {
		many = append(many, h.conn(fmt.Sprintf("127.0.%d.1", 100+i)))
	}
	store := []net.Conn{h.conn("127.0.1.1"), h.conn("127.0.1.2"), h.conn("127.0.1.3")}
	for _, c := range many[:3] {
		over(t, c)
	}
	for _, c := range store {
		_, answer := h.kiosk("demo").speaks(c)
		answer.served(t)
	}
}

func TestStrangersHaveLittleTime(t *testing.T) {
	h := newRig(t).behind(&hub.Door{Patience: 300 * time.Millisecond})
	kept, answer := h.kiosk("demo").speaks(h.conn("127.0.0.1"))
	answer.served(t)
	for _, enrolling := range []bool{false, true} {
		over(t, h.silent("127.0.0.1", enrolling))
	}
	h.kiosk("demo").asks(kept).served(t)
}

// A kiosk that opens connection after connection loses its own, the one first that
// was idle longest, and no other kiosk loses any.
func TestOneKiosksConnections(t *testing.T) {
	const each = 3
	h := newRig(t).behind(&hub.Door{Each: each})
	rogue, honest := h.kiosk("demo"), h.kiosk("other")
	quiet, answer := honest.speaks(h.conn("127.0.0.1"))
	answer.served(t)
	var all []*tls.Conn
	for range 4 * each {
		c, answer := rogue.speaks(h.conn("127.0.0.1"))
		answer.served(t)
		all = append(all, c)
		eventually(t, "the hub waits for its next request", func() bool { return h.door.Idle("demo") == min(len(all), each) })
	}
	for _, c := range all[:3*each] {
		over(t, c.NetConn())
	}
	for _, c := range append(all[3*each:], quiet) {
		honest.asks(c).served(t)
	}
	if strangers, kiosks := h.door.Open(); strangers != 0 || kiosks != each+1 {
		t.Errorf("%d strangers, %d of kiosks", strangers, kiosks)
	}
}

// When all of a kiosk's connections are in use, it is told to wait, without one.
func TestOneKiosksConnectionsInUse(t *testing.T) {
	const each = 3
	r := newRig(t)
	slow := slowIssuer{Issuer: r.box, came: make(chan struct{}, 100), goOn: make(chan struct{})}
	h := r.behind(&hub.Door{Each: each}, func(a *hub.API) { a.Issuer = slow })
	rogue, honest := h.kiosk("demo"), h.kiosk("other")
	var wg sync.WaitGroup
	for i := range each {
		wg.Go(func() { rogue.send(http.MethodPost, wire.PathIssueStart, mustJSON(t, startOf(luhn(i), "09012345678"))) })
	}
	for range each {
		<-slow.came
	}
	c, answer := rogue.speaks(h.conn("127.0.0.1"))
	answer.putOff(t)
	over(t, c.NetConn())
	if status, b := honest.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, b)
	}
	close(slow.goOn)
	wg.Wait()
	if status, b := rogue.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, b)
	}
}

// A kiosk that is told to wait does it without a connection.
func TestTooManyRequestsEndTheConnection(t *testing.T) {
	h := newRig(t).behind(&hub.Door{}, func(a *hub.API) { a.Rate, a.Burst = 0.001, 1 })
	k := h.kiosk("demo")
	c, answer := k.speaks(h.conn("127.0.0.1"))
	answer.served(t)
	k.asks(c).putOff(t)
	over(t, c.NetConn())
	if p := k.refused(wire.PathReport, wire.Report{}, http.StatusTooManyRequests, fault.TooFast); p.RetryAfterSec < 1 {
		t.Error("no time to retry")
	}
}

// A link needs no place among a kiosk's connections, outlives what strangers may
// last, and is pushed out by none of them; and it takes no place from what else the
// kiosk has to say.
func TestLinksBehindADoor(t *testing.T) {
	r := newRig(t)
	all := &hub.Links{Store: r.store, Now: r.now, Log: slog.New(slog.DiscardHandler), Ping: 500 * time.Millisecond, Sweep: time.Hour, Batch: time.Millisecond}
	h := r.behind(&hub.Door{Each: 1, Strangers: 5, Patience: 500 * time.Millisecond}, func(a *hub.API) { a.Links = all })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- all.Run(ctx) }()
	k, l := h.kiosk("demo"), &linked{links: all, srv: h.srv}
	link := open(t, k, l, run1)
	if status, b := k.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("status %d: %s", status, b)
	}
	for range 20 {
		h.silent("127.0.0.1", false)
	}
	eventually(t, "pings for longer than strangers last", func() bool { return link.pinged() > 3 })
	k.put(k.reserve(persona(t, "taro")))
	if strangers, kiosks := h.door.Open(); !link.open() || strangers != 0 || kiosks != 1 {
		t.Errorf("open: %v, %d strangers, %d of kiosks (%v)", link.open(), strangers, kiosks, link.why)
	}
	all.Look()
	link.hears(wire.LinkLook)
	stop()
	must(t, <-ended)
	link.ends(websocket.CloseGoingAway)
}
