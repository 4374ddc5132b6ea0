package line

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// vmPatient is for what takes a moment at most, on an emulated processor.
const vmPatient = 20 * time.Second

// cable is the USB cable of tools/vm: usblp at the near end, a printer gadget at
// the far one.
type cable struct {
	t            *testing.T
	path         string   // the near end's device file
	far          *os.File // closed while the cable is out
	gadget       string   // the far end's device file
	plug, socket string   // the name of the second, written to the first, plugs it in
}

// plugged plugs the cable in anew: what an earlier test left in the gadget would
// turn up in this one.
func plugged(t *testing.T) *cable {
	t.Helper()
	if os.Getenv("KIOSKD_VM") != "1" {
		t.Skip("needs the virtual machine of make test-vm")
	}
	sockets, err := filepath.Glob("/sys/class/udc/*")
	if err != nil || len(sockets) != 1 {
		t.Fatalf("sockets: %q, %v", sockets, err)
	}
	c := &cable{
		t: t, path: os.Getenv("KIOSKD_VM_LP"), gadget: os.Getenv("KIOSKD_VM_GADGET"),
		plug: os.Getenv("KIOSKD_VM_UDC"), socket: filepath.Base(sockets[0]),
	}
	if _, err := os.Stat(c.path); err == nil {
		c.out()
	}
	c.in()
	return c
}

// out pulls the cable and lets go of the far end: the kernel does not survive a
// gadget that is open when the cable is put in again.
func (c *cable) out() {
	c.t.Helper()
	c.write("\n")
	if c.far != nil {
		c.far.Close()
	}
	c.wait("end of "+c.path, func() bool {
		_, err := os.Stat(c.path)
		return os.IsNotExist(err)
	})
}

// in puts the cable in and opens its far end, without which no byte is taken.
func (c *cable) in() {
	c.t.Helper()
	c.write(c.socket)
	c.wait(c.path, func() bool { // comes last, when the two ends have found each other
		_, err := os.Stat(c.path)
		return err == nil
	})
	// Non-blocking: the driver holds a lock during a blocking read, which also does
	// not end when the cable is pulled.
	far, err := os.OpenFile(c.gadget, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	c.far = far
	c.t.Cleanup(func() { far.Close() })
	if err := far.SetDeadline(time.Now().Add(vmPatient)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cable) write(socket string) {
	c.t.Helper()
	if err := os.WriteFile(c.plug, []byte(socket), 0); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cable) wait(what string, done func() bool) {
	c.t.Helper()
	for until := time.Now().Add(vmPatient); !done(); {
		if time.Now().After(until) {
			c.t.Fatalf("there is no %s", what)
		}
		_ = rest(10*time.Millisecond, nil, nil)
	}
}

// dial opens the near end.
func (c *cable) dial() *USB {
	c.t.Helper()
	u := dialUSB(c.t, c.path)
	if err := u.SetWriteDeadline(time.Now().Add(vmPatient)); err != nil {
		c.t.Fatal(err)
	}
	return u
}

// shows makes the printer report s.
func (c *cable) shows(s Status) {
	c.t.Helper()
	const set = 0xC0016722 // GADGET_SET_PRINTER_STATUS; the value is the argument itself
	raw, err := c.far.SyscallConn()
	if err == nil {
		err = control(raw, func(fd int) error { return unix.IoctlSetInt(fd, set, int(s)) })
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// takes reads as much as want at the far end; what it gives then waits for the
// last byte and compares.
func (c *cable) takes(want []byte) (check func()) {
	type result struct {
		data []byte
		err  error
	}
	taken := make(chan result, 1)
	go func() {
		data := make([]byte, len(want))
		n, err := io.ReadFull(c.far, data)
		taken <- result{data[:n], err}
	}()
	return func() {
		c.t.Helper()
		if r := soon(c.t, "the printer's read", taken); !bytes.Equal(r.data, want) {
			c.t.Errorf("the printer got %d bytes of %d, so far right: %v, %v",
				len(r.data), len(want), bytes.HasPrefix(want, r.data), r.err)
		}
	}
}

// soon keeps a hanging driver from hanging the run without a word.
func soon[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	timer := time.NewTimer(vmPatient + time.Second)
	defer timer.Stop()
	select {
	case v = <-c:
	case <-timer.C:
		t.Fatalf("%s did not end", what)
	}
	return v
}

// text has a period that divides no size of a buffer, so a lost one shows.
func text(n int) []byte { return bytes.Repeat([]byte("kioskd-"), n/7+1)[:n] }

func TestVMRoundTrip(t *testing.T) {
	for _, n := range []int{1, 512, 1024, 20_000, 86_408} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			c := plugged(t)
			u := c.dial()
			want := append(text(n), '.')
			check := c.takes(want)
			// The byte more, because the gadget keeps what fills its packets of 512 until
			// something shorter comes.
			for _, part := range [][]byte{want[:n], want[n:]} {
				if k, err := u.Write(part); k != len(part) || err != nil {
					t.Fatalf("Write = %d, %v", k, err)
				}
			}
			check()

			got, read := make([]byte, len(want)), make(chan error, 1)
			go func() {
				_, err := io.ReadFull(u, got)
				read <- err
			}()
			// The gadget ends each 1024 with an empty packet, which is no end of the line.
			for part := range slices.Chunk(want, 1024) {
				if _, err := c.far.Write(part); err != nil {
					t.Fatal(err)
				}
			}
			if err := soon(t, "Read", read); err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %v, equal %v", err, bytes.Equal(got, want))
			}
		})
	}
}

// TestVMCloseLosesNothing closes right after Write, with a printer that is slow
// to take the last bytes: usblp throws away what is on its way then.
func TestVMCloseLosesNothing(t *testing.T) {
	c := plugged(t)
	u := c.dial()
	data := text(85_001) // ten blocks of 8 KiB fill the gadget
	ended := make(chan error, 1)
	go func() {
		_, err := u.Write(data)
		ended <- errors.Join(err, u.Close())
	}()
	_ = rest(500*time.Millisecond, nil, nil)
	c.takes(data)()
	if err := soon(t, "Write", ended); err != nil {
		t.Error(err)
	}
}

func TestVMStatus(t *testing.T) {
	c := plugged(t)
	u := c.dial()
	c.shows(0x38)
	if s, err := u.Status(); err != nil || !s.PaperOut() || s.Failed() {
		t.Errorf("without paper: Status = %#x, %v", byte(s), err)
	}
	c.shows(0x10)
	if s, err := u.Status(); err != nil || s.PaperOut() || !s.Failed() {
		t.Errorf("with an error: Status = %#x, %v", byte(s), err)
	}
	c.shows(0x18)
	if s, err := u.Status(); err != nil || s.PaperOut() || s.Failed() || !s.Selected() {
		t.Errorf("all well: Status = %#x, %v", byte(s), err)
	}
}

func TestVMIsFound(t *testing.T) {
	c := plugged(t)
	look := func() Found {
		t.Helper()
		all, err := List(t.Context())
		if err != nil || len(all) != 1 || all[0].Path != c.path {
			t.Fatalf("%+v, %v", all, err)
		}
		return all[0]
	}
	if f := look(); f.Busy || f.Err != nil || f.Status == nil || f.ID.Manufacturer != "KIOSKD" || f.ID.Model != "VM" {
		t.Errorf("free: %+v", f)
	}
	u := c.dial()
	if id, err := u.DeviceID(); err != nil || id.Manufacturer != "KIOSKD" || id.Model != "VM" {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := DialUSB(t.Context(), c.path); !errors.Is(err, ErrBusy) {
		t.Errorf("a second time: %v", err)
	}
	// The kernel's note of the ID serves where the printer cannot be asked.
	if f := look(); !f.Busy || !errors.Is(f.Err, ErrBusy) || f.ID.Model != "VM" {
		t.Errorf("open: %+v", f)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	c.out()
	if all, err := List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("unplugged: %+v, %v", all, err)
	}
}

func TestVMWriteDeadline(t *testing.T) {
	c := plugged(t)
	u := c.dial()
	data := text(200_001) // more than waits in the kernel, and no multiple of 512
	begin := time.Now()
	if err := u.SetWriteDeadline(begin.Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := u.Write(data)
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, ErrStalled) || n == 0 || n >= len(data) {
		t.Fatalf("Write = %d, %v", n, err)
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
	if s, err := u.Status(); err != nil {
		t.Errorf("Status while it takes no data = %#x, %v", byte(s), err)
	}

	// Nothing was lost, nor is n wrong: the rest makes it whole.
	check := c.takes(data)
	if err := u.SetWriteDeadline(time.Now().Add(vmPatient)); err != nil {
		t.Fatal(err)
	}
	if k, err := u.Write(data[n:]); k != len(data)-n || err != nil {
		t.Errorf("the rest: Write = %d, %v", k, err)
	}
	check()

	read, wrote := start(u)
	_ = rest(500*time.Millisecond, nil, nil) // until both wait
	closed := make(chan error, 1)
	go func() { closed <- u.Close() }()
	if err := soon(t, "Close", closed); err != nil {
		t.Error(err)
	}
	for what, ended := range map[string]<-chan error{"Read": read, "Write": wrote} {
		if err := soon(t, what, ended); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestVMUnplug(t *testing.T) {
	c := plugged(t)
	u := c.dial()
	read, wrote := start(u)
	_ = rest(500*time.Millisecond, nil, nil) // until both wait
	begin := time.Now()
	c.out()
	for what, ended := range map[string]<-chan error{"Read": read, "Write": wrote} {
		if err := soon(t, what, ended); !errors.Is(err, ErrUnplugged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("they learned of it after %v", d)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	if _, err := DialUSB(t.Context(), c.path); !errors.Is(err, ErrAbsent) {
		t.Errorf("dialled without a printer: %v", err)
	}

	c.in()
	again := c.dial()
	check := c.takes([]byte("slip"))
	if _, err := again.Write([]byte("slip")); err != nil {
		t.Fatal(err)
	}
	check()
}
