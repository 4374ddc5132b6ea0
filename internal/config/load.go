package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxSize of a configuration file in bytes.
const maxSize = 64 << 10

// Load reads a file. The error joins one [*Problem] for each mistake.
func Load(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		hint := "name the file that kioskd is started with"
		if errors.Is(err, os.ErrPermission) {
			hint = "let the user that kioskd runs as read it"
		}
		return Config{}, &Problem{Text: "cannot read: " + err.Error(), Hint: hint}
	}
	return Parse(path, data)
}

// Parse reads the text of a file called name.
func Parse(name string, data []byte) (Config, error) {
	if len(data) > maxSize {
		return Config{}, &Problem{File: name, Text: fmt.Sprintf("is larger than %d bytes", maxSize), Hint: "this is not a configuration of kioskd"}
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		p := &Problem{File: name, Text: "is not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
		if where, ok := errors.AsType[*toml.DecodeError](err); ok {
			p.Line, _ = where.Position()
			p.Hint = "texts stand in double quotes, one key = value a line"
		}
		return Config{}, p
	}

	cfg := Default()
	lines := lineNumbers(data)
	known := keys()
	var problems []*Problem
	leaves := flatten("", tree)
	refused := map[string]bool{} // the type was wrong: there is no value to judge
	for _, key := range slices.Sorted(maps.Keys(leaves)) {
		k, ok := known[key]
		if !ok && isSection(key) {
			problems = append(problems, &Problem{Key: key, Text: "is a section, not a key", Hint: "write [" + key + "] on a line of its own"})
			continue
		}
		if !ok {
			problems = append(problems, &Problem{Key: key, Text: "is not a key", Hint: suggest(key, known)})
			continue
		}
		if hint := k(&cfg, leaves[key]); hint != "" {
			refused[key] = true
			problems = append(problems, &Problem{Key: key, Text: fmt.Sprintf("cannot be %v", leaves[key]), Hint: hint})
		}
	}
	for _, p := range cfg.problems() {
		if !refused[p.Key] {
			problems = append(problems, p)
		}
	}
	for _, p := range problems {
		p.File, p.Line = name, lines.of(p.Key)
	}
	if err := join(problems); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// flatten gives the leaves by their dotted keys. An empty table has none.
func flatten(prefix string, table map[string]any) map[string]any {
	leaves := map[string]any{}
	for name, v := range table {
		key := prefix + name
		if sub, ok := v.(map[string]any); ok {
			maps.Copy(leaves, flatten(key+".", sub))
			if len(sub) == 0 && !isSection(key) {
				leaves[key] = sub
			}
			continue
		}
		leaves[key] = v
	}
	return leaves
}

func isSection(name string) bool {
	for key := range keys() {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}
