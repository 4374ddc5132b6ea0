package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/wire"
)

func kioskCLI(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"kiosk"}, args...), func(string) string { return "" }, &o, &e)
	return code, o.String(), e.String()
}

func TestKioskUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"nonsense"}, {"invite"}, {"invite", "x"}, {"invite", "x", "y", "--data", "d"}, {"invite", "x", "--data", "d", "--for", "2h"},
		{"invite", "x", "--data", "d", "--for", "0s"}, {"invite", "x", "--data", "d", "--name", "nowhere"}, {"list"}, {"list", "x", "--data", "d"},
		{"revoke", "--data", "d"}, {"restore", "--data", "d"}, {"revoke", "x", "--nonsense"}, {"list", "--data", "d", "--store", "x"},
	} {
		if code, out, errs := kioskCLI(t, args...); code != exitUsage || errs == "" || out != "" {
			t.Errorf("%v: exit %d, %q %q", args, code, out, errs)
		}
	}
	if code, _, errs := kioskCLI(t, "list", "--help"); code != exitOK || !strings.Contains(errs, "hubd kiosk list") {
		t.Errorf("help: exit %d, %q", code, errs)
	}
	// A folder that no hub has made is not filled with keys.
	dir := t.TempDir()
	code, _, errs := kioskCLI(t, "invite", "x", "--data", dir)
	if left, err := os.ReadDir(dir); code != exitRun || !strings.Contains(errs, "--data") || err != nil || len(left) != 0 {
		t.Errorf("no hub: exit %d, %q, %v (%v)", code, errs, left, err)
	}
	// Keys without a database beside them are those of a hub whose database is elsewhere.
	_, err := pki.Open(filepath.Join(dir, "keys"), time.Now())
	must(t, err)
	if code, _, errs := kioskCLI(t, "list", "--data", dir); code != exitRun || !strings.Contains(errs, "--store-file") || !strings.Contains(errs, "PostgreSQL") {
		t.Errorf("a database elsewhere: exit %d, %q", code, errs)
	}
}

// The commands work beside a hub that runs.
func TestKioskCommands(t *testing.T) {
	dir := t.TempDir()
	stop, ended := start(t, dir, "--name", "hub.example.jp:443,10.0.0.7:8443")
	code, out, errs := kioskCLI(t, "invite", "--data", dir, "  Store 12 ", "--for", "30m")
	if code != exitOK {
		t.Fatalf("invite: exit %d, %q", code, errs)
	}
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "Store 12,") || strings.Count(out, "\n") < 15 || !strings.ContainsAny(out, "▀▄█") {
		t.Errorf("invite prints\n%s", out)
	}
	code, out, errs = kioskCLI(t, "invite", "Store 13", "--json", "--data", dir, "--name", "other.example.jp:8443")
	var invited struct {
		Code, Name string
		Expires    time.Time
	}
	if err := json.Unmarshal([]byte(out), &invited); err != nil || code != exitOK {
		t.Fatalf("invite: exit %d, %q (%v)", code, errs, err)
	}
	c, err := wire.ParsePairingCode(invited.Code)
	must(t, err)
	keys, err := pki.Open(filepath.Join(dir, "keys"), time.Now())
	must(t, err)
	if c.Host != "other.example.jp:8443" || !c.Pins(keys.CA()) || time.Until(invited.Expires) > time.Hour || time.Until(invited.Expires) < 50*time.Minute {
		t.Errorf("invited with %+v", invited)
	}
	enrol(t, dir, c)
	var list []kioskLine
	_, out, _ = kioskCLI(t, "list", "--data", dir, "--json")
	must(t, json.Unmarshal([]byte(out), &list))
	if len(list) != 2 || list[1].ID != "k-one" || list[1].Name != "Store 13" || list[1].CertUntil.IsZero() {
		t.Errorf("listed %+v", list)
	}
	for _, step := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"revoke", "k-two"}, exitRun, "hubd kiosk list"},
		{[]string{"restore", "k-two"}, exitRun, "hubd kiosk list"},
		{[]string{"restore", "k-one"}, exitOK, "is not revoked: nothing was changed"},
		{[]string{"revoke", "k-one", "--reason", "sto\x1b[31mlen"}, exitOK, "revoked"},
		{[]string{"list"}, exitOK, "sto [31mlen"},
		{[]string{"restore", "k-one"}, exitOK, "accepted again"},
		{[]string{"restore", "k-one"}, exitOK, "is not revoked"},
	} {
		if code, out, errs := kioskCLI(t, append(step.args, "--data", dir)...); code != step.exit || !strings.Contains(out+errs, step.says) {
			t.Errorf("%v: exit %d, %q %q", step.args, code, out, errs)
		}
	}
	stop()
	if got := <-ended; got != exitOK {
		t.Errorf("exit %d", got)
	}
}

// enrol uses the code as the hub would.
func enrol(t *testing.T, dir string, c wire.PairingCode) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "hub.db"))
	must(t, err)
	_, err = s.Enrol(t.Context(), hub.Enrolment{TokenHash: c.TokenHash(), KeyHash: make([]byte, 32), Certificate: hub.NewCertificate("k-one", time.Now())})
	must(t, err)
	must(t, s.Close())
}

func TestPublicName(t *testing.T) {
	for _, tc := range []struct {
		addr, flag, want string
	}{
		{`{"api":"192.0.2.1:8443"}`, "", "192.0.2.1:8443"}, {`{"api":"0.0.0.0:8443"}`, "", ""}, {`{"api":"[::]:8443"}`, "", ""},
		{`{"api":"0.0.0.0:8443","names":["hub.example.jp:443"]}`, "", "hub.example.jp:443"},
		{`{"api":"0.0.0.0:8443"}`, "a.example:1", "a.example:1"}, {"", "", ""},
	} {
		dir := t.TempDir()
		if tc.addr != "" {
			must(t, os.WriteFile(filepath.Join(dir, "addr.json"), []byte(tc.addr), 0o600))
		}
		o := kioskOptions{options: options{data: dir}}
		if tc.flag != "" {
			must(t, o.addNames(tc.flag))
		}
		got, err := publicName(o)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s %s: %q (%v)", tc.addr, tc.flag, got, err)
		}
	}
}
