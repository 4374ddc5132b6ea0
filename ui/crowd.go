package ui

import (
	"net"
	"net/http"
	"sync/atomic"
)

// crowd closes connections beyond a number. A browser has six; without a bound,
// somebody could take every file descriptor from the devices and the outbox.
// WebSockets are counted as windows instead. The server tells it of each.
type crowd struct {
	most int64
	here atomic.Int64
}

// note is an http.Server's ConnState.
func (c *crowd) note(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if c.here.Add(1) > c.most {
			_ = conn.Close() // nothing was said yet; the server notes that it is closed
		}
	case http.StateClosed, http.StateHijacked:
		c.here.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}
