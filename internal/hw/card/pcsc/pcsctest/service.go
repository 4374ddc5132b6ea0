package pcsctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Where the two virtual readers take their cards.
const (
	Addr       = "127.0.0.1:35963"
	SecondAddr = "127.0.0.1:35964"
)

// Names of the two virtual readers.
const (
	First  = "Virtual PCD 00 00"
	Second = "Virtual PCD 00 01"
)

const (
	program = "/usr/sbin/pcscd"
	driver  = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
	socket  = Run + "/pcscd.comm"
)

// Run is the folder in which pcscd, and nothing else, keeps its socket.
const Run = "/run/pcscd"

// Service is a pcscd of one's own. Its methods are for one goroutine.
type Service struct {
	// Log is where what pcscd says goes besides; nil: nowhere.
	Log io.Writer

	dir    string
	cmd    *exec.Cmd
	out    *bytes.Buffer
	ended  chan struct{}
	reader bool
}

// New makes a service that keeps its reader configuration in dir. It does not
// run yet. It must live in namespaces made by [Isolate].
func New(dir string) (*Service, error) {
	if os.Getenv(inside) == "" {
		return nil, errors.New("cannot run a pcscd here: this is not a namespace of its own")
	}
	for _, need := range []string{program, driver} {
		if _, err := os.Stat(need); err != nil {
			return nil, fmt.Errorf("cannot find %s: make deps installs it (pcscd, vsmartcard-vpcd)", need)
		}
	}
	s := &Service{dir: dir}
	return s, s.Plug(true)
}

// Plug decides whether pcscd finds its readers at the next Start. A virtual
// reader cannot be pulled out of a pcscd that runs.
func (s *Service) Plug(in bool) error {
	s.reader = in
	config := "# no reader\n"
	if in {
		config = "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH " + driver + "\nCHANNELID 0x8C7B\n"
	}
	if err := os.WriteFile(filepath.Join(s.dir, "vpcd"), []byte(config), 0o600); err != nil {
		return fmt.Errorf("cannot configure pcscd: %w", err)
	}
	return nil
}

// Start starts pcscd and waits until it serves.
func (s *Service) Start(ctx context.Context) error {
	for _, stale := range []string{socket, filepath.Join(Run, "pcscd.pid")} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot clean up after an earlier pcscd: %w", err)
		}
	}
	s.out = &bytes.Buffer{}
	s.cmd = exec.Command(program, "--foreground", "--config", s.dir) //nolint:noctx // ended by Kill
	s.cmd.Stdout = s.out
	if s.Log != nil {
		s.cmd.Stdout = io.MultiWriter(s.out, s.Log)
	}
	s.cmd.Stderr = s.cmd.Stdout
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("cannot start pcscd: %w", err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // how it ends is up to the test
		close(ended)
	}(s.cmd, s.ended)
	return s.serves(ctx)
}

// serves waits until pcscd takes connections, and vpcd its cards.
func (s *Service) serves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "unix", socket)
		if err == nil {
			_ = c.Close()
			return nil
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("cannot start pcscd: it has ended and said: %s", s.out)
		case <-ctx.Done():
			return fmt.Errorf("cannot reach pcscd: %w", err)
		}
	}
}

// Ended is closed when the pcscd that Start has started is no more.
func (s *Service) Ended() <-chan struct{} { return s.ended }

// Kill ends pcscd at once, as a crash would.
func (s *Service) Kill() { s.end(syscall.SIGKILL) }

// Stop ends pcscd in good order.
func (s *Service) Stop() { s.end(syscall.SIGTERM) }

// Freeze stops pcscd in the middle of whatever it does; Thaw lets it go on.
func (s *Service) Freeze() {
	_ = s.cmd.Process.Signal(syscall.SIGSTOP) // it may have ended already
	// The signal is on its way when that returns: a thread may still answer.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !s.stands() {
		<-tick.C
	}
}

// stands reports whether every thread has stopped, or is gone.
func (s *Service) stands() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", s.PID()))
	if err != nil {
		return true
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		name := strings.LastIndex(string(stat), ") ") // it may hold anything
		if state := stat[name+2:]; name >= 0 && len(state) > 0 && !strings.ContainsRune("TtZX", rune(state[0])) {
			return false
		}
	}
	return true
}

// Thaw is the end of Freeze.
func (s *Service) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// PID of the pcscd that runs.
func (s *Service) PID() int { return s.cmd.Process.Pid }

func (s *Service) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig) // it may have ended already
	<-s.ended
	s.cmd = nil
}
