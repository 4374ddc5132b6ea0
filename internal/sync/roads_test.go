package sync

import (
	"net/http"
	"testing"

	"kioskd/internal/wire"
)

// road notes what goes over it.
type road map[string]bool

func (r road) RoundTrip(req *http.Request) (*http.Response, error) {
	r[req.URL.Path] = true
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

// Only what a shopper says goes over the connections that are closed after a visit.
func TestOnlyWhatIsPersonalTakesTheVisitsRoad(t *testing.T) {
	visits, courier := road{}, road{}
	r := &roads{visits: visits, courier: courier}
	for path, personal := range map[string]bool{
		wire.PathIssueStart: true, wire.PathIssueResend: true, wire.PathIssueVerify: true, wire.PathIssueComplete: true,
		wire.PathLookup: true, wire.PathInquiry: true,
		wire.PathSubmissions + wire.NewSubmissionID(): false, wire.PathReport: false, wire.PathAudit: false,
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
			if visits[before+path] != personal || courier[before+path] == personal {
				t.Errorf("%s: over the visits' road %t", before+path, visits[before+path])
			}
		}
	}
}
