package ui

import (
	"net"
	"net/http"
	"strings"
)

// csp allows what the build emits and nothing else: no inline script or style,
// no eval, no data: URL, no frame, no other host.
const csp = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// gate refuses requests under a foreign Host (DNS rebinding) and from pages of a
// foreign Origin, and sets the headers that every answer has.
type gate struct {
	hosts   map[string]bool
	origins map[string]bool
}

// newGate allows the loopback names of the listener's port, and the listener's
// own address where that is another.
func newGate(addr net.Addr, origins []string) *gate {
	g := &gate{hosts: map[string]bool{}, origins: map[string]bool{}}
	host, port, err := net.SplitHostPort(addr.String())
	names := []string{"127.0.0.1", "localhost", "::1"}
	if ip := net.ParseIP(host); err == nil && ip != nil && !ip.IsUnspecified() {
		names = append(names, host)
	}
	for _, name := range names {
		h := net.JoinHostPort(name, port)
		g.hosts[h] = true
		g.origins["http://"+h] = true
	}
	for _, o := range origins {
		g.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	return g
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !g.hosts[strings.ToLower(r.Host)] {
			refuse(w, http.StatusForbidden, "foreign_host")
			return
		}
		// Browsers name the Origin of every request that could do harm; only tools
		// leave it out. The WebSocket insists on it: see socket.
		if origins, named := r.Header["Origin"]; named && !g.allows(origins) {
			refuse(w, http.StatusForbidden, "foreign_origin")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *gate) allows(origins []string) bool {
	return len(origins) == 1 && g.origins[strings.ToLower(origins[0])]
}

// refuse answers with a reason that a machine can read.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A reader that has gone is no concern of ours.
	_, _ = w.Write([]byte(`{"error":"` + reason + `"}` + "\n"))
}
