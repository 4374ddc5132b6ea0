package sync

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"time"
)

// killedChild runs this test binary as a child, kills it with SIGKILL at the
// given time after its first commit, and returns what it said it had committed.
func killedChild(t *testing.T, dir string, after time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var kill *time.Timer
	var ids []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if kill == nil {
			kill = time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		if len(lines.Text()) == 26 { // the last line may be cut
			ids = append(ids, lines.Text())
		}
	}
	if err := cmd.Wait(); err == nil || kill == nil {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return ids
}
