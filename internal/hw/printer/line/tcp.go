package line

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultPort is where network printers take raw data.
const DefaultPort = "9100"

const (
	// dead is how long a printer that has vanished may go unnoticed.
	dead = 15 * time.Second
	// sendBuffer keeps what the kernel takes small: what waits in it would still be
	// printed after the job was given up, and a full one is how a write learns that
	// the printer takes nothing. The kernel doubles it.
	sendBuffer = 8 << 10
)

// TCP is an open connection to a network printer.
type TCP struct {
	line   string
	conn   *net.TCPConn
	broken atomic.Bool // a write failed: the rest must not be printed
	close  sync.Once
	closed error
}

// DialTCP connects to address, "host:port". It waits no longer than ctx lets it.
//
// A printer without power is noticed within about 15 s, idle or not. So is one
// that is alive but has taken no byte for so long while some were waiting: the
// kernel does not distinguish. The driver gives up earlier than that.
func DialTCP(ctx context.Context, address string) (*TCP, error) {
	line := "tcp:" + address
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 6 * time.Second, Interval: 3 * time.Second, Count: 3,
	}}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, opening(byTCP, line, err)
	}
	conn, ok := c.(*net.TCPConn)
	if !ok {
		c.Close()
		return nil, unsuitable(line, "it is no TCP connection")
	}
	if err := tune(conn); err != nil {
		_ = conn.Close() // nothing was sent
		return nil, opening(byTCP, line, err)
	}
	return &TCP{line: line, conn: conn}, nil
}

// tune sets what the dialer cannot.
func tune(conn *net.TCPConn) error {
	if err := conn.SetNoDelay(true); err != nil { // real-time commands are a few bytes
		return err
	}
	if err := conn.SetWriteBuffer(sendBuffer); err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		// Keep-alive is silent while data wait for an answer; this covers that time.
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(dead.Milliseconds()))
	})
}

// String gives the address: "tcp:192.0.2.7:9100".
func (t *TCP) String() string { return t.line }

// Read waits for what the printer says.
func (t *TCP) Read(p []byte) (int, error) {
	n, err := t.conn.Read(p)
	if err != nil {
		return n, failing(byTCP, "read from", t.line, err)
	}
	return n, nil
}

// Write sends p.
func (t *TCP) Write(p []byte) (int, error) {
	n, err := t.conn.Write(p)
	if err != nil {
		t.broken.Store(true)
		return n, failing(byTCP, "write to", t.line, err)
	}
	return n, nil
}

// SetWriteDeadline bounds writes, also one that waits already.
func (t *TCP) SetWriteDeadline(at time.Time) error {
	if err := t.conn.SetWriteDeadline(at); err != nil {
		return failing(byTCP, "use", t.line, err)
	}
	return nil
}

// Close ends the connection. After a write that failed it breaks it off, so that
// nothing of an abandoned job is printed later and the printer, which takes one
// connection only, is free for the next.
func (t *TCP) Close() error {
	t.close.Do(func() {
		if t.broken.Load() {
			_ = t.conn.SetLinger(0) // if it fails, an ordinary close is all there is
		}
		if err := t.conn.Close(); err != nil {
			t.closed = failing(byTCP, "close", t.line, err)
		}
	})
	return t.closed
}
