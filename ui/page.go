package ui

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// dist is the built page; before the first build it holds nothing.
//
//go:embed all:dist
var dist embed.FS

// unbuilt is shown where the page has not been built into the binary.
const unbuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>kioskd: the screen is not built in</title>
<h1>The screen is not built in</h1>
<p>This binary was compiled before the screen was built. Run <code>make build</code> and start it again.</p>
</html>
`

// types are the media types of what the build emits. The system's own table is
// not asked, because it differs between machines.
var types = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".png":   "image/png",
	".ico":   "image/x-icon",
	".woff2": "font/woff2",
	".json":  "application/json",
	".txt":   "text/plain; charset=utf-8",
}

// page serves the files of the build.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "method")
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	switch name {
	case "":
		name = "index.html"
	case "dock":
		name = "dock.html"
	}
	mime, known := types[path.Ext(name)]
	if !known || name == "dock.html" && s.opt.Dock == nil {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	content, err := fs.ReadFile(dist, "dist/"+name)
	status := http.StatusOK
	switch {
	case err != nil && path.Ext(name) == ".html" && (name == "index.html" || name == "dock.html"):
		content, status = []byte(unbuilt), http.StatusServiceUnavailable
	case err != nil:
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	switch {
	case path.Ext(name) == ".html":
		h.Set("Cache-Control", "no-store")
	case strings.HasPrefix(name, "assets/"):
		// The build puts a hash of the content into these names.
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	if status != http.StatusOK {
		w.WriteHeader(status)
		_, _ = w.Write(content)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
