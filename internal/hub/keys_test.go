package hub_test

import (
	"testing"
	"time"

	"kioskd/internal/hub/pki"
	"kioskd/internal/wire"
)

// The hub's keys change while a kiosk hands over: whatever it knows of them,
// nothing is refused, and a submission that was stored before is acknowledged with
// the same words after.
func TestKeysChangeUnderway(t *testing.T) {
	r := newRig(t)
	old := r.kiosk("demo")
	first := old.reserve(persona(t, "taro"))
	_, given := old.put(first)
	for _, k := range []pki.Kind{pki.Ack, pki.Seal, pki.Vault} {
		_, err := r.keys.Rotate(k, time.Now())
		must(t, err)
	}
	learnt := r.kiosk("demo") // knows the next key for acknowledgements
	waiting := old.reserve(persona(t, "hanako"))
	for _, k := range []pki.Kind{pki.Ack, pki.Seal, pki.Vault} {
		_, err := r.keys.Use(k, time.Now(), true)
		must(t, err)
	}
	if ack, _ := learnt.put(waiting); !ack.Verdict().Accepted { // sealed to the earlier key, signed by the new one
		t.Errorf("sealed to the earlier key: %+v", ack.Verdict())
	}
	if _, again := learnt.put(first); string(again) != string(given) {
		t.Error("the stored acknowledgement changed")
	}
	fresh := r.kiosk("demo")
	if fresh.e.SealKeyID == old.e.SealKeyID || len(fresh.e.AckKeys) != 2 {
		t.Errorf("a new kiosk gets %s and %d keys", fresh.e.SealKeyID, len(fresh.e.AckKeys))
	}
	if ack, _ := fresh.put(fresh.reserve(persona(t, "taro"))); !ack.Verdict().Accepted {
		t.Errorf("sealed to the new key: %+v", ack.Verdict())
	}
	// The earlier key is retired: whoever asks again gets the same words under the present one.
	must(t, r.keys.Retire(pki.Ack, old.e.AckKeys[0].ID))
	newest := r.kiosk("demo")
	if len(newest.e.AckKeys) != 1 {
		t.Fatalf("%d keys", len(newest.e.AckKeys))
	}
	_, again := newest.put(first)
	was, err := wire.DecodeSignedAck(given)
	must(t, err)
	now, err := wire.DecodeSignedAck(again)
	must(t, err)
	if string(was.Body) != string(now.Body) || was.KeyID == now.KeyID || now.KeyID != newest.e.AckKeys[0].ID {
		t.Errorf("the acknowledgement was %s under %s, and is %s under %s", was.Body, was.KeyID, now.Body, now.KeyID)
	}
	stored, err := r.store.Submission(t.Context(), first.ID)
	must(t, err)
	if string(stored.Ack) != string(given) {
		t.Error("what is stored changed")
	}
	// A person who comes back is recognised under whatever key.
	taro, err := r.store.Submission(t.Context(), first.ID)
	must(t, err)
	twice := newest.reserve(persona(t, "taro"))
	newest.put(twice)
	again2, err := r.store.Submission(t.Context(), twice.ID)
	must(t, err)
	if taro.Summary.Person != again2.Summary.Person || taro.Verdict.MyKeyID != again2.Verdict.MyKeyID {
		t.Errorf("one person is %+v and %+v", taro.Summary, again2.Summary)
	}
}
