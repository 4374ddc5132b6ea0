package hub_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/gorilla/websocket"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// buffers are what links read into and write from.
type buffers struct {
	net.Listener

	mu   sync.Mutex
	in   int            // the largest
	out  int            // the largest
	kept map[*byte]bool // where those for writing lie, which stay there as long as this knows
}

func (b *buffers) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	return &bufferedConn{Conn: c, all: b}, err
}

// bufferedConn tells of its buffers once it is a link.
type bufferedConn struct {
	net.Conn
	all  *buffers
	link bool // over it is the mutex of all
}

func (c *bufferedConn) Read(p []byte) (int, error) {
	c.all.mu.Lock()
	if c.link {
		c.all.in = max(c.all.in, len(p))
	}
	c.all.mu.Unlock()
	return c.Conn.Read(p)
}

func (c *bufferedConn) Write(p []byte) (int, error) {
	const text = 0x81 // a message's first byte; pings have a small buffer of their own
	c.all.mu.Lock()
	if c.link && p[0] == text {
		c.all.out = max(c.all.out, cap(p))
		c.all.kept[unsafe.SliceData(p)] = true
	}
	c.link = c.link || bytes.HasPrefix(p, []byte("HTTP/1.1 101 "))
	c.all.mu.Unlock()
	return c.Conn.Write(p)
}

// A hub has many thousands of links that say nothing for most of the time. Each has a
// small buffer to read into, and none to write from: that is shared.
func TestAnIdleLinkHasLittleMemory(t *testing.T) {
	const many, small = 16, 300 // bytes
	r := newRig(t)
	certificates := map[string]*x509.Certificate{} // by run
	for i := range many {
		id := fmt.Sprintf("kiosk-%03d", i)
		must(t, r.store.EnsureKiosk(t.Context(), id, r.now()))
		certificates[id] = r.kiosk(id).pair.Leaf
	}
	api := r.api(r.ingest, r.box)
	api.Links = &hub.Links{Store: r.store, Now: r.now, Log: r.ingest.Log}
	ctx, drain := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- api.Links.Run(ctx) }()

	handler := api.Handler()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		// TLS would hide the buffers.
		req.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{certificates[req.Header.Get(wire.HeaderRun)]}}}
		handler.ServeHTTP(w, req)
	}))
	b := &buffers{Listener: srv.Listener, kept: map[*byte]bool{}}
	srv.Listener = b
	srv.Start()
	defer srv.Close()
	for run := range certificates {
		eventually(t, "the hub takes links", func() bool {
			conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(srv.URL, "http", "ws", 1)+wire.PathLink,
				http.Header{wire.HeaderRun: {run}})
			if resp != nil {
				must(t, resp.Body.Close())
			}
			if err != nil {
				return false
			}
			t.Cleanup(func() { _ = conn.Close() })
			return true
		})
	}
	drain() // tells each of them to leave
	must(t, <-over)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.in == 0 || b.out == 0 {
		t.Fatalf("%d bytes to read into, %d to write from", b.in, b.out)
	}
	if b.in > small || b.out > small {
		t.Errorf("links read into %d bytes and write from %d", b.in, b.out)
	}
	if n := len(b.kept); n >= many { // not one: a pool loses some, to other processors and to the race detector
		t.Errorf("%d links have %d buffers to write from", many, n)
	}
}
