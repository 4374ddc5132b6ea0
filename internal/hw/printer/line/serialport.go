package line

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// linePause is how often a line that is not free is looked at.
const linePause = 5 * time.Millisecond

// wire is what Serial needs from a tty. Tests put something else in its place.
type wire interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
	modem() (int, error)
	queued() (int, error)
	discard() error
}

// Serial is an open serial port.
//
// It lets no more than a few bytes wait in the kernel, whose queue would
// otherwise hold seconds of a slow line: a printer that says "enough" is obeyed
// soon, and a real-time command is not stuck behind half a slip.
type Serial struct {
	line  string
	wire  wire
	ready int           // the modem line that must be up, 0 = none
	piece int           // bytes written at once; twice that may wait in the kernel
	byte  time.Duration // one byte on the line: start bit, eight, stop bit

	limit  *limit
	done   chan struct{}
	close  sync.Once
	closed error
}

func newSerial(line string, w wire, o SerialOptions) *Serial {
	s := &Serial{
		line: line, wire: w, limit: newLimit(), done: make(chan struct{}),
		piece: min(max(o.Baud/500, 16), 256), // 20 ms of the line
		byte:  10 * time.Second / time.Duration(o.Baud),
	}
	switch o.Flow {
	case FlowDTR:
		s.ready = unix.TIOCM_DSR
	case FlowRTS:
		s.ready = unix.TIOCM_CTS
	case FlowNone:
	}
	if s.ready != 0 {
		s.piece = min(s.piece, 64) // a printer that goes busy has room for a few more, not for many
	}
	return s
}

// String gives the address: "serial:/dev/ttyUSB0".
func (s *Serial) String() string { return s.line }

// Read waits for what the printer says.
func (s *Serial) Read(p []byte) (int, error) {
	n, err := s.wire.Read(p)
	if err != nil {
		return n, s.fail("read from", err) // also the end of file: a port that was pulled out
	}
	return n, nil
}

// Write sends p and waits until the kernel has sent it all.
func (s *Serial) Write(p []byte) (int, error) {
	sent := 0
	for sent < len(p) {
		if err := s.free(s.piece); err != nil {
			return sent, s.fail("write to", err)
		}
		n, err := s.wire.Write(p[sent:min(sent+s.piece, len(p))])
		sent += n
		if err != nil {
			return sent, s.fail("write to", err)
		}
	}
	if err := s.free(0); err != nil {
		return sent, s.fail("write to", err)
	}
	return sent, nil
}

// free waits until the printer takes data and at most queue bytes wait in the
// kernel.
func (s *Serial) free(queue int) error {
	for {
		n, err := s.wire.queued()
		if is(err, unix.ENOTTY, unix.EINVAL) {
			n, err = 0, nil // this driver does not count
		}
		if err != nil {
			return err
		}
		ready := true
		// What has left the program is sent whether the line is up or not.
		if s.ready != 0 && queue > 0 {
			bits, err := s.wire.modem()
			if err != nil {
				return err
			}
			ready = bits&s.ready != 0
		}
		if ready && n <= queue {
			return s.passed()
		}
		pause := linePause
		if ready {
			pause = max(time.Millisecond, time.Duration(n-queue)*s.byte)
		}
		if err := rest(pause, s.done, s.limit.over()); err != nil {
			return err
		}
	}
}

// passed keeps a fast line from overlooking the deadline.
func (s *Serial) passed() error {
	select {
	case <-s.limit.over():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// SetWriteDeadline bounds writes, also one that waits already.
func (s *Serial) SetWriteDeadline(t time.Time) error {
	s.limit.set(t)
	if err := s.wire.SetWriteDeadline(t); err != nil {
		return s.fail("use", err)
	}
	return nil
}

// Close ends the line. What a failed write left in the kernel is dropped: it
// belongs to an abandoned job, and closing would wait for it.
func (s *Serial) Close() error {
	s.close.Do(func() {
		close(s.done)
		s.limit.set(time.Time{})
		_ = s.wire.discard() // of a port that is gone there is nothing to drop
		if err := s.wire.Close(); err != nil {
			s.closed = failing(bySerial, "close", s.line, err)
		}
	})
	return s.closed
}

func (s *Serial) fail(op string, err error) error {
	select {
	case <-s.done:
		err = os.ErrClosed
	default:
	}
	return failing(bySerial, op, s.line, err)
}
