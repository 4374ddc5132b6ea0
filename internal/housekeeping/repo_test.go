package housekeeping

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// goFile is a Go source file of the repository.
type goFile struct {
	path string // from the root, with slashes
	pkg  string // its folder
	test bool
	set  *token.FileSet
	ast  *ast.File
	size int // lines
}

// repository parses every Go file that git knows or would add.
func repository(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	for _, name := range listed(t, "*.go") {
		src, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // removed, but not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, goFile{
			path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			set: set, ast: file, size: bytes.Count(src, []byte("\n")),
		})
	}
	if len(files) < 20 {
		t.Fatalf("only %d Go files were found", len(files))
	}
	return files
}

// listed gives the files of the work tree that git does not ignore.
func listed(t *testing.T, pattern string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot list files: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func (f goFile) imports(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, spec := range f.ast.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	type pkg struct{ doc, code bool }
	packages := map[string]pkg{}
	for _, f := range repository(t) {
		if f.test {
			continue
		}
		p := packages[f.pkg]
		p.code = true
		p.doc = p.doc || f.ast.Doc != nil
		packages[f.pkg] = p
	}
	for name, p := range packages {
		if p.code && !p.doc {
			t.Errorf("package %s has no package comment", name)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	const most = 600
	for _, f := range repository(t) {
		if f.size > most && !ast.IsGenerated(f.ast) {
			t.Errorf("%s has %d lines, more than %d: give each idea a file", f.path, f.size, most)
		}
	}
}

// Names of other packages that nothing here may use.
func TestNothingReachesForGlobals(t *testing.T) {
	forbidden := map[string]string{
		"time.Sleep":           "wait on a timer and a context; in tests use testing/synctest",
		"http.DefaultClient":   "inject a client with time limits",
		"http.DefaultServeMux": "make a mux",
		"http.Get":             "inject a client with time limits",
		"http.Post":            "inject a client with time limits",
		"http.ListenAndServe":  "make a server with time limits",
		"slog.Default":         "inject a logger",
		"slog.SetDefault":      "inject a logger",
		"slog.Info":            "inject a logger",
		"slog.Warn":            "inject a logger",
		"slog.Error":           "inject a logger",
		"slog.Debug":           "inject a logger",
	}
	for _, f := range repository(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			name := x.Name + "." + sel.Sel.Name
			if hint, ok := forbidden[name]; ok {
				t.Errorf("%s: %s: %s", f.set.Position(n.Pos()), name, hint)
			}
			return true
		})
	}
}

func TestNothingRunsAtImport(t *testing.T) {
	for _, f := range repository(t) {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: no init functions", f.set.Position(fn.Pos()))
			}
		}
	}
}

func TestNoGrabBagPackages(t *testing.T) {
	for _, f := range repository(t) {
		switch name := strings.TrimSuffix(f.ast.Name.Name, "_test"); name {
		case "util", "utils", "common", "helpers", "misc", "shared", "base":
			t.Errorf("%s: a package is called by what it is about, not %q", f.path, name)
		}
	}
}
