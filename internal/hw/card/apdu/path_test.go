package apdu_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The guard is only worth something if there is no way around it: no dialogue
// may call Transmit itself. Drivers and test doubles are below the guard.
func TestNoPathAroundTheGuard(t *testing.T) {
	above := []string{"jpki", "felica"}
	files := 0
	for _, dir := range above {
		err := fs.WalkDir(os.DirFS(filepath.Join("..", dir)), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join("..", dir, path), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Transmit" {
					t.Errorf("%s talks to the card past the guard", fset.Position(s.Pos()))
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 6 {
		t.Errorf("only %d files were looked at", files)
	}
}
