package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// touchOf names the touch of package flow behind an intent where it is not
// called like the constant: IntentKey is Key, but IntentHome is GoHome.
func touchOf(constant string) string {
	name := strings.TrimPrefix(constant, "Intent")
	switch name {
	case "Era", "Lang", "Size", "Contrast", "Volume":
		return "Set" + name
	case "Staff":
		return "CallStaff"
	case "Home":
		return "GoHome"
	}
	return name
}

// emitIntent writes the union of the messages that a screen sends. The data of
// an intent are the fields of its touch, in lower case.
func emitIntent(src *source) (string, error) {
	enum := src.enums["IntentType"]
	if len(enum.values) == 0 {
		return "", fmt.Errorf("cannot find a constant of type IntentType")
	}
	var union strings.Builder
	imports := map[string]bool{}
	e := &emitter{src: src, enums: map[string]bool{}}
	for _, v := range enum.values {
		touch := touchOf(v.name)
		decl, ok := src.structs[touch]
		if !ok || !slices.Contains(src.members["fact"], touch) {
			return "", fmt.Errorf("cannot find the touch %s of intent %q", touch, v.value)
		}
		data := make([]string, 0, len(decl.fields))
		names := make([]string, 0, len(decl.fields))
		for _, f := range decl.fields {
			typ, err := e.fieldType(touch, f)
			if err != nil {
				return "", err
			}
			if _, ok := src.enums[f.typ.name]; ok {
				imports[tsName(f.typ.name)] = true
				// An overlay is opened, never the absence of one.
				if src.enumHas(f.typ.name, "") {
					typ = fmt.Sprintf(`Exclude<%s, "">`, typ)
				}
			}
			name := strings.ToLower(f.name)
			names = append(names, name)
			data = append(data, name+": "+typ)
		}
		if err := agrees(v, names); err != nil {
			return "", err
		}
		union.WriteString(comment("  ", decl.doc))
		fmt.Fprintf(&union, "  | { type: %s", strconv.Quote(v.value))
		if len(data) > 0 {
			fmt.Fprintf(&union, "; data: { %s }", strings.Join(data, "; "))
		}
		union.WriteString(" }\n")
	}

	var out strings.Builder
	out.WriteString(header + "\n")
	if len(imports) > 0 {
		fmt.Fprintf(&out, "import type { %s } from \"./snapshot\";\n\n", strings.Join(slices.Sorted(maps.Keys(imports)), ", "))
	}
	out.WriteString("/** What a person at the screen can do. */\nexport type Intent =\n")
	out.WriteString(strings.TrimRight(union.String(), "\n") + ";\n\n")
	out.WriteString("/** What tells the intents apart. */\nexport type IntentType = Intent[\"type\"];\n\n")
	out.WriteString("/** An intent as it is sent: with the seq of the snapshot that was on the screen. */\n")
	out.WriteString("export type IntentMessage = Intent & { seq: number };\n")
	return out.String(), nil
}

// agrees holds the comment beside the constant, "{plan}" or "{text}: …",
// against the fields of the touch, so that neither can drift.
func agrees(v enumValue, names []string) error {
	said := ""
	if rest, ok := strings.CutPrefix(v.doc, "{"); ok {
		said, _, _ = strings.Cut(rest, "}")
	}
	if is := strings.Join(names, ", "); said != is {
		return fmt.Errorf("cannot agree on the data of intent %q: its comment says {%s}, its touch has {%s}", v.value, said, is)
	}
	return nil
}
