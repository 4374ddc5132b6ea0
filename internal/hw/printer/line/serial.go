package line

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Flow is how a serial printer says that it takes no more.
type Flow string

// The ways. XON and XOFF come with the printer's words, and who parses those
// must stop; the kernel's own handling is off, for it would eat them and break
// pictures that contain such bytes.
const (
	FlowNone Flow = "none"
	FlowDTR  Flow = "dtr" // the printer's DTR, which is DSR at this end
	FlowRTS  Flow = "rts" // the printer's RTS, which is CTS at this end
)

// SerialOptions is how a serial line is set; always 8 bits, no parity, one stop bit.
type SerialOptions struct {
	Baud int  // 0 is 9600
	Flow Flow // "" is FlowNone
}

func bauds() []int {
	return []int{1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600}
}

// filled puts the defaults in and refuses what no printer has.
func (o SerialOptions) filled() (SerialOptions, error) {
	if o.Baud == 0 {
		o.Baud = 9600
	}
	if o.Flow == "" {
		o.Flow = FlowNone
	}
	if !slices.Contains(bauds(), o.Baud) {
		return o, fmt.Errorf("baud %d is none of %v", o.Baud, bauds())
	}
	if !slices.Contains([]Flow{FlowNone, FlowDTR, FlowRTS}, o.Flow) {
		return o, fmt.Errorf(`flow control %q is none of "none", "dtr", "rts"`, string(o.Flow))
	}
	return o, nil
}

// DialSerial opens a serial port.
//
// go.bug.st/serial sets the line up; the bytes go through an own descriptor in
// non-blocking mode. The library's Write cannot be ended, neither by a deadline
// nor by its Close, and its Close frees the descriptor before its Read has left.
// Settings belong to the port, not to a descriptor, so both see the same.
func DialSerial(ctx context.Context, path string, options SerialOptions) (*Serial, error) {
	line := "serial:" + path
	options, err := options.filled()
	if err != nil {
		return nil, badAddress(line, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, opening(bySerial, line, err)
	}
	about, err := os.Stat(path)
	if err != nil {
		return nil, opening(bySerial, line, err)
	}
	if about.Mode()&os.ModeCharDevice == 0 {
		return nil, unsuitable(line, "it is not a device")
	}
	// Without O_NONBLOCK the open itself waits for a carrier.
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, opening(bySerial, line, err)
	}
	t := &tty{f: f}
	if err := t.setUp(line, path, options); err != nil {
		f.Close()
		return nil, err
	}
	return newSerial(line, t, options), nil
}

// tty is a serial port of the kernel.
type tty struct {
	f   *os.File
	raw syscall.RawConn
}

func (t *tty) setUp(line, path string, o SerialOptions) (err error) {
	if t.raw, err = t.f.SyscallConn(); err != nil {
		return opening(bySerial, line, err)
	}
	p, err := serial.Open(path, &serial.Mode{BaudRate: o.Baud, DataBits: 8})
	if err != nil {
		return t.refused(line, err)
	}
	if err := p.Close(); err != nil {
		return opening(bySerial, line, err)
	}
	if o.Flow != FlowNone {
		if _, err := t.modem(); err != nil {
			return &Error{
				Op: "open", Line: line, Kind: ErrUnsuitable, Cause: err,
				Hint: fmt.Sprintf(`it has no modem lines for flow control %q: set "none"`, string(o.Flow)),
			}
		}
	}
	return control(t.raw, func(fd int) error {
		if o.Flow == FlowRTS {
			// Where the adapter can, it then stops at the very byte.
			set, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			if err != nil {
				return opening(bySerial, line, err)
			}
			set.Cflag |= unix.CRTSCTS
			if err := unix.IoctlSetTermios(fd, unix.TCSETS, set); err != nil {
				return opening(bySerial, line, err)
			}
		}
		// Nobody else may open it now; what an earlier program left goes.
		if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
			return opening(bySerial, line, err)
		}
		if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
			return opening(bySerial, line, err)
		}
		return nil
	})
}

// refused translates the library's errors, which keep the cause to themselves.
func (t *tty) refused(line string, err error) error {
	var told *serial.PortError
	if !errors.As(err, &told) {
		return opening(bySerial, line, err)
	}
	k := ErrFailed
	switch told.Code() {
	case serial.PortBusy:
		k = ErrBusy
	case serial.PortNotFound:
		k = ErrAbsent
	case serial.PermissionDenied:
		k = ErrDenied
	case serial.InvalidSerialPort:
		k = ErrUnsuitable
	default:
	}
	return &Error{Op: "open", Line: line, Kind: k, Cause: err, Hint: hint(bySerial, k)}
}

// Read waits in the runtime's poller.
func (t *tty) Read(p []byte) (int, error) { return t.f.Read(p) }

// Write waits there until the kernel's queue has taken p.
func (t *tty) Write(p []byte) (int, error) { return t.f.Write(p) }

// SetWriteDeadline bounds Write.
func (t *tty) SetWriteDeadline(d time.Time) error { return t.f.SetWriteDeadline(d) }

// Close ends every wait.
func (t *tty) Close() error { return t.f.Close() }

// modem reads the lines that the other end drives.
func (t *tty) modem() (bits int, err error) {
	err = control(t.raw, func(fd int) (err error) {
		bits, err = unix.IoctlGetInt(fd, unix.TIOCMGET)
		return err
	})
	return bits, err
}

// queued counts the bytes that the kernel has not yet sent.
func (t *tty) queued() (n int, err error) {
	err = control(t.raw, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n, err
}

// discard drops them.
func (t *tty) discard() error {
	return control(t.raw, func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
}
