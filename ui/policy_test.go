package ui

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// checkPolicy holds a Content-Security-Policy against what docs/PROTOCOL.md and
// docs/SECURITY.md promise of it, in words of its own: held against the constant that it
// is made of, an empty one would do.
func checkPolicy(t *testing.T, of string, header http.Header) {
	t.Helper()
	for _, why := range policyLacks(header.Values("Content-Security-Policy")) {
		t.Errorf("policy of %s: %s", of, why)
	}
}

// policyLacks says what is wrong with the policies of an answer.
func policyLacks(policies []string) (wrong []string) {
	if len(policies) != 1 {
		return []string{"there is not one: " + strings.Join(policies, " and ")}
	}
	got := map[string][]string{}
	for directive := range strings.SplitSeq(policies[0], ";") {
		words := strings.Fields(directive)
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if _, twice := got[name]; twice {
			wrong = append(wrong, name+" stands there twice, and browsers heed the first alone")
		}
		got[name] = words[1:]
	}
	// Of these the others follow: what loads has default-src where it is not named, and
	// these alone have nothing to fall back on, but object-src, which is for plug-ins.
	for name, want := range map[string]string{
		"default-src": "'self'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'", "form-action": "'none'",
	} {
		if sources := got[name]; !slices.Equal(sources, []string{want}) {
			wrong = append(wrong, name+" is "+strings.Join(sources, " ")+", not "+want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		for _, source := range got[name] {
			if source != "'self'" && source != "'none'" { // inline, eval, data:, another host
				wrong = append(wrong, name+" lets in "+source)
			}
		}
	}
	return wrong
}

// A check that finds nothing wrong with these would find nothing anywhere.
func TestBadPoliciesAreFound(t *testing.T) {
	const good = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
	for _, c := range []struct{ name, policy, says string }{
		{"as promised", good, ""},
		{"in other words", "Object-Src 'none' ;form-action 'none';; frame-ancestors  'none'; base-uri 'none'; default-src 'self'; script-src 'self'", ""},
		{"empty", "", "default-src is , not 'self'"},
		{"no frame-ancestors", strings.Replace(good, "frame-ancestors 'none'; ", "", 1), "frame-ancestors is , not 'none'"},
		{"a wide default", strings.Replace(good, "'self'", "'self' https:", 1), "default-src lets in https:"},
		{"inline scripts", good + "; script-src 'self' 'unsafe-inline'", "script-src lets in 'unsafe-inline'"},
		{"eval", good + "; script-src 'self' 'unsafe-eval'", "script-src lets in 'unsafe-eval'"},
		{"inline styles", good + "; style-src-attr 'unsafe-inline'", "style-src-attr lets in 'unsafe-inline'"},
		{"data:", good + "; img-src 'self' data:", "img-src lets in data:"},
		{"another host", good + "; connect-src 'self' evil.example", "connect-src lets in evil.example"},
		{"any host", good + "; font-src *", "font-src lets in *"},
		{"forms", strings.Replace(good, "form-action 'none'", "form-action 'self'", 1), "form-action is 'self', not 'none'"},
		{"twice", "default-src 'self'; " + good, "default-src stands there twice"},
	} {
		wrong := strings.Join(policyLacks([]string{c.policy}), "; ")
		if c.says == "" && wrong != "" || !strings.Contains(wrong, c.says) {
			t.Errorf("%s: %q, want %q", c.name, wrong, c.says)
		}
	}
	if len(policyLacks(nil)) == 0 || len(policyLacks([]string{good, good})) == 0 {
		t.Error("none, or several, are taken for one")
	}
}
