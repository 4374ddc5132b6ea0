package cardtest

import (
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// eager reads from a connection whose data it acknowledges at once. vpcd sends
// the length of a frame and the frame apart, and its kernel keeps the second back
// until the first is acknowledged, which ours would put off by 40 ms: longer than
// a card takes. Linux forgets the wish, so it is said before each read.
type eager struct{ net.Conn }

// Read implements io.Reader.
func (e eager) Read(b []byte) (int, error) {
	if c, ok := e.Conn.(*net.TCPConn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { // without it everything works, only slower
				_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
			})
		}
	}
	return e.Conn.Read(b)
}

var _ io.Reader = eager{}
