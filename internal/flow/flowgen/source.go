package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// source is what the Go packages declare. Names of other packages than flow
// are qualified: "fault.Code".
type source struct {
	structs map[string]structDecl
	enums   map[string]enumDecl
	// members lists, by the name of the marker method of a sealed interface
	// ("screen", "fact"), the receivers in the order of their declaration.
	members map[string][]string
	docs    map[string]string // of every type
}

type structDecl struct {
	doc    string
	fields []field
}

type field struct {
	name string // in Go
	json string // "" when there is no tag
	opt  bool   // omitempty or omitzero
	typ  goType
	enum []string // of the tag `enum:"a,b"`
	doc  string
}

// goType is as much of a type as the protocol uses.
type goType struct {
	name  string // "string", "int", "Place", "fault.Code", "time.Time"
	slice bool
	ptr   bool
}

// enumDecl is a string type and its constants.
type enumDecl struct {
	doc    string
	values []enumValue
}

type enumValue struct{ name, value, doc string }

func readSource(internal string, packages ...string) (*source, error) {
	src := &source{
		structs: map[string]structDecl{},
		enums:   map[string]enumDecl{},
		members: map[string][]string{},
		docs:    map[string]string{},
	}
	for _, pkg := range packages {
		prefix := pkg + "."
		if pkg == packages[0] {
			prefix = ""
		}
		paths, err := filepath.Glob(filepath.Join(internal, pkg, "*.go"))
		if err != nil {
			return nil, err
		}
		if len(paths) == 0 {
			return nil, fmt.Errorf("cannot find Go files of package %s under %s", pkg, internal)
		}
		var files []*ast.File
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("cannot parse: %w", err)
			}
			files = append(files, file)
		}
		// Types first: a constant may stand in another file than its type.
		for _, file := range files {
			if err := src.readTypes(prefix, file); err != nil {
				return nil, err
			}
		}
		for _, file := range files {
			if err := src.readConstants(prefix, file); err != nil {
				return nil, err
			}
			src.readMembers(prefix, file)
		}
	}
	return src, nil
}

func (s *source) readTypes(prefix string, file *ast.File) error {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			ts := spec.(*ast.TypeSpec)
			name := prefix + ts.Name.Name
			doc := text(ts.Doc)
			if doc == "" && len(gen.Specs) == 1 {
				doc = text(gen.Doc)
			}
			s.docs[name] = doc
			switch t := ts.Type.(type) {
			case *ast.StructType:
				fields, err := readFields(prefix, t)
				if err != nil {
					return fmt.Errorf("cannot read %s: %w", name, err)
				}
				s.structs[name] = structDecl{doc: doc, fields: fields}
			case *ast.Ident:
				if t.Name == "string" {
					s.enums[name] = enumDecl{doc: doc}
				}
			}
		}
	}
	return nil
}

func readFields(prefix string, t *ast.StructType) ([]field, error) {
	var fields []field
	for _, f := range t.Fields.List {
		typ, known := typeOf(prefix, f.Type)
		doc := text(f.Doc)
		if doc == "" {
			doc = text(f.Comment)
		}
		for _, id := range f.Names {
			one := field{name: id.Name, typ: typ, doc: doc}
			if f.Tag != nil {
				raw, err := strconv.Unquote(f.Tag.Value)
				if err != nil {
					return nil, err
				}
				tag := reflect.StructTag(raw)
				name, opts, _ := strings.Cut(tag.Get("json"), ",")
				one.json = name
				one.opt = strings.Contains(opts, "omitempty") || strings.Contains(opts, "omitzero")
				if e, ok := tag.Lookup("enum"); ok {
					one.enum = strings.Split(e, ",")
				}
			}
			if !known {
				one.typ = goType{} // an error only where it is used
			}
			fields = append(fields, one)
		}
	}
	return fields, nil
}

func typeOf(prefix string, e ast.Expr) (goType, bool) {
	switch e := e.(type) {
	case *ast.Ident:
		if ast.IsExported(e.Name) {
			return goType{name: prefix + e.Name}, true
		}
		return goType{name: e.Name}, true
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok {
			return goType{name: pkg.Name + "." + e.Sel.Name}, true
		}
	case *ast.StarExpr:
		t, ok := typeOf(prefix, e.X)
		t.ptr = true
		return t, ok && !t.slice
	case *ast.ArrayType:
		t, ok := typeOf(prefix, e.Elt)
		simple := ok && !t.slice && !t.ptr && e.Len == nil
		t.slice = true
		return t, simple
	}
	return goType{}, false
}

func (s *source) readConstants(prefix string, file *ast.File) error {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			vs := spec.(*ast.ValueSpec)
			id, ok := vs.Type.(*ast.Ident)
			if !ok {
				continue
			}
			enum, ok := s.enums[prefix+id.Name]
			if !ok {
				continue
			}
			for i, name := range vs.Names {
				if i >= len(vs.Values) {
					return fmt.Errorf("cannot read constant %s: no value", name.Name)
				}
				lit, ok := vs.Values[i].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return fmt.Errorf("cannot read constant %s: its value must be a string literal", name.Name)
				}
				value, err := strconv.Unquote(lit.Value)
				if err != nil {
					return err
				}
				enum.values = append(enum.values, enumValue{name.Name, value, text(vs.Comment)})
			}
			s.enums[prefix+id.Name] = enum
		}
	}
	return nil
}

// readMembers collects marker methods: no name, no parameters, unexported.
func (s *source) readMembers(prefix string, file *ast.File) {
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || ast.IsExported(fn.Name.Name) || len(fn.Body.List) != 0 {
			continue
		}
		if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
			s.members[fn.Name.Name] = append(s.members[fn.Name.Name], prefix+id.Name)
		}
	}
}

func (s *source) enumHas(name, value string) bool {
	return slices.ContainsFunc(s.enums[name].values, func(v enumValue) bool { return v.value == value })
}

func text(c *ast.CommentGroup) string { return strings.TrimSpace(c.Text()) }
