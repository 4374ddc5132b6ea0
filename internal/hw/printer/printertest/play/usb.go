package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/hw/printer/printertest"
)

// USB is the path of a printer gadget of the kernel, "/dev/g_printer0", whose other
// end is the USB host's /dev/usb/lp*. It is opened again whenever it was lost: the
// host was unplugged or has gone to sleep.
//
// Only whoever has made the gadget can pull its cable. With power off or the cable
// out it is closed here, and the host's writes wait.
type USB string

const (
	// reopen is how often a gadget that is not there is tried again.
	reopen = 200 * time.Millisecond
	// glance is how often is looked for bytes. The gadget's poll is not to be relied
	// upon, and a blocking read would hold up writes: its driver has one lock for both.
	glance = time.Millisecond
	// setStatus is GADGET_SET_PRINTER_STATUS; the value is the argument itself.
	setStatus = 0xC0016722
)

func (u USB) open(_ context.Context, p *Player) (func(context.Context) error, error) {
	path := string(u)
	if about, err := os.Stat(path); err == nil && about.Mode()&os.ModeCharDevice == 0 {
		return nil, fmt.Errorf("cannot use %s: it is no device", path)
	}
	p.say("printer gadget %s", path)
	return func(ctx context.Context) error { return serveGadget(ctx, p, path) }, nil
}

// serveGadget opens the gadget while the printer is on, and follows its state.
func serveGadget(ctx context.Context, p *Player, path string) error {
	tick := time.NewTicker(reopen)
	defer tick.Stop()
	var (
		g     *gadget
		conn  *tracked
		gone  <-chan struct{} // nil without a gadget
		said  string          // why it cannot be opened
		shown = -1
	)
	for {
		if s := p.printer.Get(); g == nil && s.Power && !s.Unplugged {
			var err error
			if g, err = openGadget(path); err == nil {
				conn, said, shown = track(g), "", -1
				gone = conn.ended
				p.say("gadget opened")
				if !p.printer.Attach(conn) {
					_ = conn.Close()
				}
			} else if said != err.Error() {
				said = err.Error()
				p.say("waiting for the gadget: %v", err)
			}
		}
		if now := portStatus(p.printer.Get()); g != nil && now != shown {
			_ = g.status(now) // of a gadget that is lost; the next one is told
			shown = now
		}
		select {
		case <-tick.C:
		case <-gone:
			p.say("gadget closed")
			g, gone = nil, nil
		case <-ctx.Done():
			if conn != nil {
				_ = conn.Close()
			}
			return nil
		}
	}
}

// portStatus is the status byte of the USB printer class.
func portStatus(s printertest.State) int {
	b := 0x18 // selected, no error
	if s.Offline || s.Cover {
		b &^= 0x10
	}
	if s.Cover || s.Cutter || s.Hot || s.Offline || s.Paper == printertest.PaperOut {
		b &^= 0x08
	}
	if s.Paper == printertest.PaperOut {
		b |= 0x20
	}
	return b
}

// gadget is the printer's end, by bare system calls in non-blocking mode.
type gadget struct {
	mu   sync.RWMutex // a call holds it: no descriptor is used after it was closed
	fd   int          // -1 when it is closed
	done chan struct{}
}

func openGadget(path string) (*gadget, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &gadget{fd: fd, done: make(chan struct{})}, nil
}

// Read waits for bytes.
func (g *gadget) Read(b []byte) (int, error) {
	return g.try(func(fd int) (int, error) { return unix.Read(fd, b) })
}

// Write waits until all is on its way.
func (g *gadget) Write(b []byte) (sent int, err error) {
	for sent < len(b) && err == nil {
		var n int
		n, err = g.try(func(fd int) (int, error) { return unix.Write(fd, b[sent:]) })
		sent += n
	}
	return sent, err
}

// Close ends every wait.
func (g *gadget) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fd < 0 {
		return nil
	}
	close(g.done)
	err := unix.Close(g.fd)
	g.fd = -1
	return err
}

func (g *gadget) status(s int) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.fd < 0 {
		return os.ErrClosed
	}
	return unix.IoctlSetInt(g.fd, setStatus, s)
}

// try repeats a call until the driver has something to do.
func (g *gadget) try(call func(fd int) (int, error)) (int, error) {
	for {
		n, err := g.once(call)
		switch {
		case n > 0:
			return n, nil
		case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		default:
			return 0, err
		}
		t := time.NewTimer(glance)
		select {
		case <-t.C:
		case <-g.done:
			t.Stop()
			return 0, io.EOF
		}
	}
}

func (g *gadget) once(call func(fd int) (int, error)) (int, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.fd < 0 {
		return 0, io.EOF
	}
	return call(g.fd)
}
