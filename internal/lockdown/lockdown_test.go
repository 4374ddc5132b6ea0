package lockdown

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// child is set where this binary runs as the program that is locked down, and says
// what it is to do.
const child = "KIOSKD_LOCKDOWN_CHILD"

func TestMain(m *testing.M) {
	do := os.Getenv(child)
	if do == "" {
		os.Exit(m.Run())
	}
	if err := Enter(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	switch do {
	case "look":
		look()
	case "panic":
		panic("a defect")
	}
}

// seen is what a locked down program finds out about itself.
type seen struct {
	PID       int
	Args      []string
	Core      unix.Rlimit
	Dumpable  int
	Traceback string
	Before    bool // a dropped secret lay in memory
	After     bool // … and did after Forget
}

func look() {
	s := seen{PID: os.Getpid(), Args: os.Args[1:], Traceback: os.Getenv(traceback)}
	var err error
	if err = unix.Getrlimit(unix.RLIMIT_CORE, &s.Core); err == nil {
		s.Dumpable, err = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	}
	dropped := drop()
	s.Before = inMemory(dropped)
	Forget()
	s.After = inMemory(dropped)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// drop leaves a text that nothing refers to in memory, and gives a piece of it to
// search for.
//
//go:noinline
func drop() []byte {
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "<marker %d>", i)
	}
	return bytes.Clone([]byte(text.String())[2000:2100])
}

// inMemory searches the memory of this process for a second copy of what: the search
// itself has one, and one more in the buffer into which it reads.
func inMemory(what []byte) bool {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		panic(err)
	}
	defer func() { _ = mem.Close() }()
	buffer := make([]byte, 1<<20)
	own := func(at uint64) bool {
		for _, b := range [][]byte{what, buffer} {
			begin := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
			if at >= begin && at < begin+uint64(len(b)) {
				return true
			}
		}
		return false
	}
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var rights string
		_, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights)
		if err != nil || !strings.HasPrefix(rights, "rw") || to-from > 1<<29 {
			continue // so large are only the race detector's notes
		}
		for at := from; at < to; at += uint64(len(buffer) / 2) { // windows overlap
			n, err := mem.ReadAt(buffer[:min(uint64(len(buffer)), to-at)], int64(at))
			if err != nil && err != io.EOF {
				break
			}
			for i := 0; ; {
				hit := bytes.Index(buffer[i:n], what)
				if hit < 0 {
					break
				}
				i += hit
				if !own(at + uint64(i)) {
					return true
				}
				i++
			}
		}
	}
	return false
}

func run(t *testing.T, do string, env ...string) (stdout, stderr string, pid int, err error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "one", "two words")
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, traceback+"=") || strings.HasPrefix(pair, godebug+"=")
	}), append(env, child+"="+do)...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), cmd.Process.Pid, err
}

func TestLockedDown(t *testing.T) {
	out, errs, pid, err := run(t, "look", "GOTRACEBACK=crash", "GODEBUG=madvdontneed=1,clobberfree=0")
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	var s seen
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if s.Core.Cur != 0 || s.Core.Max != 0 || s.Dumpable != 0 {
		t.Errorf("dumps can be made: %+v", s)
	}
	if s.Traceback != "" && s.Traceback != quiet {
		t.Errorf("%s is %q", traceback, s.Traceback)
	}
	if s.PID != pid || !slices.Equal(s.Args, []string{"one", "two words"}) {
		t.Errorf("it became another program: %+v, started as %d", s, pid)
	}
	if !s.Before || s.After {
		t.Errorf("a dropped text lies in memory before: %t (want true), after: %t (want false)", s.Before, s.After)
	}
}

// A crash prints where, and asks for no dump, whatever the environment says.
func TestCrashIsQuiet(t *testing.T) {
	_, errs, _, err := run(t, "panic", "GOTRACEBACK=crash")
	exit, ok := err.(*exec.ExitError) //nolint:errorlint // it is what Run returns
	if !ok || exit.ExitCode() != 2 {
		t.Errorf("it ended with %v, want exit status 2 and no signal", err)
	}
	if !strings.Contains(errs, "a defect") || strings.Count(errs, "\ngoroutine ") != 1 {
		t.Errorf("it says more than where: %s", errs)
	}
}

func TestEnviron(t *testing.T) {
	const both = "clobberfree=1,asyncpreemptoff=1"
	for _, c := range []struct {
		name      string
		env, want []string
		changed   bool
	}{
		{"nothing is set", []string{"A=1"}, []string{"A=1", "GODEBUG=" + both}, true},
		{"all is set", []string{"GODEBUG=" + both}, []string{"GODEBUG=" + both}, false},
		{"one is set", []string{"GODEBUG=asyncpreemptoff=1"}, []string{"GODEBUG=asyncpreemptoff=1,clobberfree=1"}, true},
		{"others are kept", []string{"GODEBUG=a=1," + both + ",b=2"}, []string{"GODEBUG=a=1," + both + ",b=2"}, false},
		{"the last word counts", []string{"GODEBUG=" + both + ",clobberfree=0"}, []string{"GODEBUG=" + both + ",clobberfree=0,clobberfree=1"}, true},
		{"a quiet crash is kept", []string{"GOTRACEBACK=none", "GODEBUG=" + both}, []string{"GOTRACEBACK=none", "GODEBUG=" + both}, false},
		{"a loud one is not", []string{"GOTRACEBACK=all", "GODEBUG=" + both}, []string{"GODEBUG=" + both}, true},
	} {
		got, changed := environ(c.env)
		if !slices.Equal(got, c.want) || changed != c.changed {
			t.Errorf("%s: %q, changed %t", c.name, got, changed)
		}
		if again, changed := environ(got); changed || !slices.Equal(again, got) {
			t.Errorf("%s: it would be started over and over", c.name)
		}
	}
}
