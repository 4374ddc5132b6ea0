package line

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// These tests run in a machine whose kernel has both ends of a USB cable: usblp
// and, on dummy_hcd, a printer gadget. The gadget's end is another process, this
// test binary again, for one process with both ends has been seen to hang.
const (
	inVM      = "KIOSKD_VM"
	vmPrinter = "KIOSKD_VM_LP"     // /dev/usb/lp0
	vmGadget  = "KIOSKD_VM_GADGET" // /dev/g_printer0
	vmUDC     = "KIOSKD_VM_UDC"    // the gadget's attribute "UDC" in configfs
	vmRole    = "KIOSKD_VM_ROLE"   // set: this process is the gadget's end
	vmBytes   = "KIOSKD_VM_BYTES"  // how many it takes in the role "echo"
	vmPatient = 20 * time.Second
)

func vm(t *testing.T) (printer string) {
	t.Helper()
	if os.Getenv(inVM) != "1" {
		t.Skip("needs the virtual machine of make test-vm")
	}
	return os.Getenv(vmPrinter)
}

// child starts the gadget's end and waits until it is ready. end lets it go and
// checks how it went.
func child(t *testing.T, role string, n int) (end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Without a context: t's own ends before the cleanup that lets the child go.
	c := exec.Command(self, "-test.run=^TestVMGadget$", "-test.timeout=60s")
	c.Env = append(os.Environ(), vmRole+"="+role, vmBytes+"="+strconv.Itoa(n))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	word := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, word); err != nil || string(word) != "ready\n" {
		more, _ := io.ReadAll(out)
		t.Fatalf("the gadget's end says %q%q, %v", word, more, err)
	}
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		in.Close()
		said, _ := io.ReadAll(out)
		if err := c.Wait(); err != nil {
			t.Errorf("the gadget's end: %v\n%s", err, said)
		}
	}
	t.Cleanup(end)
	return end
}

// dialVM waits until the kernel has made the device file.
func dialVM(t *testing.T, path string) *USB {
	t.Helper()
	until := time.Now().Add(vmPatient)
	for {
		u, err := DialUSB(t.Context(), path)
		if err == nil {
			t.Cleanup(func() { _ = u.Close() })
			return u
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
		_ = rest(50*time.Millisecond, nil, nil)
	}
}

// vanishes waits until the printer cannot be opened. Its transfers fail a moment
// before the kernel takes the device away.
func vanishes(t *testing.T, path string) {
	t.Helper()
	until := time.Now().Add(vmPatient)
	for {
		u, err := DialUSB(t.Context(), path)
		if errors.Is(err, ErrAbsent) {
			return
		}
		if err == nil {
			_ = u.Close()
		}
		if time.Now().After(until) {
			t.Fatalf("unplugged, and yet opening it says %v", err)
		}
		_ = rest(50*time.Millisecond, nil, nil)
	}
}

// within keeps a hanging driver from hanging the run without a word.
func within(t *testing.T, what string, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(vmPatient):
		t.Fatalf("%s did not end", what)
		return nil
	}
}

// TestVMRoundTrip gets the bytes back in pieces of 1024, as many as usblp asks
// for at once; the gadget's driver adds an empty packet to each, which the host
// sees as a read of nothing.
func TestVMRoundTrip(t *testing.T) {
	path := vm(t)
	for _, n := range []int{1, 512, 1024, 20_000, 86_408} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			end := child(t, "echo", n)
			u := dialVM(t, path)
			want := bytes.Repeat([]byte("kioskd-"), n/7+1)[:n]
			if err := u.SetWriteDeadline(time.Now().Add(vmPatient)); err != nil {
				t.Fatal(err)
			}
			if k, err := u.Write(want); k != n || err != nil {
				t.Fatalf("Write = %d, %v", k, err)
			}
			got, read := make([]byte, n), make(chan error, 1)
			go func() {
				_, err := io.ReadFull(u, got)
				read <- err
			}()
			if err := within(t, "Read", read); err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %v, equal %v", err, bytes.Equal(got, want))
			}
			end()
		})
	}
}

func TestVMStatus(t *testing.T) {
	path := vm(t)
	end := child(t, "paper out", 0)
	u := dialVM(t, path)
	if s, err := u.Status(); err != nil || !s.PaperOut() {
		t.Errorf("Status = %#x, %v", byte(s), err)
	}
	end()
	child(t, "idle", 0)
	if s, err := u.Status(); err != nil || s.PaperOut() || s.Failed() || !s.Selected() {
		t.Errorf("afterwards Status = %#x, %v", byte(s), err)
	}
}

func TestVMDeviceID(t *testing.T) {
	path := vm(t)
	u := dialVM(t, path)
	id, err := u.DeviceID()
	if err != nil || id.Manufacturer == "" || id.Model == "" {
		t.Errorf("%+v, %v", id, err)
	}
	found, err := Bus{Pattern: filepath.Join(filepath.Dir(path), "lp*")}.List(t.Context())
	if err != nil || len(found) == 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, f := range found {
		if f.Path == path && (!f.Busy || f.ID.Model == "") {
			t.Errorf("the one that is open: %+v", f)
		}
	}
	if _, err := DialUSB(t.Context(), path); !errors.Is(err, ErrBusy) {
		t.Errorf("a second time: %v", err)
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
}

func TestVMWriteDeadline(t *testing.T) {
	path := vm(t)
	child(t, "idle", 0) // it reads nothing
	u := dialVM(t, path)
	begin := time.Now()
	if err := u.SetWriteDeadline(begin.Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := u.Write(make([]byte, 4<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n >= 4<<20 {
		t.Errorf("Write = %d, %v", n, err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
	if s, err := u.Status(); err != nil {
		t.Errorf("Status while it takes no data = %#x, %v", byte(s), err)
	}
	closed := make(chan error, 1)
	go func() { closed <- u.Close() }()
	if err := within(t, "Close", closed); err != nil {
		t.Error(err)
	}
}

func TestVMUnplug(t *testing.T) {
	path := vm(t)
	udc := os.Getenv(vmUDC)
	plug := func(name string) {
		if err := os.WriteFile(udc, []byte(name+"\n"), 0o600); err != nil {
			t.Errorf("cannot write %q to %s: %v", name, udc, err)
		}
	}
	end := child(t, "idle", 0)
	u := dialVM(t, path)
	if err := u.SetWriteDeadline(time.Now().Add(vmPatient)); err != nil {
		t.Fatal(err)
	}
	read, wrote := start(u)
	end() // the gadget's file is closed; its endpoints still take what fits
	plug("")
	for what, c := range map[string]<-chan error{"Read": read, "Write": wrote} {
		if err := within(t, what, c); !errors.Is(err, ErrUnplugged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := u.Close(); err != nil {
		t.Error(err)
	}
	vanishes(t, path)

	plug("dummy_udc.0")
	end = child(t, "echo", 4)
	again := dialVM(t, path)
	if _, err := again.Write([]byte("slip")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(again, got); err != nil || string(got) != "slip" {
		t.Errorf("after plugging it in again: %q, %v", got, err)
	}
	end()
}
