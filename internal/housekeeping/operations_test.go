package housekeeping

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kioskd/internal/fault"
)

// TestManualHasEveryFault: each code is the heading, and so the anchor, of a
// section that says what the shopper sees, why, and what to do; and no section
// is about a code that does not exist.
func TestManualHasEveryFault(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, faults, found := strings.Cut(string(text), "\n## Fault codes\n")
	if !found {
		t.Fatal("the manual has no fault codes")
	}
	sections := map[fault.Code]string{}
	for _, section := range strings.Split(faults, "\n#### ")[1:] {
		code, body, _ := strings.Cut(section, "\n")
		body, _, _ = strings.Cut(body, "\n### ") // the next group
		if _, twice := sections[fault.Code(code)]; twice {
			t.Errorf("%s has two sections", code)
		}
		sections[fault.Code(code)] = body
	}
	for _, code := range fault.All() {
		body, ok := sections[code]
		if !ok {
			t.Errorf("%s has no section", code)
			continue
		}
		for _, part := range []string{"\n- Sees: ", "\n- Cause: ", "\n- Remedy: "} {
			if !strings.Contains(body, part) {
				t.Errorf("%s: the section lacks %q", code, strings.TrimSpace(part))
			}
		}
		delete(sections, code)
	}
	for code := range sections {
		t.Errorf("the manual has a section on %q, which is no fault code", code)
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z_]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(fault.All(), fault.Code(link[1])) {
			t.Errorf("a link leads to %q, which is no fault code", link[1])
		}
	}
}
