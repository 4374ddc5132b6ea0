package main

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/hub"
)

// Each connection needs a file descriptor, and the databases some.
const (
	spareFiles      = 128
	strangersShare  = 4 // strangers may have one descriptor in so many
	complainedEvery = time.Minute
)

// maxFiles is how many file descriptors this process may have.
func maxFiles() int {
	const unknown = 1 << 20
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur > unknown {
		return unknown
	}
	return int(r.Cur)
}

// strangersOf is how many connections without a certificate there may be.
func (o options) strangersOf(files int) int {
	if o.maxStrangers > 0 {
		return o.maxStrangers
	}
	return max(min(hub.DefaultStrangers, files/strangersShare), 1)
}

// checkFiles warns when the hub may be asked to hold more than it can.
func (o options) checkFiles(files int, log *slog.Logger) {
	if need := o.maxLinks + o.strangersOf(files) + spareFiles; files < need {
		log.Warn("Too few file descriptors for --max-links: raise LimitNOFILE, or lower it", "descriptors", files, "needed", need)
	}
}

// complaint tells the operator that nobody can be taken in. Without a descriptor the
// hub serves on for those who are connected, and would seem to be in good health.
type complaint struct {
	log *slog.Logger

	mu   sync.Mutex
	told time.Time
}

// failed tells of an error at most once a minute, for all listeners.
func (c *complaint) failed(err error) {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNABORTED) {
		return // the hub ends; or a client has gone before it was accepted
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.told) >= complainedEvery {
		c.told = now
		c.log.Error("Connections cannot be accepted", "error", err)
	}
}

// over gives l, with its errors told.
func (c *complaint) over(l net.Listener) net.Listener { return complaining{l, c} }

type complaining struct {
	net.Listener

	c *complaint
}

// Accept tells when it cannot.
func (l complaining) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		l.c.failed(err)
	}
	return conn, err
}
