package housekeeping

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What takes long strides under the race detector, or is left out there, must be
// named among the tests that tools/test.sh runs without it; and each name must still
// be that of such a test.
func TestCoarseTestsRunFineElsewhere(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(root, "tools/test.sh"))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, list := range regexp.MustCompile(`'\^\(?(Test[\w|]+)\)?\$'`).FindAllStringSubmatch(string(script), -1) {
		named = append(named, strings.Split(list[1], "|")...)
	}
	var coarse []string
	for _, f := range repository(t) {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.test || !strings.HasPrefix(fn.Name.Name, "Test") || !mentions(fn, "underrace", "unraced") {
				continue
			}
			coarse = append(coarse, fn.Name.Name)
			if !slices.Contains(named, fn.Name.Name) {
				t.Errorf("%s: %s is not whole under the race detector, and tools/test.sh does not run it without", f.path, fn.Name.Name)
			}
			if !strings.Contains(string(script), "./"+f.pkg) {
				t.Errorf("tools/test.sh runs nothing of %s without the race detector", f.pkg)
			}
		}
	}
	for _, name := range named {
		if !slices.Contains(coarse, name) {
			t.Errorf("tools/test.sh names %s, which is not coarse under the race detector, or not there", name)
		}
	}
	if len(coarse) < 10 {
		t.Errorf("only %d coarse tests were found", len(coarse))
	}
}

func mentions(fn *ast.FuncDecl, names ...string) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && slices.Contains(names, id.Name) {
			found = true
		}
		return !found
	})
	return found
}
