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
	hosts   map[string]bool // host:port
	origins map[string]bool // of other servers
	// anyIP is the port under which every IP address counts, "" for none: a server
	// that listens on all addresses has no list of its own. Only a name can be
	// made to point here by somebody else.
	anyIP string
	// refused is told why a request was.
	refused func(why string)
}

// newGate allows the loopback names of the listener's port, and the addresses
// that it listens on besides.
func newGate(addr net.Addr, origins []string, refused func(why string)) *gate {
	if refused == nil {
		refused = func(string) {}
	}
	g := &gate{hosts: map[string]bool{}, origins: map[string]bool{}, refused: refused}
	names := []string{"127.0.0.1", "localhost", "::1"}
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil {
		if ip.IsUnspecified() {
			g.anyIP = port
		}
		names = append(names, host)
	}
	for _, name := range names {
		g.hosts[net.JoinHostPort(name, port)] = true
	}
	for _, o := range origins {
		g.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	return g
}

// hosted reports whether host:port is this server.
func (g *gate) hosted(hostport string) bool {
	hostport = strings.ToLower(hostport)
	if g.hosts[hostport] {
		return true
	}
	host, port, err := net.SplitHostPort(hostport)
	return err == nil && g.anyIP != "" && port == g.anyIP && net.ParseIP(host) != nil
}

func (g *gate) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !g.hosted(r.Host) {
			g.refused("foreign_host")
			refuse(w, http.StatusForbidden, "foreign_host")
			return
		}
		// Browsers name the Origin of every request that could do harm; only tools
		// leave it out. The WebSocket insists on it: see socket.
		if origins, named := r.Header["Origin"]; named && !g.allows(origins) {
			g.refused("foreign_origin")
			refuse(w, http.StatusForbidden, "foreign_origin")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *gate) allows(origins []string) bool {
	if len(origins) != 1 {
		return false
	}
	origin := strings.ToLower(origins[0])
	host, plain := strings.CutPrefix(origin, "http://")
	return plain && g.hosted(host) || g.origins[origin]
}

// refuse answers with a reason that a machine can read.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A reader that has gone is no concern of ours.
	_, _ = w.Write([]byte(`{"error":"` + reason + `"}` + "\n"))
}
