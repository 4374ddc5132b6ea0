package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// process is a server that the bench has started.
type process struct {
	cmd  *exec.Cmd
	addr string
	dir  string
}

// serving is how a server tells its address.
var serving = regexp.MustCompile(`http://([0-9.]+:[0-9]+)`)

// startKioskd starts the daemon with a data folder of its own.
func startKioskd(ctx context.Context, binary string) (*process, error) {
	dir, err := os.MkdirTemp("", "kioskd-bench-")
	if err != nil {
		return nil, err
	}
	p, err := launch(ctx, binary, "--sim", "--data", dir, "--enrolment", filepath.Join(dir, "none.json"), "--listen", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p.dir = dir
	return p, nil
}

// launch starts a server and waits until it has told its address.
func launch(ctx context.Context, binary string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w (make build?)", binary, err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := serving.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() { // so that it never waits for a reader
				}
			}()
			return &process{cmd: cmd, addr: m[1]}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("cannot learn the address of %s", binary), cmd.Wait())
}

// stop ends the server in good order.
func (p *process) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	// The error of Wait is about the log that is not read to its end.
	_ = p.cmd.Wait()
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

// window opens a WebSocket.
func (p *process) window(ctx context.Context) (*websocket.Conn, error) {
	ws, resp, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+p.addr+"/ws", http.Header{"Origin": {"http://" + p.addr}})
	if err != nil {
		return nil, fmt.Errorf("cannot open a window: %w", err)
	}
	return ws, errors.Join(resp.Body.Close(), ws.SetReadDeadline(time.Now().Add(5*time.Minute)))
}
