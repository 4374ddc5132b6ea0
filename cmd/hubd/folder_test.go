package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// refusedStart starts a hub that must not start, and gives what it says.
func refusedStart(t *testing.T, dir string) string {
	t.Helper()
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--demo", "--data", dir, "--api", "127.0.0.1:0", "--console", "127.0.0.1:0"}, os.Getenv, &out, &out); code != exitRun {
		t.Errorf("exit %d: %s", code, out.String())
	}
	return out.String()
}

// Two hubs in one folder would give each other's address away.
func TestOneHubAFolder(t *testing.T) {
	dir := t.TempDir()
	stop, code := start(t, dir)
	before := addressesOf(t, dir)
	if out := refusedStart(t, dir); !strings.Contains(out, "another hubd works in it") {
		t.Errorf("a second one says %s", out)
	}
	if addressesOf(t, dir).API != before.API {
		t.Error("the first one's address was changed")
	}
	stop()
	<-code
	stop, code = start(t, dir)
	stop()
	<-code
}

// A hub whose keys were lost makes no new ones, and takes no others: kiosks would be
// locked out, and what waits there could not be read.
func TestKeysThatAreGoneStayGone(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		stop, code := start(t, d)
		stop()
		<-code
	}
	keys, kept := filepath.Join(dir, "keys"), filepath.Join(dir, "kept")
	must(t, os.Rename(keys, kept))
	if out := refusedStart(t, dir); !strings.Contains(out, "restore the whole folder") {
		t.Errorf("without keys it says %s", out)
	}
	if _, err := os.Stat(keys); err == nil {
		t.Error("it has made new keys")
	}
	must(t, os.CopyFS(keys, os.DirFS(kept)))
	private(t, keys)
	for _, name := range []string{"ca.key", "ca.pem"} {
		b, err := os.ReadFile(filepath.Join(other, "keys", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(keys, name), b, 0o600))
	}
	if out := refusedStart(t, dir); !strings.Contains(out, "belongs to a hub with other keys") {
		t.Errorf("with another CA it says %s", out)
	}
	must(t, os.RemoveAll(keys))
	must(t, os.Rename(kept, keys))
	stop, code := start(t, dir)
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("with its own keys: exit %d", got)
	}
}
