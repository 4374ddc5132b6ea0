package walk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The real programs close themselves, not only the package that can: no dump, and nobody
// but root reads their memory. Whose memory root's own programs' is says nothing of that,
// so for root they run as somebody else.
func TestTheProgramsAreLockedDown(t *testing.T) {
	bin := t.TempDir()
	build(t, bin)
	r := newRig(t, bin, func(r *rig) { r.as = commoner(t, r.bin, r.dir) })
	plain := exec.Command("cat") // which waits for its end
	plain.SysProcAttr = &syscall.SysProcAttr{Credential: r.as}
	end, err := plain.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Start(); err != nil {
		t.Fatal(err)
	}
	if ownerOfMemory(t, plain) == 0 {
		t.Error("the memory of any program is root's: this test sees nothing")
	}
	if err := errors.Join(end.Close(), plain.Wait()); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*process{r.kioskd, r.hubd} {
		name := filepath.Base(p.cmd.Path)
		if uid := ownerOfMemory(t, p.cmd); uid != 0 {
			t.Errorf("%s: the user %d can read its memory, and its dump", name, uid)
		}
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(limits)) {
			if rest, ok := strings.CutPrefix(line, "Max core file size"); ok && strings.Join(strings.Fields(rest)[:2], " ") != "0 0" {
				t.Errorf("%s: %s", name, line)
			}
		}
		if !strings.Contains(string(limits), "Max core file size") {
			t.Errorf("%s: the limit of core dumps is not told", name)
		}
	}
}

// ownerOfMemory gives the user whose the memory of a process is, for the kernel: whom it
// runs as, or root where it is not dumpable.
func ownerOfMemory(t *testing.T, program *exec.Cmd) uint32 {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", program.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}

// commoner gives somebody who is not root, and can use these folders of a test; nil for
// whoever runs the test, where that is not root.
func commoner(t *testing.T, bin, data string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	// The test's folder is closed to others. What cannot be read is not dumpable anyway.
	for _, dir := range []string{filepath.Dir(bin), filepath.Dir(data)} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(data, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
