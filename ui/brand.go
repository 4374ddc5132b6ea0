package ui

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"kioskd/internal/colour"
)

// Brand is the store's own colour and logo. The zero Brand is the product's own.
type Brand struct {
	css  string
	logo []byte
	mime string
}

// LoadBrand makes the brand from a colour (#rrggbb) and the path of an SVG or PNG
// file; each may be empty. The file is read once: later changes need a restart.
func LoadBrand(base, logo string) (Brand, error) {
	var b Brand
	var rules []string
	if base != "" {
		rgb, err := colour.Parse(base)
		if err != nil {
			return Brand{}, fmt.Errorf("cannot use the brand's colour: %w", err)
		}
		s := colour.ShadesOf(rgb)
		rules = append(rules, fmt.Sprintf("--brand: %v", s.Base), fmt.Sprintf("--brand-down: %v", s.Down), fmt.Sprintf("--brand-soft: %v", s.Soft))
	}
	if logo != "" {
		data, err := os.ReadFile(logo)
		if err != nil {
			return Brand{}, fmt.Errorf("cannot read the brand's logo: %w", err)
		}
		b.logo = data
		switch {
		case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
			b.mime = "image/png"
		case bytes.Contains(data[:min(len(data), 4<<10)], []byte("<svg")):
			b.mime = "image/svg+xml"
		default:
			return Brand{}, fmt.Errorf("cannot use the brand's logo %s: it is neither SVG nor PNG", logo)
		}
		rules = append(rules, `--brand-logo: url("/brand/logo")`)
	}
	if len(rules) > 0 {
		b.css = ":root {\n  " + strings.Join(rules, ";\n  ") + ";\n}\n"
	}
	return b, nil
}

// brandCSS gives the page the store's colour and logo; without any it is empty.
func (s *Server) brandCSS(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", mediaType(".css"))
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(s.opt.Brand.css))
}

// brandLogo is an image: the headers of every answer keep what is in an SVG from
// running, should somebody open it by itself.
func (s *Server) brandLogo(w http.ResponseWriter, r *http.Request) {
	if s.opt.Brand.logo == nil {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	w.Header().Set("Content-Type", s.opt.Brand.mime)
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.opt.Brand.logo))
}
