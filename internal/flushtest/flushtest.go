// Package flushtest sees which files and folders Go code flushes to the disk, and when.
// That a flush is missing shows at no test but a power cut, and package powertest sees
// only what goes through the C library.
//
// The kernel tells: a seccomp filter on the thread that is watched hands each fsync and
// fdatasync to this package, which lets it go on. That takes no privilege, but Linux 5.5
// and a machine that does not forbid seccomp.
package flushtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Watch runs f and calls seen before each flush that f makes, with the path of the file or
// folder: what lies on the disk then can be looked at. Flushes of goroutines that f starts
// are not seen.
func Watch(t testing.TB, f func(), seen func(path string)) {
	t.Helper()
	var listener int
	ready, run, over := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread() // and never unlocked: the thread ends with its filter
		var err error
		listener, err = filter()
		ready <- err
		if err == nil {
			<-run
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatalf("cannot watch flushes: %v", err)
	}
	defer func() { _ = unix.Close(listener) }()
	close(run)
	for {
		select {
		case <-over:
			return
		default:
		}
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		const wait = 20 // ms; f may end without another flush
		if _, err := unix.Poll(fds, wait); err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatalf("cannot watch flushes: %v", err)
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			continue
		}
		if err := pass(listener, seen); err != nil {
			t.Fatalf("cannot watch flushes: %v", err)
		}
	}
}

// Paths runs f and lists what it flushes. Of temporary files, whose names hold a random
// part, what follows the last - is left out.
func Paths(t testing.TB, f func()) (paths []string) {
	t.Helper()
	Watch(t, f, func(path string) {
		if at := strings.LastIndex(filepath.Base(path), "-"); at >= 0 && strings.HasPrefix(filepath.Base(path), ".") {
			path = filepath.Join(filepath.Dir(path), filepath.Base(path)[:at])
		}
		paths = append(paths, path)
	})
	return slices.Compact(paths)
}

// filter puts this thread under watch, and gives what tells of its flushes.
func filter() (listener int, err error) {
	const load, equals, answer = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{
		{Code: load, K: 0}, // the number of the system call
		{Code: equals, K: unix.SYS_FSYNC, Jt: 1},
		{Code: equals, K: unix.SYS_FDATASYNC, Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	of := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&of))) //nolint:gosec // the kernel reads it in this call
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return int(fd), nil
}

// notice and reply are the kernel's seccomp_notif and seccomp_notif_resp.
type notice struct {
	id         uint64
	pid, flags uint32
	call       int32
	arch       uint32
	at         uint64
	args       [6]uint64
}

type reply struct {
	id     uint64
	value  int64
	failed int32
	flags  uint32
}

const goOn = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE

// pass lets one flush go on, once seen has had its look.
func pass(listener int, seen func(path string)) error {
	var n notice
	if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil { //nolint:gosec // as large as the kernel's
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) { // it was interrupted, and comes again
			return nil
		}
		return err
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", int32(n.args[0])))
	if err != nil {
		return err
	}
	seen(path)
	err = ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&reply{id: n.id, flags: goOn})) //nolint:gosec // likewise
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
