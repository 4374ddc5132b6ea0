package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func hubCLI(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, func(string) string { return "" }, &o, &e)
	return code, o.String(), e.String()
}

// A flag that is wrong is told once, and so is the usage.
func TestWrongFlagsAreToldOnce(t *testing.T) {
	for command, head := range map[string]string{
		"": "hubd takes in", "kiosk list": "hubd takes in", "kiosk invite x": "hubd takes in",
		"keys list": "hubd keys changes", "audit verify": "hubd audit looks",
	} {
		for _, wrong := range []string{"--nonsense", "--data"} {
			code, out, errs := hubCLI(t, append(strings.Fields(command), wrong)...)
			what := strings.TrimLeft(wrong, "-")
			told := strings.Count(errs, "not defined: -"+what) + strings.Count(errs, "needs an argument: -"+what)
			if code != exitUsage || out != "" || told != 1 || strings.Count(errs, head) != 1 {
				t.Errorf("hubd %s %s: exit %d, told %d times: %q %q", command, wrong, code, told, out, errs)
			}
			if lines := strings.Split(strings.TrimSpace(errs), "\n"); !strings.HasPrefix(lines[len(lines)-1], "hubd") {
				t.Errorf("hubd %s %s: the last line is %q", command, wrong, lines[len(lines)-1])
			}
		}
	}
	if code, _, errs := hubCLI(t, "keys", "--help"); code != exitOK || strings.Count(errs, "hubd keys changes") != 1 || !strings.Contains(errs, "-vault-key") {
		t.Errorf("help: exit %d, %q", code, errs)
	}
}

// A pipe and a file get no colours.
func TestColoursAreForTerminals(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	defer func() { must(t, r.Close()); must(t, w.Close()) }()
	if isTerminal(w) || isTerminal(&bytes.Buffer{}) {
		t.Error("a pipe counts as a terminal")
	}
	for _, colours := range []bool{true, false} {
		picture, err := terminalQR("K1-TEST@hub.example.jp:8443", colours)
		must(t, err)
		if strings.Contains(picture, "\x1b") != colours || !strings.Contains(picture, "▀") {
			t.Errorf("colours %v: %q", colours, picture)
		}
	}
}
