package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"kioskd/internal/config"
	"kioskd/ui"
)

// screenFile is what the kiosk's browser is opened with. The token stands in a
// file and not in the browser's arguments, which everybody on the machine can read.
const screenFile = "screen.html"

const screenPage = `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=%s">
<title>kioskd</title>
`

// newToken makes the token of this start, "" where none is asked for.
func newToken(cfg config.Config) string {
	if !cfg.TokenRequired() {
		return ""
	}
	return rand.Text()
}

// writeScreen writes the page that leads to the screen. In the folder that systemd
// makes for it the group of the daemon may read it: the user of the browser belongs
// to it. It returns what takes the page away again.
func writeScreen(cfg config.Config, addr net.Addr, token string, getenv func(string) string) (remove func() error, err error) {
	dir, mode := cfg.Data, fs.FileMode(0o600)
	if run, _, _ := strings.Cut(getenv("RUNTIME_DIRECTORY"), ":"); run != "" {
		dir, mode = run, 0o640
	}
	path := filepath.Join(dir, screenFile)
	if token == "" {
		return func() error { return nil }, gone(os.Remove(path)) // that of an earlier start
	}
	page := fmt.Sprintf(screenPage, "http://"+reachable(addr)+ui.ScreenPath(token))
	fresh := path + ".new"
	err = gone(os.Remove(fresh))
	if err == nil {
		err = os.WriteFile(fresh, []byte(page), 0o600)
	}
	if err == nil {
		err = os.Chmod(fresh, mode)
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write the page that opens the screen: %w", err)
	}
	return func() error { return gone(os.Remove(path)) }, nil
}

// gone is the error of taking away a file that need not be there.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// listenForScreen opens the address of the screen.
func listenForScreen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case err == nil:
		return ln, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("cannot serve the screen: %w: another kioskd, or another program, has this address: "+
			"end that one, or set another listen in [screen] (or --listen)", err)
	}
	return nil, fmt.Errorf("cannot serve the screen: %w: listen in [screen] (or --listen) names it", err)
}

// reachable is where a browser on this machine finds addr.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr.String()
}
