package line

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network gives both ends of a connection to a printer.
func network(t *testing.T) (near *TCP, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = DialTCP(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = near.Close() })
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	if err := far.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func TestTCP(t *testing.T) {
	t.Run("round trip", func(t *testing.T) {
		near, far := network(t)
		roundTrip(t, near, far)
	})
	t.Run("takes no data, then breaks off", func(t *testing.T) {
		near, far := network(t)
		stalls(t, near)
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, far); !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("the printer saw %v", err)
		}
	})
	t.Run("ends in order", func(t *testing.T) {
		near, far := network(t)
		if _, err := near.Write([]byte("slip")); err != nil {
			t.Error(err)
		}
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		if b, err := io.ReadAll(far); string(b) != "slip" || err != nil {
			t.Errorf("the printer got %q, %v", b, err)
		}
		if err := near.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		near, _ := network(t)
		read, wrote := start(near)
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		for _, err := range []error{<-read, <-wrote} {
			if !errors.Is(err, os.ErrClosed) || !errors.Is(err, ErrClosed) {
				t.Errorf("err = %v", err)
			}
		}
	})
	t.Run("printer went", func(t *testing.T) {
		near, far := network(t)
		read, wrote := start(near)
		far.Close()
		for _, err := range []error{<-read, <-wrote} {
			if !errors.Is(err, ErrUnplugged) {
				t.Errorf("err = %v", err)
			}
		}
	})
}

func TestTCPRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	if _, err := DialTCP(t.Context(), address); !errors.Is(err, ErrRefused) || !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("err = %v", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := DialTCP(late, address); !errors.Is(err, ErrAbsent) {
		t.Errorf("late: %v", err)
	}
	over, cancel2 := context.WithCancel(t.Context())
	cancel2()
	if _, err := DialTCP(over, address); err == nil {
		t.Error("it dialled although it was told not to")
	}
}

func TestTCPIsTuned(t *testing.T) {
	near, _ := network(t)
	raw, err := near.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		level, option int
		low, high     int
	}{
		{"no delay", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1, 1},
		{"keep-alive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, 1},
		{"idle", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 6, 6},
		{"interval", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 3, 3},
		{"count", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3, 3},
		{"user timeout", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 15000, 15000},
		{"send buffer", unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer, 2 * sendBuffer},
	} {
		var got int
		err := control(raw, func(fd int) (err error) {
			got, err = unix.GetsockoptInt(fd, c.level, c.option)
			return err
		})
		if err != nil || got < c.low || got > c.high {
			t.Errorf("%s = %d, %v", c.name, got, err)
		}
	}
}
