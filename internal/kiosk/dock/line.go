package dock

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Mode is what the line to the hub does.
type Mode string

// The modes.
const (
	Up      Mode = "up"
	Down    Mode = "down"    // nothing gets through, open connections break
	Slow    Mode = "slow"    // every answer takes Delay
	Rubbish Mode = "rubbish" // somebody else answers, as the log-in page of a shop's Wi-Fi does
)

// Delay is how long the slow line holds back each answer: longer than a shopper's
// patience, so that the honest message and the way out are seen.
const Delay = 12 * time.Second

// rubbish is what a box in the middle says to whatever it is sent.
const rubbish = "<!doctype html><title>Free Wi-Fi</title><p>Please log in.</p>\r\n"

var errDown = errors.New("the dock has cut the line")

// Line is a dialer that can be broken. It is used by any number of goroutines.
type Line struct {
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	delay time.Duration // of each answer on the slow line

	mu    sync.Mutex
	mode  Mode
	conns map[*lineConn]struct{}
}

// NewLine makes a line that is up, over dial.
func NewLine(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *Line {
	return &Line{dial: dial, delay: Delay, mode: Up, conns: map[*lineConn]struct{}{}}
}

// Mode is what the line does now.
func (l *Line) Mode() Mode {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode
}

// Set changes what the line does. Connections of before break, as they would
// when a cable is pulled or a router changed.
func (l *Line) Set(m Mode) bool {
	switch m {
	case Up, Down, Slow, Rubbish:
	default:
		return false
	}
	l.mu.Lock()
	if l.mode == m {
		l.mu.Unlock()
		return true
	}
	l.mode = m
	old := l.conns
	l.conns = map[*lineConn]struct{}{}
	l.mu.Unlock()
	for c := range old {
		c.cut()
	}
	return true
}

// DialContext connects by what the line does now.
func (l *Line) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	mode := l.Mode()
	if mode == Down {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errDown}
	}
	conn, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &lineConn{Conn: conn, line: l, mode: mode, broken: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mode != mode {
		return nil, errors.Join(&net.OpError{Op: "dial", Net: network, Err: errDown}, conn.Close())
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// lineConn is one connection over the line.
type lineConn struct {
	net.Conn
	line   *Line
	mode   Mode
	once   sync.Once
	broken chan struct{} // closed when the connection is

	mu       sync.Mutex
	deadline time.Time
	answered bool // rubbish has been said
	flights  int  // what was written since the greeting: 1 = the end of the TLS handshake
	asked    bool // something was written since the last answer
}

func (c *lineConn) cut() { _ = c.Close() }

// Close implements net.Conn.
func (c *lineConn) Close() error {
	c.once.Do(func() { close(c.broken) })
	c.line.mu.Lock()
	delete(c.line.conns, c)
	c.line.mu.Unlock()
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *lineConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *lineConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.deadline = t
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(t)
}

// Read implements net.Conn: it holds back or replaces what the hub says.
func (c *lineConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		return n, err
	}
	switch c.mode {
	case Slow:
		if c.pending() {
			return c.hold(n)
		}
	case Rubbish:
		return c.replace(b)
	case Up, Down:
	}
	return n, nil
}

// Write implements net.Conn. It takes notice of where the TLS handshake ends,
// because a slow hub is slow to answer, not slow to be reached.
func (c *lineConn) Write(b []byte) (int, error) {
	const changeCipher, protected = 20, 23 // types of TLS records
	c.mu.Lock()
	if len(b) > 6 && b[0] == changeCipher || len(b) > 0 && b[0] == protected {
		c.flights++
	}
	c.asked = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// pending reports, once for each request, that its answer is to be held back.
func (c *lineConn) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights < 2 || !c.asked {
		return false
	}
	c.asked = false
	return true
}

// hold delays what was read; the deadline of the reader still counts.
func (c *lineConn) hold(n int) (int, error) {
	c.mu.Lock()
	deadline := c.deadline
	c.mu.Unlock()
	wait, late := c.line.delay, false
	if !deadline.IsZero() {
		if left := time.Until(deadline); left < wait {
			wait, late = max(0, left), true
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.broken:
		return 0, net.ErrClosed
	}
	if late {
		return 0, os.ErrDeadlineExceeded
	}
	return n, nil
}

// replace answers once with rubbish, and then the connection is over.
func (c *lineConn) replace(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered {
		return 0, net.ErrClosed
	}
	c.answered = true
	return copy(b, rubbish), nil
}
