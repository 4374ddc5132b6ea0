package ui

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"kioskd/internal/flow"
)

// written is what was handed to one write: how it begins, its length, and how much more
// room there is in the buffer behind it.
type written struct {
	begin      string
	len, spare int
}

// overheard is a listener whose connections tell of what is written to them. As they are
// no sockets of the operating system's, parts of a message that lie in two places are
// written one after the other.
type overheard struct {
	net.Listener
	writes chan written
}

func (o overheard) Accept() (net.Conn, error) {
	c, err := o.Listener.Accept()
	return overheardConn{c, o.writes}, err
}

type overheardConn struct {
	net.Conn
	writes chan<- written
}

func (c overheardConn) Write(p []byte) (int, error) {
	c.writes <- written{string(p[:min(len(p), 16)]), len(p), cap(p) - len(p)}
	return c.Conn.Write(p)
}

// A window keeps the buffer that its messages begin in for as long as it is open. Each
// snapshot fills all of it, so that nothing of the one before is left there when the visit
// is over; the rest of a snapshot goes out from where it lies.
func TestAWindowKeepsNothingOfEarlierSnapshots(t *testing.T) {
	s := newSite(t, nil)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(s.server.socket))
	heard := overheard{srv.Listener, make(chan written, 1000)}
	srv.Listener = heard
	srv.Start()
	defer srv.Close()
	ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(srv.URL, "http", "ws", 1), http.Header{"Origin": {srv.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }() // or the server would wait for it
	b := &browser{t: t, ws: ws}
	b.touch(b.snapshot().Seq, "start", `{"plan":"manage"}`)
	b.at(flow.StepManagePhone)

	snapshots := 0
	for len(heard.writes) > 0 {
		w := <-heard.writes
		if !strings.Contains(w.begin, `{"v":`) { // the answer to the upgrade, or the rest of one
			continue
		}
		snapshots++
		if w.spare > 0 {
			t.Errorf("a snapshot leaves %d of %d bytes as they were", w.spare, w.len+w.spare)
		}
	}
	if snapshots < 2 {
		t.Errorf("%d snapshots were overheard", snapshots)
	}
}
