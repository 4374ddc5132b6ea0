package ui

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ask serves one request to a server with a brand.
func ask(t *testing.T, b Brand, path string) *httptest.ResponseRecorder {
	t.Helper()
	s := New(Options{Brand: b, Log: slog.New(slog.DiscardHandler)})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080"+path, http.NoBody)
	w := httptest.NewRecorder()
	s.Handler(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}).ServeHTTP(w, req)
	return w
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBrandIsServed(t *testing.T) {
	const svg = `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	b, err := LoadBrand("#0B5A8F", write(t, "logo.svg", svg))
	if err != nil {
		t.Fatal(err)
	}
	res := ask(t, b, "/brand.css")
	if got := res.Header().Get("Content-Type"); res.Code != http.StatusOK || got != "text/css; charset=utf-8" {
		t.Errorf("brand.css: %d %s", res.Code, got)
	}
	css := res.Body.String()
	for _, want := range []string{"--brand: #0b5a8f;", "--brand-down: #08446b;", "--brand-soft: #ebf2f6;", `--brand-logo: url("/brand/logo");`} {
		if !strings.Contains(css, want) {
			t.Errorf("no %s in %s", want, css)
		}
	}
	res = ask(t, b, "/brand/logo")
	if got := res.Header().Get("Content-Type"); res.Code != http.StatusOK || got != "image/svg+xml" {
		t.Errorf("logo: %d %s", res.Code, got)
	}
	if got := res.Body.String(); got != svg {
		t.Errorf("logo is %q", got)
	}
	// What is in the file does not run, even where somebody opens it by itself.
	checkPolicy(t, "the logo", res.Header())
}

func TestNoBrand(t *testing.T) {
	b, err := LoadBrand("", "")
	if err != nil {
		t.Fatal(err)
	}
	res := ask(t, b, "/brand.css")
	if got := res.Body.String(); res.Code != http.StatusOK || got != "" {
		t.Errorf("brand.css: %d %q", res.Code, got)
	}
	if res := ask(t, b, "/brand/logo"); res.Code != http.StatusNotFound {
		t.Errorf("logo: %d", res.Code)
	}
}

func TestBrandIsRefused(t *testing.T) {
	for name, load := range map[string]func() (Brand, error){
		"colour":       func() (Brand, error) { return LoadBrand("blue", "") },
		"file missing": func() (Brand, error) { return LoadBrand("", filepath.Join(t.TempDir(), "logo.svg")) },
		"not an image": func() (Brand, error) { return LoadBrand("", write(t, "logo.png", "GIF89a")) },
	} {
		if _, err := load(); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
