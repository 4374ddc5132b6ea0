package ui

import (
	"bytes"
	"embed"
	"io"
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

// mediaType is that of what the build emits, "" for all else. The system's own
// table is not asked, because it differs between machines.
func mediaType(ext string) string {
	switch ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".json":
		return "application/json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return ""
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
	mime := mediaType(path.Ext(name))
	if mime == "" || name == "dock.html" && s.opt.Dock == nil {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	content, err := fs.ReadFile(dist, "dist/"+name)
	unmade := err != nil && (name == "index.html" || name == "dock.html")
	if err != nil && !unmade {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Cache-Control", "no-store")
	if strings.HasPrefix(name, "assets/") {
		// The build puts a hash of the content into these names.
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if unmade {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, unbuilt) // a reader that has gone is no concern of ours
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
