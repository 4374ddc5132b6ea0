package sync

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// What the hub names are all the keys whose acknowledgements count: whoever has got hold
// of one that was retired confirms nothing with it, although it was in the enrolment.
func TestARetiredKeyConfirmsNothing(t *testing.T) {
	k := newKeys(t)
	next, err := wire.NewAckKey()
	if err != nil {
		t.Fatal(err)
	}
	nextKey := wire.AckKeyOf(next.Public().(ed25519.PublicKey))
	formerKey := wire.AckKeyOf(k.ack.Public().(ed25519.PublicKey))
	ledger := newLedger(k)
	var offered atomic.Pointer[[]wire.AckKey]
	serve(t, k, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != wire.PathDesired {
			ledger.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(wire.Desired{SealKeyID: k.seal.ID(), SealKey: k.seal.Public().Bytes(), AckKeys: *offered.Load()})
	}))
	c := newClient(t, k, ClientOptions{})
	for _, step := range []struct {
		name    string
		offers  []wire.AckKey
		signs   ed25519.PrivateKey
		counts  bool
		renewed bool // the client has looked what the hub names
	}{
		{"enrolled with", []wire.AckKey{formerKey}, k.ack, true, false},
		{"before the change", []wire.AckKey{formerKey, nextKey}, k.ack, true, true},
		{"in the change", []wire.AckKey{nextKey, formerKey}, next, true, true},
		{"of before, in the change", []wire.AckKey{nextKey, formerKey}, k.ack, true, true},
		{"retired", []wire.AckKey{nextKey}, k.ack, false, true},
		{"after the change", []wire.AckKey{nextKey}, next, true, true},
	} {
		offered.Store(&step.offers)
		if step.renewed {
			if _, err := c.Desired(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ledger.mu.Lock()
		ledger.keys.ack, ledger.keys.ackID = step.signs, wire.AckKeyOf(step.signs.Public().(ed25519.PublicKey)).ID
		ledger.mu.Unlock()
		s, err := wire.Seal(k.seal.Public(), "kiosk-1", wire.NewSubmissionID(), entry("1", wire.KindReservation).Payload)
		if err != nil {
			t.Fatal(err)
		}
		ack, err := c.Submit(t.Context(), s)
		if (err == nil) != step.counts || ack.Proven() != step.counts || err != nil && fault.CodeOf(err) != fault.HubRubbish {
			t.Errorf("%s: it proves %v (%v)", step.name, ack.Proven(), err)
		}
	}
}
