package hub_test

import (
	"net/http"
	"sync"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// A kiosk that calls and calls has a few calls running and no more: the others are
// told so at once, before they cost anything, and other kiosks notice nothing.
func TestAKiosksCallsAtOnce(t *testing.T) {
	r := newRig(t)
	slow := slowIssuer{Issuer: r.box, came: make(chan struct{}, 100), goOn: make(chan struct{})}
	srv := r.serve(r.ingest, slow)
	defer srv.Close()
	rogue, honest := r.kiosk("demo"), r.kiosk("other")
	for _, k := range []*kiosk{rogue, honest} {
		k.base = func() string { return srv.URL }
	}
	var wg sync.WaitGroup
	for i := range hub.CallsEach {
		wg.Go(func() {
			if status, b := rogue.send(http.MethodPost, wire.PathIssueStart, mustJSON(t, startOf(luhn(i), "0901234567"+string('0'+rune(i))))); status != http.StatusOK {
				t.Errorf("status %d: %s", status, b)
			}
		})
	}
	for range hub.CallsEach {
		<-slow.came
	}
	for _, path := range []string{wire.PathIssueStart, wire.PathLookup} {
		var body any = wire.Lookup{RequestID: wire.NewNonce(), Phone: "09012345678", Password: "abcd1234"}
		if path == wire.PathIssueStart {
			body = startOf(luhn(9), "09012345679")
		}
		if p := rogue.refused(path, body, http.StatusTooManyRequests, fault.TooFast); p.RetryAfterSec < 1 {
			t.Errorf("%s: no time to retry", path)
		}
	}
	select {
	case <-slow.came:
		t.Error("a call that was refused has reached the issuer")
	default:
	}
	if status, b := rogue.send(http.MethodPost, wire.PathReport, []byte("{}")); status != http.StatusNoContent {
		t.Errorf("what is no call: status %d: %s", status, b)
	}
	lookup := wire.Lookup{RequestID: wire.NewNonce(), Phone: "09012345678", Password: "abcd1234"}
	honest.refused(wire.PathLookup, lookup, http.StatusUnprocessableEntity, fault.LoginWrong)
	close(slow.goOn)
	wg.Wait()
	for range 3 * hub.CallsEach { // one after the other there may be any number
		lookup.RequestID, lookup.Phone = wire.NewNonce(), "09012340001"
		rogue.send(http.MethodPost, wire.PathLookup, mustJSON(t, lookup))
	}
	lookup.RequestID, lookup.Phone = wire.NewNonce(), "09012340002"
	rogue.refused(wire.PathLookup, lookup, http.StatusUnprocessableEntity, fault.LoginWrong)
}
