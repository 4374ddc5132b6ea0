package line

import (
	"cmp"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// emptyPause is the wait after a read that brought nothing.
	emptyPause = 50 * time.Millisecond
	// paperPause is the wait before the next try when the driver says that there
	// is no paper.
	paperPause = 250 * time.Millisecond
)

// device is what USB needs from a node. Tests put something else in its place.
type device interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
	flush() error
	hangup() error
	gone() (bool, error)
	status() (byte, error)
	deviceID() ([]byte, error)
}

// USB is an open printer of the USB printer class.
//
// The kernel does not report that a transfer failed after it was begun (a stall,
// a disturbance): those bytes are missing and the next Write succeeds. Only a
// printer that confirms its jobs shows it.
type USB struct {
	line string
	dev  device
	deaf bool // nothing can be read; only the reader changes it

	limit  *limit
	done   chan struct{}
	close  sync.Once
	closed error
}

func newUSB(line string, dev device, deaf bool) *USB {
	return &USB{line: line, dev: dev, deaf: deaf, limit: newLimit(), done: make(chan struct{})}
}

// String gives the address: "usb:/dev/usb/lp0".
func (u *USB) String() string { return u.line }

// Read waits for what the printer says. From a printer that has no way back it
// waits until Close, or until the kernel says that the printer is gone.
func (u *USB) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !u.deaf {
		n, err := u.dev.Read(p)
		switch {
		case n > 0:
			return n, nil
		case err == nil, errors.Is(err, io.EOF), is(err, unix.EAGAIN):
			// An empty packet: printers send them, some without end. It is no end
			// unless the kernel says so, and to ask again at once would never rest.
			if gone, err := u.dev.gone(); gone || err != nil {
				return 0, u.fail("read from", cmp.Or(err, io.EOF))
			}
			if err := rest(emptyPause, u.done, nil); err != nil {
				return 0, u.fail("read from", err)
			}
		case is(err, unix.EINVAL, unix.EBADF):
			u.deaf = true // the interface has no way back
		default:
			return 0, u.fail("read from", err)
		}
	}
	return 0, u.fail("read from", u.dev.hangup())
}

// Write sends p and waits until the printer has taken it all. Without paper some
// drivers refuse: it then waits for somebody to put some in, until the deadline.
func (u *USB) Write(p []byte) (int, error) {
	sent := 0
	for {
		n, err := u.dev.Write(p[sent:])
		sent += n
		if err == nil && sent >= len(p) {
			break
		}
		if err != nil && !is(err, unix.ENOSPC, unix.EAGAIN) {
			return sent, u.fail("write to", err)
		}
		if err := rest(paperPause, u.done, u.limit.over()); err != nil {
			return sent, u.fail("write to", err)
		}
	}
	if err := u.dev.flush(); err != nil {
		return sent, u.fail("write to", err)
	}
	return sent, nil
}

// SetWriteDeadline bounds writes, also one that waits already.
func (u *USB) SetWriteDeadline(t time.Time) error {
	u.limit.set(t)
	if err := u.dev.SetWriteDeadline(t); err != nil {
		return u.fail("use", err)
	}
	return nil
}

// Close ends the line; what the printer has not yet taken is thrown away. A
// Status or DeviceID under way is waited for (the kernel gives up after 5 s).
func (u *USB) Close() error {
	u.close.Do(func() {
		close(u.done)
		u.limit.set(time.Time{})
		if err := u.dev.Close(); err != nil {
			u.closed = failing(byUSB, "close", u.line, err)
		}
	})
	return u.closed
}

// Status asks for the printer's port status. It does not use the way that the
// data go, so it should be answered while the printer takes no data.
func (u *USB) Status() (Status, error) {
	s, err := u.dev.status()
	if err != nil {
		return 0, u.fail("ask", err)
	}
	return Status(s), nil
}

// DeviceID asks who the printer is.
func (u *USB) DeviceID() (ID, error) {
	b, err := u.dev.deviceID()
	if err != nil {
		return ID{}, u.fail("ask", err)
	}
	return ParseID(b), nil
}

// fail makes the error. After Close everything fails for that reason, whatever
// the kernel or the runtime call it.
func (u *USB) fail(op string, err error) error {
	select {
	case <-u.done:
		err = os.ErrClosed
	default:
	}
	return failing(byUSB, op, u.line, err)
}

// Status is the port status of the USB printer class.
type Status byte

// PaperOut reports that the printer has no paper.
func (s Status) PaperOut() bool { return s&0x20 != 0 }

// Selected reports that the printer is on line.
func (s Status) Selected() bool { return s&0x10 != 0 }

// Failed reports that the printer has an error.
func (s Status) Failed() bool { return s&0x08 == 0 }
