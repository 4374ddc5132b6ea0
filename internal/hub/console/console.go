// Package console is the operator's view of the hub: plain pages rendered on
// the server, with JSON twins for tests. It listens on loopback only, apart from
// the kiosks' API, and shows no personal data beyond masked IDs; the sandbox's
// SMS outbox is the exception and is there only with the sandbox.
package console

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/sandbox"
)

//go:embed pages/*.html assets/*
var files embed.FS

// Sandbox is what the console needs of the sandbox.
type Sandbox interface {
	Messages(ctx context.Context, phone string, limit int) ([]sandbox.Message, error)
	Forward(d time.Duration) time.Duration
	Now() time.Time
	Reset(ctx context.Context) error
}

// Console serves the pages.
type Console struct {
	Store   hub.Store
	Sandbox Sandbox // nil: real connectors, and no pages about a sandbox
	Now     func() time.Time
	Log     *slog.Logger
	// Ready says why the hub cannot serve kiosks, or nil.
	Ready func(context.Context) error

	pages map[string]*template.Template
}

// Handler parses the pages and gives the routes.
func (c *Console) Handler() (http.Handler, error) {
	c.pages = map[string]*template.Template{}
	for _, name := range []string{"overview", "kiosk", "submissions", "submission", "issuances", "audit", "sms", "tests", "message"} {
		t, err := template.New("layout.html").Funcs(c.funcs()).ParseFS(files, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("cannot parse page %s: %w", name, err)
		}
		c.pages[name] = t
	}
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", http.FileServerFS(files))
	mux.HandleFunc("GET /healthz", c.ready)
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(hub.OpenAPI())
	})
	mux.HandleFunc("GET /{$}", c.overview)
	mux.HandleFunc("GET /kiosks/{id}", c.kiosk)
	mux.HandleFunc("GET /submissions", c.submissions)
	mux.HandleFunc("GET /submissions/{id}", c.submission)
	mux.HandleFunc("GET /issuances", c.issuances)
	mux.HandleFunc("GET /api/issuances", c.apiIssuances)
	mux.HandleFunc("GET /api/submissions", c.apiSubmissions)
	mux.HandleFunc("GET /api/submissions/{id}", c.apiSubmission)
	mux.HandleFunc("GET /api/kiosks", c.apiKiosks)
	mux.HandleFunc("GET /api/alarms", c.apiAlarms)
	mux.HandleFunc("GET /audit", c.audit)
	mux.HandleFunc("GET /api/audit", c.apiAudit)
	if c.Sandbox != nil {
		mux.HandleFunc("GET /sms", c.sms)
		mux.HandleFunc("GET /tests", c.tests)
		mux.HandleFunc("POST /sandbox/clock", c.formClock)
		mux.HandleFunc("POST /sandbox/reset", c.formReset)
		mux.HandleFunc("GET /api/sms", c.apiSMS)
		mux.HandleFunc("POST /api/sandbox/clock", c.apiClock)
		mux.HandleFunc("POST /api/sandbox/reset", c.apiReset)
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		c.message(w, r, http.StatusNotFound, "There is no such page", "The address is mistyped, or what it showed is gone.")
	})
	return guard(http.NewCrossOriginProtection().Handler(mux)), nil
}

const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses names that are not this machine's own (a foreign page that
// rebinds its name to loopback) and sets the headers of every answer.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if !loopback(r.Host) {
			http.Error(w, "cannot serve this host name: use localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// page is what every page gets.
type page struct {
	Title   string
	Tab     string
	Refresh int // seconds; 0 = never
	Sandbox bool
	Now     time.Time
	Data    any
}

func (c *Console) show(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Sandbox, p.Now = c.Sandbox != nil, c.Now()
	var buf bytes.Buffer
	if err := c.pages[name].Execute(&buf, p); err != nil {
		c.Log.Error("Page not rendered", "page", name, "path", r.URL.Path, "error", err)
		http.Error(w, "cannot show this page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w)
}

type note struct{ Head, Text string }

func (c *Console) message(w http.ResponseWriter, r *http.Request, status int, head, text string) {
	c.show(w, r, status, "message", page{Title: head, Data: note{head, text}})
}

func (c *Console) failed(w http.ResponseWriter, r *http.Request, err error) {
	c.Log.Error("Console cannot read", "path", r.URL.Path, "error", err)
	c.message(w, r, http.StatusServiceUnavailable, "The store did not answer", "Nothing is lost. Try again in a moment; the log says why.")
}

func (c *Console) ready(w http.ResponseWriter, r *http.Request) {
	if err := c.Ready(r.Context()); err != nil {
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
