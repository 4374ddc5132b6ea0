package lang_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/lang"
)

func load(t *testing.T) *lang.Texts {
	t.Helper()
	texts, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// TestLanguagesAgree: all files have the same keys, and every text the same placeholders.
func TestLanguagesAgree(t *testing.T) {
	texts := load(t)
	if got := texts.Langs(); got[0] != "ja" || !slices.Contains(got, "en") {
		t.Fatalf("languages are %v", got)
	}
	want := texts.Keys(lang.Fallback)
	for _, l := range texts.Langs() {
		if diff := cmp.Diff(want, texts.Keys(l)); diff != "" {
			t.Errorf("%s: keys differ from Japanese (-ja +%s):\n%s", l, l, diff)
		}
		for _, key := range texts.Keys(l) {
			text := texts.T(l, key)
			if strings.TrimSpace(text) != text {
				t.Errorf("%s %s: padded: %q", l, key, text)
			}
			// Empty means "nothing stands here", which no language can see otherwise.
			if (text == "") != (texts.T(lang.Fallback, key) == "") {
				t.Errorf("%s %s: empty in one language only: %q", l, key, text)
			}
			got, ref := placeholders(text), placeholders(texts.T(lang.Fallback, key))
			if !slices.Equal(got, ref) {
				t.Errorf("%s %s: placeholders %v, Japanese has %v", l, key, got, ref)
			}
			for _, p := range got {
				if !regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`).MatchString(p) {
					t.Errorf("%s %s: malformed placeholder %s", l, key, p)
				}
			}
			if rest := placeholder.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}") {
				t.Errorf("%s %s: a brace stands alone: %q", l, key, text)
			}
		}
	}
}

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// TestNoKeyTwice: a JSON object silently keeps the last of two equal keys.
func TestNoKeyTwice(t *testing.T) {
	for _, l := range load(t).Langs() {
		data, err := os.ReadFile(l + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		d := json.NewDecoder(bytes.NewReader(data))
		for isKey := false; ; isKey = !isKey {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			s, ok := token.(string)
			if !ok || !isKey {
				continue
			}
			if seen[s] {
				t.Errorf("%s: %s is there twice", l, s)
			}
			seen[s] = true
		}
	}
}

func TestTFillsAndFallsBack(t *testing.T) {
	texts, err := lang.Read(fstest.MapFS{
		"ja.json": {Data: []byte(`{"hi":"{name}さん、{n}件","only":"日本語"}`)},
		"en.json": {Data: []byte(`{"hi":"{n} for {name}"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ lang, key, want string }{
		{"ja", "hi", "{n}さん、2件"},
		{"en", "hi", "2 for {n}"}, // a value is never filled again
		{"en", "only", "日本語"},
		{"pt", "only", "日本語"},
		{"en", "none", "none"},
	}
	for _, tt := range tests {
		if got := texts.T(tt.lang, tt.key, "name", "{n}", "n", "2"); got != tt.want {
			t.Errorf("T(%s, %s) = %q, want %q", tt.lang, tt.key, got, tt.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, dir := range map[string]fstest.MapFS{
		"no Japanese": {"en.json": {Data: []byte(`{}`)}},
		"not JSON":    {"ja.json": {Data: []byte(`{`)}},
		"not flat":    {"ja.json": {Data: []byte(`{"a":{"b":"c"}}`)}},
	} {
		if _, err := lang.Read(dir); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
