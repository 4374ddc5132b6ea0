package flow

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/STATES.md anew")

const statesDoc = "../../docs/STATES.md"

func statesPage() string {
	return strings.Join([]string{
		"# The visit's steps", "",
		"Drawn from the table in `internal/flow/edges.go` by `go test ./internal/flow -run Diagram -update`; a test keeps it fresh.",
		"Back leads along the way that was taken, *Start over* and the idle end lead from every step of a visit to `goodbye`.",
		"", "```mermaid", strings.TrimRight(Diagram(), "\n"), "```", "",
	}, "\n")
}

func TestDiagramIsFresh(t *testing.T) {
	want := statesPage()
	if *update {
		if err := os.WriteFile(statesDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Fatal("docs/STATES.md is not what the code says: run go test ./internal/flow -run Diagram -update")
	}
}

func TestEveryStepIsReached(t *testing.T) {
	reached := map[StepName]bool{StepTop: true, StepGoodbye: true}
	for from, list := range edges {
		if !slices.Contains(Steps(), from) {
			t.Errorf("step %s is missing in Steps", from)
		}
		for _, e := range list {
			reached[e.to] = true
		}
	}
	for _, s := range Steps() {
		if !reached[s] {
			t.Errorf("no edge leads to %s", s)
		}
		if _, ok := edges[s]; !ok {
			t.Errorf("no row of edges for %s", s)
		}
	}
}
