package lockdown

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Enter locks the process down. It belongs at the very start of main: where the
// environment is not what it must be, the program is started anew in its place,
// under the same process ID.
func Enter() error {
	// Also what is started from here, now and later, leaves no dump.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("cannot turn core dumps off: %w", err)
	}
	if env, changed := environ(os.Environ()); changed {
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("cannot start with overwritten memory: %w", err)
		}
		return fmt.Errorf("cannot start with overwritten memory: %w", unix.Exec(program, os.Args, env))
	}
	// Neither a dump, also where dumps are piped to a program, nor ptrace or
	// /proc/PID/mem for anybody but root. An exec would take this back.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot close the memory to other programs: %w", err)
	}
	return nil
}

// Forget has everything overwritten that the program does not hold on to any
// more, and gives free pages back to the kernel. It takes some tens of
// milliseconds, during which the program goes on.
func Forget() {
	// The first collection runs what sync.Pool and finalizers held back into the
	// second one's hands.
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}
