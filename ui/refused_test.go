package ui

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// Every refusal for where a request comes from is told, in the words of its answer.
func TestRefusalsAreTold(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	for _, tc := range []struct{ path, host, origin, token, want string }{
		{"/", "kiosk.example:8080", "", "", "foreign_host"},
		{"/", addr.String(), "https://shop.example", "", "foreign_origin"},
		{"/ws", addr.String(), "", "", "foreign_origin"},
		{"/ws", addr.String(), "http://" + addr.String(), testToken, "no_token"},
	} {
		var told []string
		h := New(Options{Token: tc.token, Refused: func(why string) { told = append(told, why) }, Log: slog.New(slog.DiscardHandler)}).Handler(addr)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil)
		if r.Host = tc.host; tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !slices.Equal(told, []string{tc.want}) || w.Body.String() != `{"error":"`+tc.want+`"}`+"\n" {
			t.Errorf("%s: told %v, answered %s, want %s", tc.path, told, w.Body, tc.want)
		}
	}
}
