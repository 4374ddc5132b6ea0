package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestAllIsComplete reads the constants from the source, so a code that is
// declared and not listed is found.
func TestAllIsComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Code" {
			s, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, Code(s))
		}
		return true
	})
	all := All()
	if len(declared) < 40 {
		t.Fatalf("only %d codes were found in the source", len(declared))
	}
	for _, c := range declared {
		if !slices.Contains(all, c) {
			t.Errorf("%s is missing in All", c)
		}
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != len(declared) {
		t.Error("All holds a code twice, or one that is not declared")
	}
}

func TestCodeOf(t *testing.T) {
	cause := errors.New("status 6984")
	e := &Error{Device: "card", Op: "verify the PIN", Code: PINBlocked, Cause: cause, Hint: "only a municipal office resets it"}
	for _, tc := range []struct {
		err  error
		want Code
	}{{nil, ""}, {cause, Internal}, {e, PINBlocked}, {fmt.Errorf("sign: %w", e), PINBlocked}} {
		if got := CodeOf(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
	if want := "cannot verify the PIN: pin_blocked: status 6984 (only a municipal office resets it)"; e.Error() != want {
		t.Errorf("%q", e.Error())
	}
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
}
