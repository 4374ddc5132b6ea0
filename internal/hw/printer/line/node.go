package line

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// node is the device file of a USB printer. It stays in non-blocking mode, so
// the runtime's poller does the waiting and deadlines and Close work.
type node struct {
	f   *os.File
	raw syscall.RawConn
}

// openNode opens a character device, or a FIFO that stands in for one. deaf
// says that nothing can be read from it.
func openNode(path string) (dev device, deaf bool, err error) {
	about, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	flags := unix.O_NONBLOCK | unix.O_NOCTTY
	var f *os.File
	switch mode := about.Mode(); {
	case mode&os.ModeNamedPipe != 0:
		// Linux opens a FIFO for both ways too, but then one reads one's own words.
		deaf = true
		f, err = os.OpenFile(path, os.O_WRONLY|flags, 0)
	case mode&os.ModeCharDevice != 0:
		f, err = os.OpenFile(path, os.O_RDWR|flags, 0)
		if is(bare(err), unix.EACCES) {
			// A device that may only be written to is still a printer.
			if w, only := os.OpenFile(path, os.O_WRONLY|flags, 0); only == nil {
				f, err, deaf = w, nil, true
			}
		}
	default:
		// Also keeps a mistyped path from overwriting somebody's file.
		return nil, false, unsuitable("usb:"+path, "it is neither a character device nor a FIFO")
	}
	if err != nil {
		return nil, false, err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		f.Close()
		return nil, false, err
	}
	return &node{f: f, raw: raw}, deaf, nil
}

func unsuitable(line, why string) error {
	return &Error{Op: "open", Line: line, Kind: ErrUnsuitable, Hint: why}
}

// Read waits in the runtime's poller.
func (n *node) Read(p []byte) (int, error) { return n.f.Read(p) }

// SetWriteDeadline also bounds flush.
func (n *node) SetWriteDeadline(t time.Time) error { return n.f.SetWriteDeadline(t) }

// Close ends every wait.
func (n *node) Close() error { return n.f.Close() }

// Write hands p to the kernel. usblp takes up to 8 KiB at a time and does not
// wait for them to go.
func (n *node) Write(p []byte) (sent int, err error) {
	var failed error
	err = n.raw.Write(func(fd uintptr) bool {
		failed = nil
		for sent < len(p) && failed == nil {
			var k int
			k, failed = undisturbed(func() (int, error) { return unix.Write(int(fd), p[sent:]) })
			sent += max(k, 0)
		}
		return !is(failed, unix.EAGAIN)
	})
	if err == nil {
		err = failed
	}
	return sent, err
}

// undisturbed runs a system call with all signals put off. A signal, and Go's
// scheduler sends some, makes usblp return EINTR after it has begun to send what
// it was given; the next try would send that again, into the middle of a picture.
func undisturbed(call func() (int, error)) (int, error) {
	runtime.LockOSThread() // the mask is the thread's
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return 0, err
	}
	n, err := call()
	if back := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); back != nil && err == nil {
		err = back
	}
	return n, err
}

// flush waits until the kernel has handed on what was written: closing a usblp
// throws away what is still on its way. A write of nothing is how it is asked;
// unlike poll it also tells that the printer was pulled out meanwhile.
func (n *node) flush() error {
	var failed error
	err := n.raw.Write(func(fd uintptr) bool {
		_, failed = undisturbed(func() (int, error) { return unix.Write(int(fd), nil) })
		return !is(failed, unix.EAGAIN)
	})
	if err == nil {
		err = failed
	}
	return err
}

// hangup waits until the other end is gone. Where the kernel does not tell, it
// waits until Close; then only a write finds out.
func (n *node) hangup() error {
	var gone bool
	var failed error
	err := n.raw.Read(func(fd uintptr) bool {
		gone, failed = hungUp(int(fd))
		return gone || failed != nil
	})
	switch {
	case err == nil && failed != nil:
		return failed
	case err == nil:
		return unix.ENODEV
	}
	// To the poller a lone error condition makes a file unfit for waiting.
	if gone, failed := n.gone(); gone && failed == nil {
		return unix.ENODEV
	}
	return err
}

// gone tells whether the other end is gone, without waiting.
func (n *node) gone() (gone bool, err error) {
	err = n.ioctl(func(fd int) (err error) {
		gone, err = hungUp(fd)
		return err
	})
	return gone, err
}

func hungUp(fd int) (bool, error) {
	state := []unix.PollFd{{Fd: int32(fd)}} // of errors and ends poll always tells
	for {
		_, err := unix.Poll(state, 0)
		if !is(err, unix.EINTR) {
			return state[0].Revents != 0, err
		}
	}
}

// The two requests of usblp that are used here: LPGETSTATUS, and number 1 of the
// group 'P', in which the kernel expects the size of the buffer.
const (
	askStatus = 0x060B
	askID     = 2<<30 | idSize<<16 | 'P'<<8 | 1
	idSize    = 1024 // what the kernel keeps at most
)

func (n *node) status() (s byte, err error) {
	var word uint32
	err = n.ioctl(func(fd int) (err error) {
		word, err = unix.IoctlGetUint32(fd, askStatus)
		return err
	})
	return byte(word), err
}

func (n *node) deviceID() ([]byte, error) {
	buf := make([]byte, idSize)
	err := n.ioctl(func(fd int) error {
		//nolint:gosec // G103: the kernel writes at most idSize bytes, and buf has them
		_, _, no := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), askID, uintptr(unsafe.Pointer(&buf[0])))
		if no != 0 {
			return no
		}
		return nil
	})
	return buf, err
}

// ioctl runs f on the descriptor. It never calls Fd, which would make the file
// blocking.
func (n *node) ioctl(f func(fd int) error) error {
	return control(n.raw, f)
}

func control(raw syscall.RawConn, f func(fd int) error) error {
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return fmt.Errorf("%w: %w", os.ErrClosed, err) // the only way in which Control fails
	}
	return failed
}
