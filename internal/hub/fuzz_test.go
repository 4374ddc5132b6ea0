package hub_test

import (
	"net/http"
	"strings"
	"testing"

	"kioskd/internal/wire"
)

// FuzzBodies throws bodies at every route: each answer is one of the described
// statuses, never a defect, and the hub goes on living.
func FuzzBodies(f *testing.F) {
	paths := []string{
		wire.PathSubmissions + wire.NewSubmissionID(), wire.PathIssueStart, wire.PathIssueResend, wire.PathIssueVerify,
		wire.PathIssueComplete, wire.PathLookup, wire.PathInquiry, wire.PathReport,
	}
	k := newRig(f).kiosk("demo")
	for i := range paths {
		f.Add(uint8(i), []byte(`{}`))
	}
	f.Add(uint8(0), []byte(`{"id":"00000000000000000000000000","kiosk":"demo","schema":1,"key_id":"k","sealed":"AAAA"}`))
	f.Add(uint8(1), []byte(`{"request_id":"aaaaaaaa","service":"aeon-card-waon","card_number":"4980000000000014","name_kana":"ア　ア","birth":"2000-01-01","phone":"09012345678"}`))
	f.Add(uint8(6), []byte(`{"request_id":"aaaaaaaa","signed":{"document":"e30=","signature":"AA==","certificate":"AA=="}}`))
	f.Add(uint8(2), []byte(`{"request_id":"aaaaaaaa","session":"s"}`))
	f.Add(uint8(3), []byte(`{"request_id":"aaaaaaaa","session":"s","code":"123456"}`))
	f.Add(uint8(4), []byte(`{"request_id":"aaaaaaaa","session":"s","password":"Zebra42q"}`))
	f.Add(uint8(5), []byte(`{"request_id":"aaaaaaaa","phone":"09012345678","password":"Zebra42q"}`))
	f.Add(uint8(7), []byte(`{"version":"v1","screen":"top","devices":{"printer":"ready"},"queued":0,"faults":["paper_out"]}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path := paths[int(which)%len(paths)]
		method := http.MethodPost
		if strings.HasPrefix(path, wire.PathSubmissions) {
			method = http.MethodPut
		}
		here := *k
		here.t = t
		status, answer := here.send(method, path, body)
		switch status {
		case 200, 204, 400, 403, 409, 410, 413, 422, 429:
		default:
			t.Errorf("%s %s: status %d: %s", method, path, status, answer)
		}
	})
}
