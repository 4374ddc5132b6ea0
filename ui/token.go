package ui

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// keyedPath is where whoever has the token finds everything: /screen/TOKEN/ is the
// screen, /screen/TOKEN/ws its WebSocket, and so on. A reload keeps the token,
// nothing is stored in the browser, and unlike a cookie it goes to no other server
// of this machine.
const keyedPath = "/screen/"

// ScreenPath is the path of the screen for whoever is given it.
func ScreenPath(token string) string {
	if token == "" {
		return "/"
	}
	return keyedPath + token + "/"
}

type keyedKey struct{}

// keyed takes the token off the path and notes whether it is right. What follows
// asks [Server.trusts]. With a wrong one there is still the page: a browser that
// outlived a restart of the daemon says that it takes a moment, and no more.
func (s *Server) keyed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, keyedPath)
		token, path, found := strings.Cut(rest, "/")
		if !ok || !found {
			next.ServeHTTP(w, r)
			return
		}
		right := s.opt.Token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) == 1
		inside := r.Clone(context.WithValue(r.Context(), keyedKey{}, right))
		inside.URL.Path, inside.URL.RawPath = "/"+path, ""
		next.ServeHTTP(w, inside)
	})
}

// trusts reports whether a request may see the visit.
func (s *Server) trusts(r *http.Request) bool {
	return s.opt.Token == "" || r.Context().Value(keyedKey{}) == true
}

// guarded is for handlers that show or move the visit.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.trusts(r) {
			s.refuseToken(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuseToken answers a request without the token, or with that of an earlier
// start: then the browser has to be opened anew.
func (s *Server) refuseToken(w http.ResponseWriter) {
	s.strangers.Do(func() {
		s.opt.Log.Warn("Refused a browser without the token of this start: open it anew from screen.html")
	})
	s.tellRefused("no_token")
	refuse(w, http.StatusForbidden, "no_token")
}

// tellRefused tells why a request is refused.
func (s *Server) tellRefused(why string) {
	if s.opt.Refused != nil {
		s.opt.Refused(why)
	}
}

// The rates of requests, each with its own allowance for whoever has the token
// and for all others together, so that they cannot take it from the kiosk's
// browser. A page takes about twenty.
const (
	requestsPerSecond = 100
	requestBurst      = 400
	maxBody           = 64 << 10
)

func newRequestLimit() *rate.Limiter { return rate.NewLimiter(requestsPerSecond, requestBurst) }

// limited bounds how often and how much is asked. The dock is for tools that ask
// all the time.
func (s *Server) limited(next http.Handler) http.Handler {
	trusted, strange := newRequestLimit(), newRequestLimit()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := strange
		if s.opt.Token != "" && s.trusts(r) {
			limit = trusted
		}
		dock := s.opt.Dock != nil && strings.HasPrefix(r.URL.Path, "/dock/api/")
		if !dock && !limit.Allow() {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusTooManyRequests, "too_many_requests")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func newStrangers() *rate.Sometimes { return &rate.Sometimes{Interval: time.Minute} }
