package sync

import (
	"net/http"
	"strings"

	"kioskd/internal/wire"
)

// roads keeps what is personal on connections of its own. The buffers of a
// connection hold what was said over it as long as it is open, and that over which
// signs of life go, and what else the machines have to say to each other, is never
// idle for long.
type roads struct {
	visits, machines http.RoundTripper
}

// newRoads makes two roads of one transport.
func newRoads(t http.RoundTripper) http.RoundTripper {
	one, ok := t.(*http.Transport)
	if !ok {
		return t
	}
	visits := one.Clone()
	// The runtime may hold a timer that was stopped until its time comes, and with it the
	// connection and its buffers. Nor is there a need for one: Forget closes them.
	visits.IdleConnTimeout = 0
	return &roads{visits: visits, machines: one}
}

// RoundTrip implements http.RoundTripper.
func (r *roads) RoundTrip(req *http.Request) (*http.Response, error) {
	if personal(req.URL.Path) {
		return r.visits.RoundTrip(req)
	}
	return r.machines.RoundTrip(req)
}

// personal reports whether what is a shopper's goes to this path in clear, or comes
// back from it: submissions are sealed, but the answer to a reservation holds a MyKey ID.
// The hub's address may have a path before it.
func personal(path string) bool {
	if strings.Contains(path, wire.PathSubmissions) {
		return true
	}
	for _, p := range []string{
		wire.PathIssueStart, wire.PathIssueResend, wire.PathIssueVerify, wire.PathIssueComplete, wire.PathLookup, wire.PathInquiry,
	} {
		if strings.HasSuffix(path, p) {
			return true
		}
	}
	return false
}

// CloseIdleConnections is what http.Client looks for.
func (r *roads) CloseIdleConnections() {
	closeIdle(r.visits)
	closeIdle(r.machines)
}

func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Forget closes the connections over which visits were served and submissions sent, as
// far as no call uses them.
func (c *Client) Forget() {
	if r, ok := c.http.Transport.(*roads); ok {
		closeIdle(r.visits)
	}
}
