// Package postgrestest runs tests on a real PostgreSQL that is theirs alone: data
// in a temporary folder, a socket in that folder and no port, so nothing on the
// machine is used, disturbed or open to anybody else.
//
//	var server postgrestest.Server // in a _test.go file
//
//	func TestMain(m *testing.M) { os.Exit(server.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		url := server.Database(t) // a new, empty database
//		…
//	}
//
//	func TestPowerCut(t *testing.T) {
//		own := postgrestest.New(t) // which only this test feels
//		url := own.Database(t)
//		own.Stop(t)
//		own.Start(t)
//	}
//
// The server starts with the first test that asks for it, and ends with the test
// binary, also when that is killed. It flushes what it commits, as a real one
// does. Debian's package postgresql-15 must be installed; `make deps` sees to that.
package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// owner is the server's superuser.
	owner = "owner"
	// ready is what the server logs when it takes connections.
	ready = "database system is ready to accept connections"
	// prefix of the data folders; the process id of the test binary follows.
	prefix     = "kioskd-pg-"
	startLimit = time.Minute
	stopLimit  = 20 * time.Second
)

// Server is a PostgreSQL server of one's own. Its zero value is ready for use; it
// is safe for concurrent use.
type Server struct {
	mu        sync.Mutex
	bin       string              // folder of the programs
	dir       string              // "" before the first start
	as        *syscall.Credential // nil: as whoever runs the tests
	process   *os.Process         // nil: not running
	ended     chan struct{}       // closed when the process has ended
	log       tail
	databases int
}

// start makes a cluster, unless there is one, and runs the server.
func (s *Server) start() error {
	if s.dir == "" {
		if err := s.create(); err != nil {
			return err
		}
	}
	if s.process != nil {
		return nil
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), //nolint:noctx // stop ends it
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+s.dir, "-c", "unix_socket_permissions=0700",
		"-c", "shared_buffers=16MB", "-c", "max_connections=120", "-c", "max_wal_size=256MB", "-c", "log_statement=none",
		"-c", "lc_messages=C")
	cmd.Dir, cmd.Env = s.dir, environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT} // at once, without farewell
	out, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot start PostgreSQL: %w", err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	started, ended, up := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the process, so
		// that one is kept until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- errors.Join(err, w.Close())
		if err == nil {
			_ = cmd.Wait() // how it ended, its log says
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		return errors.Join(fmt.Errorf("cannot start PostgreSQL: %w", err), out.Close())
	}
	go s.log.follow(out, ready, up)
	s.process, s.ended = cmd.Process, ended
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-up:
		return nil
	case <-ended:
		s.process = nil
		return fmt.Errorf("cannot start PostgreSQL:\n%s", s.log.String())
	case <-limit.C:
		return errors.Join(fmt.Errorf("cannot start PostgreSQL within %v:\n%s", startLimit, s.log.String()), s.stop())
	}
}

// stop ends the server at once, as a power cut of the server would.
func (s *Server) stop() error {
	if s.process == nil {
		return nil
	}
	p, ended := s.process, s.ended
	s.process = nil
	if err := p.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot stop PostgreSQL: %w", err)
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-ended:
		return nil
	case <-limit.C:
		return errors.Join(errors.New("cannot stop PostgreSQL: killed"), p.Kill())
	}
}

// close stops the server and removes its data.
func (s *Server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.stop()
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// create makes an empty cluster in a new folder.
func (s *Server) create() error {
	bin, err := programs()
	if err != nil {
		return err
	}
	sweep()
	dir, err := os.MkdirTemp("", prefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return fmt.Errorf("cannot make a folder for PostgreSQL: %w", err)
	}
	s.bin = bin
	if s.as, err = unprivileged(); err == nil && s.as != nil {
		err = os.Chown(dir, int(s.as.Uid), int(s.as.Gid))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot give PostgreSQL its folder: %w", err), os.RemoveAll(dir))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", owner,
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.Env = dir, environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("cannot make a PostgreSQL cluster: %w\n%s", err, out), os.RemoveAll(dir))
	}
	s.dir = dir
	return nil
}

// sweep removes the folders of test binaries that were killed. Their servers ended
// with them.
func sweep() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
		if _, err := os.Stat("/proc/" + pid); errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(dir) // another user's stays
		}
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) url(role, database string) string {
	q := url.Values{"host": {s.dir}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: q.Encode()}).String()
}

// programs finds the newest PostgreSQL on the machine.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", fmt.Errorf("cannot look for PostgreSQL: %w", err)
	}
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", errors.New("cannot find PostgreSQL: install postgresql-15 (make deps)")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// unprivileged gives whom to run as: PostgreSQL refuses root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other user is needed
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find a user: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot read user id: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("cannot read group id: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// environment is free of the caller's PG… settings.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

// tail keeps the end of the server's log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

// follow reads the log to its end, and closes seen at the first line with mark.
func (l *tail) follow(r io.ReadCloser, mark string, seen chan<- struct{}) {
	const most = 200
	defer func() { _ = r.Close() }()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		l.mu.Lock()
		l.lines = append(l.lines, lines.Text())
		l.lines = l.lines[max(len(l.lines)-most, 0):]
		l.mu.Unlock()
		if seen != nil && strings.Contains(lines.Text(), mark) {
			close(seen)
			seen = nil
		}
	}
}

// String gives the lines.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
