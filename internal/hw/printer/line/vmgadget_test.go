package line

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestVMGadget is the gadget's end. It does what its role says, tells on its
// standard output when it is ready, and ends when its standard input does.
func TestVMGadget(t *testing.T) {
	role := os.Getenv(vmRole)
	if role == "" {
		t.Skip("only as a child of the other tests")
	}
	g, err := openGadget(os.Getenv(vmGadget))
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	if role == "paper out" {
		if err := g.status(0x38); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = os.Stdout.WriteString("ready\n")
	if role == "echo" {
		n, err := strconv.Atoi(os.Getenv(vmBytes))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.echo(n); err != nil {
			t.Error(err)
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // stay until the parent has seen enough
	if role == "paper out" {
		_ = g.status(0x18)
	}
}

// setStatus is GADGET_SET_PRINTER_STATUS; the value is the argument itself.
const setStatus = 0xC0016722

// gadget is the printer's end, by bare system calls in non-blocking mode: its
// driver holds one lock while a blocking read waits, and a write or even a poll
// from elsewhere then waits too.
type gadget struct{ fd int }

func openGadget(path string) (*gadget, error) {
	until := time.Now().Add(vmPatient)
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			return &gadget{fd}, nil
		}
		if time.Now().After(until) {
			return nil, fmt.Errorf("cannot open %s: %w", path, err)
		}
		_ = rest(50*time.Millisecond, nil, nil)
	}
}

func (g *gadget) close() { _ = unix.Close(g.fd) }

func (g *gadget) status(s int) error { return unix.IoctlSetInt(g.fd, setStatus, s) }

// echo takes n bytes and then sends them back.
func (g *gadget) echo(n int) error {
	data := make([]byte, n)
	for at := 0; at < n; {
		k, err := g.try(func() (int, error) { return unix.Read(g.fd, data[at:]) })
		if err != nil {
			return fmt.Errorf("cannot read after %d bytes: %w", at, err)
		}
		at += k
	}
	for at := 0; at < n; {
		k, err := g.try(func() (int, error) { return unix.Write(g.fd, data[at:min(at+1024, n)]) })
		if err != nil {
			return fmt.Errorf("cannot write after %d bytes: %w", at, err)
		}
		at += k
	}
	return nil
}

// try repeats a call until the driver has something to do. It does not rely on
// poll; a look every millisecond is good enough here.
func (g *gadget) try(call func() (int, error)) (int, error) {
	until := time.Now().Add(vmPatient)
	for {
		n, err := call()
		if n > 0 {
			return n, nil
		}
		if err != nil && !is(err, unix.EAGAIN, unix.EINTR) || time.Now().After(until) {
			return 0, fmt.Errorf("nothing in time: %w", err)
		}
		_ = rest(time.Millisecond, nil, nil)
	}
}
