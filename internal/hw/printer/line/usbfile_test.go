package line

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/hw/printer/printertest"
)

func pty(t *testing.T) *printertest.PTY {
	t.Helper()
	p, err := printertest.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Master.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return p
}

func dialUSB(t *testing.T, path string) *USB {
	t.Helper()
	u, err := DialUSB(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.Close() })
	return u
}

// everyByte has every value in two orders, so a changed or eaten byte shows.
func everyByte() []byte {
	var b []byte
	for i := range 512 {
		b = append(b, byte(i), byte(511-i))
	}
	return b
}

type port2 interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// roundTrip sends every byte in both directions at once.
func roundTrip(t *testing.T, near port2, far io.ReadWriter) {
	t.Helper()
	want := everyByte()
	failed := make(chan error, 3)
	check := func(r io.Reader) {
		got := make([]byte, len(want))
		_, err := io.ReadFull(r, got)
		if err == nil && !bytes.Equal(got, want) {
			err = errors.New("other bytes arrived")
		}
		failed <- err
	}
	go check(near)
	go check(far)
	go func() {
		_, err := far.Write(want)
		failed <- err
	}()
	if err := near.SetWriteDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Error(err)
	}
	if n, err := near.Write(want); n != len(want) || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	for range 3 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// start runs a read and a write that nobody serves, and gives their errors.
func start(near port2) (read, wrote <-chan error) {
	r, w := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 8))
		r <- err
	}()
	go func() {
		for {
			if _, err := near.Write(make([]byte, 1<<20)); err != nil {
				w <- err
				return
			}
		}
	}()
	return r, w
}

// stalls writes to a printer that takes nothing.
func stalls(t *testing.T, near port2) {
	t.Helper()
	if err := near.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := near.Write(make([]byte, 8<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, ErrStalled) || n >= 8<<20 {
		t.Errorf("Write = %d, %v", n, err)
	}
}

// pulled expects a read and a write to find out that the other end is gone. A pty
// swaps its functions after it has woken those who wait for it, so once in a while
// one sleeps on; what a driver does then, close the line, has to wake it.
func pulled(t *testing.T, near port2, read, wrote <-chan error) {
	t.Helper()
	late := time.AfterFunc(3*time.Second, func() { _ = near.Close() })
	defer late.Stop()
	told := 0
	for _, err := range []error{<-read, <-wrote} {
		switch {
		case errors.Is(err, ErrUnplugged):
			told++
		case !errors.Is(err, os.ErrClosed):
			t.Errorf("err = %v", err)
		}
	}
	if told == 0 {
		t.Error("neither was told")
	}
}

func TestUSBDevice(t *testing.T) {
	t.Run("round trip", func(t *testing.T) {
		p := pty(t)
		roundTrip(t, dialUSB(t, p.Path), p.Master)
	})
	t.Run("takes no data", func(t *testing.T) {
		p := pty(t)
		stalls(t, dialUSB(t, p.Path))
	})
	t.Run("closed", func(t *testing.T) {
		u := dialUSB(t, pty(t).Path)
		read, wrote := start(u)
		if err := u.Close(); err != nil {
			t.Error(err)
		}
		for _, err := range []error{<-read, <-wrote} {
			if !errors.Is(err, os.ErrClosed) {
				t.Errorf("err = %v", err)
			}
		}
	})
	t.Run("pulled out", func(t *testing.T) {
		p := pty(t)
		u := dialUSB(t, p.Path)
		read, wrote := start(u)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		pulled(t, u, read, wrote)
	})
	t.Run("no printer", func(t *testing.T) {
		u := dialUSB(t, pty(t).Path)
		if _, err := u.Status(); !errors.Is(err, ErrUnsuitable) {
			t.Errorf("Status: %v", err)
		}
		if _, err := u.DeviceID(); !errors.Is(err, ErrUnsuitable) {
			t.Errorf("DeviceID: %v", err)
		}
	})
}

func TestUSBWriteOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lp0")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DialUSB(t.Context(), path); !errors.Is(err, ErrAbsent) {
		t.Errorf("without a printer: %v", err)
	}
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	printer := open()
	u := dialUSB(t, path)
	if n, err := u.Write([]byte("slip")); n != 4 || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(printer, got); err != nil || string(got) != "slip" {
		t.Errorf("got %q, %v", got, err)
	}
	stalls(t, u)

	read, _ := start(u)
	printer.Close()
	if err := <-read; !errors.Is(err, ErrUnplugged) {
		t.Errorf("read after the printer went: %v", err)
	}
	if err := u.SetWriteDeadline(time.Time{}); err != nil {
		t.Error(err)
	}
	if _, err := u.Write([]byte("slip")); !errors.Is(err, ErrUnplugged) {
		t.Errorf("write after the printer went: %v", err)
	}

	open()
	again := dialUSB(t, path)
	read, _ = start(again)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
}

func TestUSBUnsuitable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lp0")
	if err := os.WriteFile(file, []byte("a letter"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := DialUSB(t.Context(), file); !errors.Is(err, ErrUnsuitable) {
		t.Errorf("a file: %v", err)
	}
	if _, err := DialUSB(t.Context(), filepath.Dir(file)); !errors.Is(err, ErrUnsuitable) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := DialUSB(t.Context(), file+"9"); !errors.Is(err, ErrAbsent) || !errors.Is(err, unix.ENOENT) {
		t.Errorf("nothing: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := DialUSB(over, file); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
