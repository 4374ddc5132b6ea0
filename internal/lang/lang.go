// Package lang holds the texts of the screen and of the slip: one flat JSON
// file a language, key to text, with placeholders such as {name}. Japanese is
// the language that everything falls back to. [Texts] is immutable and shared.
package lang

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

// Fallback is the language that every key has.
const Fallback = "ja"

// Texts are all texts of all languages.
type Texts struct {
	byLang map[string]map[string]string
	langs  []string
}

// Load reads the built-in files.
func Load() (*Texts, error) { return Read(files) }

// Read reads one file a language, "<code>.json", from the top of dir.
func Read(dir fs.FS) (*Texts, error) {
	names, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, fmt.Errorf("cannot list texts: %w", err)
	}
	t := &Texts{byLang: map[string]map[string]string{}}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read texts: %w", err)
		}
		var texts map[string]string
		if err := json.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("cannot read texts %s: %w", name, err)
		}
		code := strings.TrimSuffix(path.Base(name), ".json")
		t.byLang[code] = texts
		t.langs = append(t.langs, code)
	}
	if t.byLang[Fallback] == nil {
		return nil, errors.New("cannot read texts: " + Fallback + ".json is missing")
	}
	slices.SortFunc(t.langs, func(a, b string) int {
		switch Fallback { // Japanese first, then by code
		case a:
			return -1
		case b:
			return 1
		}
		return strings.Compare(a, b)
	})
	return t, nil
}

// Langs gives the language codes, Japanese first.
func (t *Texts) Langs() []string { return slices.Clone(t.langs) }

// Keys gives the keys of a language, sorted.
func (t *Texts) Keys(lang string) []string {
	keys := make([]string, 0, len(t.byLang[lang]))
	for k := range t.byLang[lang] {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Has reports whether the key exists.
func (t *Texts) Has(key string) bool {
	_, ok := t.byLang[Fallback][key]
	return ok
}

// T gives the text of key in lang, else in Japanese, else the key itself. args
// are pairs of placeholder and value: T("en", "hi", "name", "Hana") fills {name}.
func (t *Texts) T(lang, key string, args ...string) string {
	text, ok := t.byLang[lang][key]
	if !ok {
		if text, ok = t.byLang[Fallback][key]; !ok {
			return key
		}
	}
	if len(args) < 2 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
