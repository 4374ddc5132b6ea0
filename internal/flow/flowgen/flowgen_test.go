package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files that the screen is built from are those that the Go sources give now.
func TestGeneratedFilesAreFresh(t *testing.T) {
	files, err := generate("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../../../ui/src/gen", name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("ui/src/gen/%s is stale: run `make generate`", name)
		}
	}
}

// tree writes a small flow package (and empty siblings) to generate from.
func tree(t *testing.T, flow string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"flow/flow.go":   "package flow\n" + flow,
		"fault/fault.go": "package fault\ntype Code string\nconst Bad Code = \"bad\"\n",
		"wire/wire.go":   "package wire\ntype Kind string\nconst KindA Kind = \"a\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const intents = `
type Event struct{}
type Plan string
const PlanFull Plan = "full"
type (
	Start struct{ Plan Plan }
	GoHome struct{}
)
func (Start) fact() {}
func (GoHome) fact() {}
type IntentType string
const (
	IntentStart IntentType = "start" // {plan}
	IntentHome IntentType = "home"
)
`

func TestEmitIntent(t *testing.T) {
	src, err := readSource(tree(t, intents), "flow", "fault", "wire")
	if err != nil {
		t.Fatal(err)
	}
	got, err := emitIntent(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`import type { Plan } from "./snapshot";`,
		`  | { type: "start"; data: { plan: Plan } }`,
		`  | { type: "home" };`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no line %q in:\n%s", want, got)
		}
	}
}

func TestRefusesWhatItCannotSay(t *testing.T) {
	const screen = "type Screen interface{ screen() }\ntype Menu struct{}\nfunc (Menu) screen() {}\n"
	for name, tt := range map[string]struct{ flow, want string }{
		"drifted comment": {strings.Replace(intents, "// {plan}", "// {place}", 1), "cannot agree on the data of intent"},
		"lost touch":      {strings.ReplaceAll(intents, "GoHome", "Home"), "cannot find the touch GoHome"},
		"untagged field":  {intents + screen + "type Snapshot struct{ A int }", "has no json tag"},
		"float":           {intents + screen + "type Snapshot struct{ A float64 `json:\"a\"` }", "no TypeScript type"},
		"nested slice":    {intents + screen + "type Snapshot struct{ A [][]int `json:\"a\"` }", "no TypeScript type"},
		"no screens":      {intents + "type Snapshot struct{}", "cannot find a member"},
		"computed value":  {intents + "const PlanB Plan = \"a\" + \"b\"", "must be a string literal"},
		"not Go":          {"type", "cannot parse"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := generate(tree(t, tt.flow))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestComment(t *testing.T) {
	for _, tt := range []struct{ doc, want string }{
		{"", ""},
		{"One [Snapshot].", "  /** One {@link Snapshot}. */\n"},
		{"One\n\ntwo", "  /**\n   * One\n   *\n   * two\n   */\n"},
	} {
		if got := comment("  ", tt.doc); got != tt.want {
			t.Errorf("comment(%q) = %q, want %q", tt.doc, got, tt.want)
		}
	}
	if got := comment("", "a */ b"); strings.Count(got, "*/") != 1 {
		t.Errorf("a comment can be ended from inside: %q", got)
	}
}
