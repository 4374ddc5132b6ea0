package sync

import (
	"net/http"
	"testing"
	"time"

	"kioskd/internal/wire"
)

// road notes what goes over it.
type road map[string]bool

func (r road) RoundTrip(req *http.Request) (*http.Response, error) {
	r[req.URL.Path] = true
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

// A timer that was stopped may keep a connection in memory until its time comes, with
// what was said over it.
func TestNoTimerKeepsAVisitsConnection(t *testing.T) {
	r, ok := newRoads(&http.Transport{IdleConnTimeout: time.Minute}).(*roads)
	if !ok {
		t.Fatal("there are no two roads")
	}
	visits, _ := r.visits.(*http.Transport)
	machines, _ := r.machines.(*http.Transport)
	if visits.IdleConnTimeout != 0 || machines.IdleConnTimeout != time.Minute {
		t.Errorf("idle connections of visits end after %s, the machines' after %s", visits.IdleConnTimeout, machines.IdleConnTimeout)
	}
}

// Only what a shopper says, or is told, goes over the connections that are closed after a visit.
func TestOnlyWhatIsPersonalTakesTheVisitsRoad(t *testing.T) {
	visits, machines := road{}, road{}
	r := &roads{visits: visits, machines: machines}
	for path, personal := range map[string]bool{
		wire.PathIssueStart: true, wire.PathIssueResend: true, wire.PathIssueVerify: true, wire.PathIssueComplete: true,
		wire.PathLookup: true, wire.PathInquiry: true,
		wire.PathSubmissions + wire.NewSubmissionID(): true, wire.PathReport: false, wire.PathAudit: false,
		wire.PathDesired: false, wire.PathRenew: false,
	} {
		for _, before := range []string{"", "/stores"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://hub.invalid"+before+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := r.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if visits[before+path] != personal || machines[before+path] == personal {
				t.Errorf("%s: over the visits' road %t", before+path, visits[before+path])
			}
		}
	}
}
