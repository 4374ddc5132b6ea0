package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/wire"
)

// tool runs hubd keys.
func tool(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), append([]string{"keys"}, args...), os.Getenv, &b, &b)
	return code, b.String()
}

// Every key of a hub is changed while it runs; the hub follows at SIGHUP, and a
// restart with the old vault key is refused with a word that helps.
func TestKeysAreChangedUnderARunningHub(t *testing.T) {
	dir := t.TempDir()
	stop, code := start(t, dir)
	e, err := wire.LoadEnrolment(filepath.Join(dir, "enrolment", "demo.json"))
	must(t, err)
	report(t, e)
	old, err := os.ReadFile(filepath.Join(dir, "keys", "vault.key"))
	must(t, err)
	for _, kind := range []string{"ack", "seal", "vault"} {
		for _, c := range []struct {
			args []string
			exit int
			word string
		}{
			{[]string{"use", kind}, exitRun, "rotate first"},
			{[]string{"rotate", kind}, exitOK, "is next"},
			{[]string{"rotate", kind}, exitRun, "use it first"},
			{[]string{"use", kind}, exitRun, "--now does not wait"},
			{[]string{"use", kind, "--now"}, exitOK, "is in use"},
		} {
			if code, out := tool(t, append(c.args, "--data", dir)...); code != c.exit || !strings.Contains(out, c.word) {
				t.Errorf("%v: exit %d, %s", c.args, code, out)
			}
		}
	}
	var want []string
	for _, kind := range []string{"ack", "seal", "vault"} {
		for _, c := range []struct {
			verb string
			done bool
		}{{"use_", false}, {"rotate_", true}, {"rotate_", false}, {"use_", false}, {"use_", true}} {
			want = append(want, "keys_begun "+c.verb+kind)
			if !c.done {
				want = append(want, "keys_failed "+c.verb+kind)
			}
		}
	}
	if got := noted(t, dir); !slices.Equal(got, want) {
		t.Errorf("noted are %q", got)
	}
	_, list := tool(t, "list", "--data", dir)
	earlier := regexp.MustCompile(`(?m)^(\w+) +(\S+) +earlier`).FindAllStringSubmatch(list, -1)
	if len(earlier) != 3 {
		t.Fatalf("listed as\n%s", list)
	}
	report(t, e) // the kiosk goes on
	stop()
	if c := <-code; c != exitOK {
		t.Errorf("exit %d", c)
	}
	stop, code = start(t, dir)
	for _, k := range earlier {
		args := []string{"retire", k[1], k[2], "--data", dir}
		if k[1] == "seal" {
			if code, out := tool(t, args...); code != exitRun || !strings.Contains(out, "would be lost") {
				t.Errorf("retires a seal key: exit %d, %s", code, out)
			}
			args = append(args, "--delete")
		}
		if k[1] == "vault" {
			if code, out := tool(t, args...); code != exitRun || !strings.Contains(out, "may still encrypt") {
				t.Errorf("retires a vault key too early: exit %d, %s", code, out)
			}
			args = append(args, "--now")
		}
		if code, out := tool(t, args...); code != exitOK || !strings.Contains(out, "is gone") {
			t.Errorf("%v: exit %d, %s", args, code, out)
		}
	}
	if code, out := tool(t, "reseal", "--data", dir); code != exitOK || !strings.Contains(out, "0 rows") {
		t.Errorf("reseal: exit %d, %s", code, out)
	}
	stop()
	<-code
	must(t, os.WriteFile(filepath.Join(dir, "keys", "vault.key"), old, 0o600))
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"--demo", "--data", dir}, os.Getenv, &errs, &errs); code != exitRun || !strings.Contains(errs.String(), "--vault-key") {
		t.Errorf("an old vault key: exit %d, %s", code, errs.String())
	}
}

func TestVaultKeyElsewhere(t *testing.T) {
	dir, creds := t.TempDir(), t.TempDir()
	stop, code := start(t, dir, "--vault-key", filepath.Join(creds, "vault.key"))
	stop()
	if c := <-code; c != exitOK {
		t.Fatalf("exit %d", c)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys", "vault.key")); !os.IsNotExist(err) {
		t.Errorf("it lies beside the database: %v", err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", creds)
	stop, code = start(t, dir)
	stop()
	if c := <-code; c != exitOK {
		t.Errorf("as a credential: exit %d", c)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"--demo", "--data", dir}, os.Getenv, &errs, &errs); code != exitRun || !strings.Contains(errs.String(), "backup") {
		t.Errorf("without it: exit %d, %s", code, errs.String())
	}
}

// A mistyped folder does not become another hub.
func TestKeysMakeNoHub(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"list"}, {"rotate", "ack"}, {"use", "ack"}, {"retire", "ack", "x"}, {"reseal"}} {
		if code, out := tool(t, append(args, "--data", filepath.Join(dir, "typo"))...); code != exitRun || !strings.Contains(out, "--data") {
			t.Errorf("%v: exit %d, %s", args, code, out)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("it made %v (%v)", list, err)
	}
}

func TestKeysUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"turn"}, {"list"}, {"list", "x", "--data", "x"}, {"rotate", "--data", "x"}, {"rotate", "ca", "--data", "x"},
		{"retire", "ack", "--data", "x"}, {"list", "--data", "x", "more"}, {"use", "ack", "--nonsense"}, {"list", "--data", "x", "--store", "hub.db"},
	} {
		if code, out := tool(t, args...); code != exitUsage || out == "" {
			t.Errorf("%v: exit %d, %q", args, code, out)
		}
	}
	for args, want := range map[string]string{
		"retire":            "hubd keys retire takes KIND ID: KIND is ack, seal or vault, and hubd keys list shows each ID",
		"retire ack":        "retire takes KIND ID",
		"use ack x":         "hubd keys use takes KIND: KIND is ack, seal or vault",
		"list x":            "hubd keys list takes none",
		"retire ack x more": "retire takes KIND ID",
	} {
		if code, out := tool(t, append(strings.Fields(args), "--data", "x")...); code != exitUsage || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d, %q", args, code, out)
		}
	}
}
