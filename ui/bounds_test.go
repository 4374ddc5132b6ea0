package ui

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The dock plays cards and moves the clock: where a token is asked for, it is asked for
// there as well, and what the dock is sent is bounded before it reads it.
func TestTheDockIsGuardedAndBounded(t *testing.T) {
	type played struct {
		read int
		err  error
	}
	seen := make(chan played, 1)
	dock := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		seen <- played{len(b), err}
		w.WriteHeader(http.StatusNoContent)
	})
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	for name, c := range map[string]struct {
		token, path string
		body        int
		status      int
		cut         bool
	}{
		"no token is asked for":      {"", "/dock/api/card", 10, http.StatusNoContent, false},
		"without the token":          {testToken, "/dock/api/card", 10, http.StatusForbidden, false},
		"with that of another day":   {testToken, "/screen/" + testToken[1:] + "/dock/api/card", 10, http.StatusForbidden, false},
		"with the token":             {testToken, ScreenPath(testToken) + "dock/api/card", 10, http.StatusNoContent, false},
		"as much as there may be":    {"", "/dock/api/card", maxBody, http.StatusNoContent, false},
		"more than there may be":     {"", "/dock/api/card", maxBody + 1, http.StatusNoContent, true},
		"and with the token as well": {testToken, ScreenPath(testToken) + "dock/api/card", maxBody + 1, http.StatusNoContent, true},
	} {
		s := New(Options{Token: c.token, Dock: dock, Log: slog.New(slog.DiscardHandler)})
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr.String()+c.path, strings.NewReader(strings.Repeat("x", c.body)))
		s.Handler(addr).ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: status %d", name, w.Code)
		}
		select {
		case got := <-seen:
			tooLong, isTooLong := errors.AsType[*http.MaxBytesError](got.err)
			if c.status == http.StatusForbidden || isTooLong != c.cut || isTooLong && tooLong.Limit != maxBody || !c.cut && got.read != c.body {
				t.Errorf("%s: the dock reads %d bytes, %v", name, got.read, got.err)
			}
		default:
			if c.status != http.StatusForbidden {
				t.Errorf("%s: the dock is not asked", name)
			}
		}
	}
}

// Beyond so many connections each further one is closed at once, and one that ends makes
// room. Those that became windows count among these instead.
func TestConnectionsAreCounted(t *testing.T) {
	const most = 3
	c := &crowd{most: most}
	var open []net.Conn
	come := func() (closed bool) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
		c.note(ours, http.StateNew)
		if !isClosed(ours) {
			open = append(open, ours)
			return false
		}
		c.note(ours, http.StateClosed) // as a server does
		return true
	}
	for range most {
		if come() {
			t.Fatal("one that may come is closed")
		}
	}
	for _, state := range []http.ConnState{http.StateActive, http.StateIdle} {
		c.note(open[0], state)
		for range 2 {
			if !come() {
				t.Fatalf("more may come than %d, after %v", most, state)
			}
		}
	}
	for i, state := range []http.ConnState{http.StateClosed, http.StateHijacked} {
		c.note(open[i], state)
		if come() {
			t.Errorf("there is no room after %v", state)
		}
		if !come() {
			t.Errorf("there is too much room after %v", state)
		}
	}
}

// isClosed reports whether an end of a pipe was closed, without waiting for the other one.
func isClosed(conn net.Conn) bool { return errors.Is(conn.SetDeadline(time.Time{}), io.ErrClosedPipe) }

// A header without end is not collected.
func TestALongHeaderIsRefused(t *testing.T) {
	s := newSite(t, nil)
	for length, status := range map[int]string{4 << 10: "200", 64 << 10: "431"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		// It is refused before all of it was read, so not all of it may go out.
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: "+s.addr+"\r\nConnection: close\r\nX-Long: "+strings.Repeat("x", length)+"\r\n\r\n")
		said := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(conn, said); err != nil || !strings.HasSuffix(string(said), status) {
			t.Errorf("%d bytes: %q (%v)", length, said, err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
