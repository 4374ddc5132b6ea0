package line

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Kind is why a line cannot be used. It is an error so that errors.Is finds it.
type Kind string

// The kinds.
const (
	ErrAddress    Kind = "address not understood"
	ErrAbsent     Kind = "no printer there"
	ErrBusy       Kind = "in use by another program"
	ErrDenied     Kind = "not allowed"
	ErrRefused    Kind = "refused"
	ErrUnsuitable Kind = "not fit for a printer" // another kind of device, or it lacks what is asked of it
	ErrUnplugged  Kind = "the line ended"        // it was open: pulled out, switched off, connection lost
	ErrStalled    Kind = "it takes no more data" // the write deadline has passed
	ErrClosed     Kind = "closed"                // by Close, on this side
	ErrFailed     Kind = "failed"                // anything else
)

// Error gives the words.
func (k Kind) Error() string { return string(k) }

// Error is what every function here returns.
type Error struct {
	Op    string // "open", "read from", "write to", "ask", "use"
	Line  string // "usb:/dev/usb/lp0"
	Kind  Kind
	Cause error  // may be nil
	Hint  string // what a technician does about it; may be empty
}

// Error says "cannot OP LINE: KIND: CAUSE (HINT)".
func (e *Error) Error() string {
	s := "cannot " + e.Op + " " + e.Line + ": " + string(e.Kind)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap gives the kind and the cause: callers act on os.ErrDeadlineExceeded and
// context errors, a doctor on the kind.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

type transport string

const (
	byUSB    transport = "usb"
	byTCP    transport = "tcp"
	bySerial transport = "serial"
)

// opening makes the error of a dial.
func opening(t transport, line string, err error) error {
	if told, ok := errors.AsType[*Error](err); ok {
		return told
	}
	err = bare(err)
	k := ErrFailed
	_, lookup := errors.AsType[*net.DNSError](err)
	timeout, timed := errors.AsType[net.Error](err)
	switch {
	case is(err, unix.EBUSY):
		k = ErrBusy
	case is(err, unix.EACCES, unix.EPERM):
		k = ErrDenied
	case is(err, unix.ECONNREFUSED, unix.ECONNRESET):
		k = ErrRefused
	case is(err, unix.ENOENT, unix.ENXIO, unix.ENODEV, unix.ENOTDIR, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ETIMEDOUT):
		k = ErrAbsent
	case lookup, timed && timeout.Timeout():
		k = ErrAbsent
	case is(err, unix.ENOTTY, unix.EISDIR):
		k = ErrUnsuitable
	}
	return &Error{Op: "open", Line: line, Kind: k, Cause: err, Hint: hint(t, k)}
}

// failing makes the error of an open line.
func failing(t transport, op, line string, err error) error {
	err = bare(err)
	k := ErrFailed
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		k = ErrStalled
	case errors.Is(err, os.ErrClosed), errors.Is(err, net.ErrClosed):
		k, err = ErrClosed, os.ErrClosed // one word for it on every line
	case errors.Is(err, io.EOF),
		is(err, unix.ENODEV, unix.EIO, unix.ENXIO, unix.EPIPE, unix.ESHUTDOWN, unix.EPROTO),
		is(err, unix.ECONNRESET, unix.ECONNABORTED, unix.ETIMEDOUT, unix.EHOSTUNREACH, unix.ENETUNREACH):
		k = ErrUnplugged
	case is(err, unix.ENOTTY, unix.EINVAL):
		k = ErrUnsuitable
	}
	return &Error{Op: op, Line: line, Kind: k, Cause: err, Hint: hint(t, k)}
}

// bare drops the wrapping of os and net, which repeats what Op and Line say.
func bare(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.SyscallError](err); ok {
		return e.Err
	}
	return err
}

func is(err error, of ...unix.Errno) bool {
	no, ok := errors.AsType[unix.Errno](err)
	return ok && slices.Contains(of, no)
}

// hint says what a technician does about it.
func hint(t transport, k Kind) string {
	switch k {
	case ErrAbsent:
		switch t {
		case byUSB:
			return "switch the printer on, check its USB cable, and that the kernel module usblp is loaded"
		case byTCP:
			return "switch the printer on, check its network cable and its address"
		case bySerial:
			return "check the name of the port and that its adapter is plugged in"
		}
	case ErrBusy:
		return "end the other program that prints, such as CUPS"
	case ErrDenied:
		switch t {
		case byUSB:
			return "put kioskd's user into the group lp, and check udev rules and DeviceAllow of the service"
		case byTCP:
			return "a firewall on this machine forbids the connection"
		case bySerial:
			return "put kioskd's user into the group dialout, and check udev rules and DeviceAllow of the service"
		}
	case ErrRefused:
		return "another program holds the printer, or it is not a printer: most take one connection only"
	case ErrUnplugged:
		return "check power and cable"
	case ErrStalled:
		return "look at the printer: paper, cover, lamps"
	case ErrAddress, ErrUnsuitable, ErrClosed, ErrFailed:
	}
	return ""
}
