package line

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// fake is a device that answers by script; an empty script waits for Close.
type fake struct {
	reads  []answer
	writes []error // nil takes everything
	taken  bytes.Buffer
	done   chan struct{}
	port   byte
	id     []byte
	err    error // of the requests
	hung   bool
}

type answer struct {
	data string
	err  error
}

func newFake() *fake { return &fake{done: make(chan struct{})} }

func (f *fake) Read(p []byte) (int, error) {
	if len(f.reads) == 0 {
		<-f.done
		return 0, os.ErrClosed
	}
	a := f.reads[0]
	f.reads = f.reads[1:]
	return copy(p, a.data), a.err
}

func (f *fake) Write(p []byte) (int, error) {
	if len(f.writes) > 0 {
		err := f.writes[0]
		f.writes = f.writes[1:]
		if err != nil {
			n, _ := f.taken.Write(p[:len(p)/2]) // some of it went before it failed
			return n, err
		}
	}
	return f.taken.Write(p)
}

func (f *fake) SetWriteDeadline(time.Time) error { return nil }
func (f *fake) flush() error                     { return nil }
func (f *fake) hangup() error                    { <-f.done; return os.ErrClosed }
func (f *fake) gone() (bool, error)              { return f.hung, nil }
func (f *fake) status() (byte, error)            { return f.port, f.err }
func (f *fake) deviceID() ([]byte, error)        { return f.id, f.err }
func (f *fake) Close() error                     { close(f.done); return nil }

func repeat(err error, n int) (all []error) {
	for range n {
		all = append(all, err)
	}
	return all
}

func TestUSBEmptyPacketsAreNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, begin := newFake(), time.Now()
		f.reads = []answer{{"", io.EOF}, {"", nil}, {"", &os.PathError{Op: "read", Err: unix.EAGAIN}}, {"\x12", nil}}
		u := newUSB("usb:x", f, false)
		buf := make([]byte, 8)
		if n, err := u.Read(buf); n != 1 || err != nil || buf[0] != 0x12 {
			t.Fatalf("Read = %d, %v", n, err)
		}
		if got := time.Since(begin); got != 3*emptyPause {
			t.Errorf("took %v, want %v", got, 3*emptyPause)
		}
	})
}

func TestUSBEmptyReadOfAGoneDeviceIsTheEnd(t *testing.T) {
	f := newFake()
	f.reads, f.hung = []answer{{"", io.EOF}}, true
	if _, err := newUSB("usb:x", f, false).Read(make([]byte, 8)); !errors.Is(err, ErrUnplugged) || !errors.Is(err, io.EOF) {
		t.Errorf("err = %v", err)
	}
}

func TestUSBCloseEndsEveryWait(t *testing.T) {
	for name, set := range map[string]func(*fake){
		"pause after an empty packet": func(f *fake) { f.reads = []answer{{"", io.EOF}} },
		"waiting for data":            func(*fake) {},
		"no way back":                 func(f *fake) { f.reads = []answer{{"", &os.PathError{Op: "read", Err: unix.EINVAL}}} },
		"opened for writing only":     func(f *fake) { f.reads = []answer{{"", &os.PathError{Op: "read", Err: unix.EBADF}}} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, begin := newFake(), time.Now()
				set(f)
				f.writes = repeat(unix.ENOSPC, 1000)
				u := newUSB("usb:x", f, false)
				read, wrote := make(chan error, 1), make(chan error, 1)
				go func() {
					_, err := u.Read(make([]byte, 8))
					read <- err
				}()
				go func() {
					_, err := u.Write([]byte("slip"))
					wrote <- err
				}()
				synctest.Wait()
				if err := u.Close(); err != nil {
					t.Error(err)
				}
				for _, err := range []error{<-read, <-wrote} {
					if !errors.Is(err, os.ErrClosed) || !errors.Is(err, ErrClosed) {
						t.Errorf("err = %v", err)
					}
				}
				if d := time.Since(begin); d != 0 {
					t.Errorf("it took %v", d)
				}
				if err := u.Close(); err != nil {
					t.Errorf("second Close: %v", err)
				}
			})
		})
	}
}

func TestUSBWriteWaitsForPaper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, begin := newFake(), time.Now()
		f.writes = append(repeat(&os.PathError{Op: "write", Err: unix.ENOSPC}, 3), nil)
		u := newUSB("usb:x", f, false)
		if err := u.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := u.Write([]byte("0123456789"))
		if n != 10 || err != nil || f.taken.String() != "0123456789" {
			t.Fatalf("Write = %d, %v; taken %q", n, err, f.taken.String())
		}
		if got := time.Since(begin); got != 3*paperPause {
			t.Errorf("took %v", got)
		}
	})
}

func TestUSBWriteGivesUpAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, begin := newFake(), time.Now()
		f.writes = repeat(unix.ENOSPC, 1000)
		u := newUSB("usb:x", f, false)
		if err := u.SetWriteDeadline(begin.Add(1100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := u.Write(bytes.Repeat([]byte{1}, 64))
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, ErrStalled) || n != f.taken.Len() {
			t.Errorf("Write = %d, %v; taken %d", n, err, f.taken.Len())
		}
		if got := time.Since(begin); got != 1100*time.Millisecond {
			t.Errorf("took %v", got)
		}
	})
}

func TestUSBErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{unix.ENODEV, ErrUnplugged},
		{unix.EIO, ErrUnplugged},
		{unix.EPIPE, ErrUnplugged},
		{unix.EFAULT, ErrFailed},
	} {
		f := newFake()
		f.err = c.err
		f.reads = []answer{{"", &os.PathError{Op: "read", Path: "/dev/usb/lp0", Err: c.err}}}
		f.writes = repeat(&os.PathError{Op: "write", Path: "/dev/usb/lp0", Err: c.err}, 1)
		u := newUSB("usb:/dev/usb/lp0", f, false)
		_, read := u.Read(make([]byte, 8))
		n, wrote := u.Write([]byte("1234"))
		_, asked := u.Status()
		_, told := u.DeviceID()
		for _, err := range []error{read, wrote, asked, told} {
			if !errors.Is(err, c.want) || !errors.Is(err, c.err) {
				t.Errorf("%v: %v, want kind %q", c.err, err, c.want)
			}
		}
		if n != 2 {
			t.Errorf("%v: Write says %d bytes, want 2", c.err, n)
		}
	}
}

func TestUSBStatus(t *testing.T) {
	f := newFake()
	u := newUSB("usb:x", f, false)
	for _, c := range []struct {
		port                   byte
		paper, selected, fails bool
	}{{0x18, false, true, false}, {0x38, true, true, false}, {0x20, true, false, true}, {0x08, false, false, false}} {
		f.port = c.port
		s, err := u.Status()
		if err != nil || s.PaperOut() != c.paper || s.Selected() != c.selected || s.Failed() != c.fails {
			t.Errorf("%#x: %v %v %v, %v", c.port, s.PaperOut(), s.Selected(), s.Failed(), err)
		}
	}
	f.id = []byte("\x00\x0cMFG:EPSON;")
	if id, err := u.DeviceID(); err != nil || id.Manufacturer != "EPSON" {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestErrorText(t *testing.T) {
	err := opening(byUSB, "usb:/dev/usb/lp0", &os.PathError{Op: "open", Path: "/dev/usb/lp0", Err: unix.EACCES})
	want := "cannot open usb:/dev/usb/lp0: not allowed: permission denied (put kioskd's user into the group lp, and check udev rules and DeviceAllow of the service)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	for k, no := range map[Kind]unix.Errno{
		ErrBusy: unix.EBUSY, ErrAbsent: unix.ENOENT, ErrRefused: unix.ECONNREFUSED, ErrUnsuitable: unix.ENOTTY, ErrFailed: unix.EIO,
	} {
		if err := opening(byTCP, "x", os.NewSyscallError("open", no)); !errors.Is(err, k) || !errors.Is(err, no) {
			t.Errorf("%v: %v", no, err)
		}
	}
}
