package pcsctest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside marks the environment of a program that was started anew.
const inside = "KIOSKD_PRIVATE_PCSCD"

// Main runs the tests of a package in namespaces of their own.
func Main(m *testing.M) {
	code, err := Isolate()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pcsctest:", err)
		os.Exit(1)
	}
	if code >= 0 {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// Isolate runs this program once more, with the same arguments, in namespaces of
// its own. It returns the exit code of that run; or -1 where this already is
// that run, which then goes on.
func Isolate() (code int, err error) {
	if os.Getenv(inside) != "" {
		return -1, furnish()
	}
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("cannot find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:noctx,gosec // this program itself, as it was called; it ends with it
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	cmd.SysProcAttr = attr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), nil
	case err != nil:
		return 1, fmt.Errorf("cannot start in namespaces of its own (as root it works, or with unprivileged user namespaces): %w", err)
	}
	return 0, nil
}

// furnish makes the new namespaces fit to live in.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot keep mounts to itself: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "size=4m,mode=755"); err != nil {
		return fmt.Errorf("cannot empty /run: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot reach the loopback: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("cannot name the loopback: %w", err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("cannot bring the loopback up: %w", err)
	}
	return nil
}
