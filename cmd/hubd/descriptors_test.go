package main

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"kioskd/internal/hub"
)

// failing is a listener of a process without a file descriptor.
type failing struct{ err error }

func (f failing) Accept() (net.Conn, error) { return nil, f.err }
func (failing) Close() error                { return nil }
func (failing) Addr() net.Addr              { return &net.TCPAddr{} }

func TestNoDescriptorLeftIsToldOnce(t *testing.T) {
	var out bytes.Buffer
	c := &complaint{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError}))}
	accept := func(err error) {
		t.Helper()
		if _, got := c.over(failing{err}).Accept(); got != err { //nolint:errorlint // as it is
			t.Errorf("error %v, not %v", got, err)
		}
	}
	accept(net.ErrClosed)
	accept(&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.ECONNABORTED)})
	if out.Len() > 0 {
		t.Errorf("told of nothing: %s", out.String())
	}
	for range 3 {
		accept(&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)})
	}
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "too many open files") {
		t.Errorf("the log is\n%s", text)
	}
}

func TestDescriptors(t *testing.T) {
	for _, tc := range []struct {
		files, links, strangers, want int
		warned                        bool
	}{
		{1 << 20, hub.DefaultMaxLinks, 0, hub.DefaultStrangers, false},
		{1024, 500, 0, 256, false},
		{1024, hub.DefaultMaxLinks, 0, 256, true},
		{200, 20, 0, 50, false},
		{200, 20, 100, 100, true},
		{1, 1, 0, 1, true},
	} {
		var out bytes.Buffer
		o := options{maxLinks: tc.links, maxStrangers: tc.strangers}
		o.checkFiles(tc.files, slog.New(slog.NewTextHandler(&out, nil)))
		if got := o.strangersOf(tc.files); got != tc.want || out.Len() > 0 != tc.warned {
			t.Errorf("%+v: %d strangers, %q", tc, got, out.String())
		}
	}
	if n := maxFiles(); n < 10 {
		t.Errorf("%d descriptors", n)
	}
}
