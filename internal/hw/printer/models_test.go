package printer

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// The table of models and the one of docs/HARDWARE.md are the same, row by row.
func TestModelsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/HARDWARE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n| profile | part of the name | dots | draws QR itself | cuts |\n")
	if !found {
		t.Fatal("docs/HARDWARE.md has no table of models")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	_, table, _ = strings.Cut(table, "\n") // the line below the heads
	word := map[bool]string{true: "yes", false: "no"}
	var rows []string
	for _, m := range models() {
		var p Profile
		m.apply(&p)
		rows = append(rows, "| "+strings.Join([]string{
			"`" + m.name + "`", strings.Join(m.match, ", "), strconv.Itoa(p.Dots), word[p.QR], word[p.Cutter],
		}, " | ")+" |")
	}
	if want := strings.Join(rows, "\n"); table != want {
		t.Errorf("docs/HARDWARE.md has\n%s\nwant\n%s", table, want)
	}
}

// Each part of a name leads to its own row: none is hidden by one above it.
func TestModelsAreFound(t *testing.T) {
	for _, m := range models() {
		for _, part := range m.match {
			if got := known(Profile{}, Identity{Model: strings.ToLower(part)}).Name; got != m.name {
				t.Errorf("%s leads to %s, want %s", part, got, m.name)
			}
		}
	}
	if got := known(Profile{Dots: 576}, Identity{Maker: "Epson", Model: "TM-T88V", Paper: 58}); got.Name != "epson-tm-t88" || got.Dots != 384 {
		t.Errorf("%+v: its own word on its paper counts", got)
	}
	if got := known(Profile{Dots: 576}, Identity{}); got.Name != "probed" || got.Dots != 576 || got.QR {
		t.Errorf("%+v", got)
	}
}
