package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/wire"
)

var database postgrestest.Server

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(database.Main(m))
}

// Two hubs with the same keys on one PostgreSQL: what a kiosk tells one, the
// other's console shows.
func TestTwoHubsOnPostgreSQL(t *testing.T) {
	url := database.Database(t)
	file := filepath.Join(t.TempDir(), "store")
	must(t, os.WriteFile(file, []byte(url+"\n"), 0o600))
	a, b := t.TempDir(), t.TempDir()
	stopA, codeA := start(t, a, "--store-file", file)
	must(t, os.CopyFS(filepath.Join(b, "keys"), os.DirFS(filepath.Join(a, "keys"))))
	private(t, filepath.Join(b, "keys"))
	t.Setenv("HUBD_STORE", url)
	stopB, codeB := start(t, b, "--sandbox", filepath.Join(a, "sandbox.db"))

	e, err := wire.LoadEnrolment(filepath.Join(a, "enrolment", "demo.json"))
	must(t, err)
	report(t, e)
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Get("http://" + addressesOf(t, b).Console + "/api/kiosks")
	must(t, err)
	var answer any
	must(t, json.NewDecoder(resp.Body).Decode(&answer))
	must(t, resp.Body.Close())
	if text, err := json.Marshal(answer); err != nil || !strings.Contains(string(text), `"top"`) {
		t.Errorf("the other hub shows %s (%v)", text, err)
	}
	for _, name := range []string{filepath.Join(a, "hub.db"), filepath.Join(b, "hub.db"), filepath.Join(b, "sandbox.db")} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("a hub made %s as well: %v", name, err)
		}
	}
	// A hub with keys of its own is another hub.
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"--demo", "--data", t.TempDir()}, os.Getenv, io.Discard, &errs); code != exitRun || !strings.Contains(errs.String(), "keys folder") {
		t.Errorf("other keys: exit %d, %s", code, errs.String())
	}
	stopA()
	stopB()
	if x, y := <-codeA, <-codeB; x != exitOK || y != exitOK {
		t.Errorf("exit %d and %d", x, y)
	}
}

func private(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, name := range names {
		must(t, os.Chmod(name, 0o600))
	}
}

func TestPasswordOfTheStoreIsNotTold(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	must(t, os.WriteFile(open, []byte("postgres://hubd:zebra@127.0.0.1:1/hub"), 0o600))
	must(t, os.Chmod(open, 0o644))
	const away = "postgres://hubd:zebra@127.0.0.1:1/hub?connect_timeout=1"
	for _, tc := range []struct {
		args []string
		env  string
		exit int
		word string
	}{
		{nil, away, exitRun, "start PostgreSQL"},
		{[]string{"--store", away}, "", exitRun, "among the arguments"},
		{[]string{"--store", "postgres://hubd:zebra@x.example/hub"}, "", exitUsage, "verify-full"},
		{[]string{"--store", "postgres://hubd:zebra@127.0.0.1:x/hub"}, "", exitUsage, "cannot read"},
		{[]string{"--store-file", open}, "", exitUsage, "chmod 600"},
	} {
		var out, errs bytes.Buffer
		env := func(name string) string { return map[string]string{"HUBD_STORE": tc.env}[name] }
		code := run(t.Context(), append([]string{"--demo", "--data", t.TempDir()}, tc.args...), env, &out, &errs)
		if code != tc.exit || !strings.Contains(errs.String(), tc.word) {
			t.Errorf("%v: exit %d, %s", tc.args, code, errs.String())
		}
		if strings.Contains(out.String()+errs.String(), "zebra") {
			t.Errorf("the password is in %s", errs.String())
		}
	}
}
