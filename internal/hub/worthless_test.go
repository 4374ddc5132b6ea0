package hub_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// A kiosk that hands over rubbish by the thousand fills neither the hub's disk nor the
// list of alarms, and keeps nobody from anything: not even itself from what is genuine.
func TestWorthlessSubmissionsAreBounded(t *testing.T) {
	r := newRig(t)
	k, other := r.kiosk("demo"), r.kiosk("other")
	rubbishAs := func(id string) (int, []byte, string) {
		r.ahead.Add(int64(50 * time.Millisecond)) // at the pace that a kiosk may have
		s := wire.Submission{
			ID: id, Kiosk: k.id, Schema: wire.Schema, KeyID: k.seal.ID(), Sealed: make([]byte, 2048),
		}
		b, err := json.Marshal(s)
		must(t, err)
		status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
		return status, answer, s.ID
	}
	rubbish := func() (int, []byte, string) { return rubbishAs(wire.NewSubmissionID()) }
	_, firstAnswer, firstID := rubbish()
	kept := 1
	for ; kept < 1000; kept++ {
		status, answer, id := rubbish()
		if status == http.StatusOK {
			continue
		}
		var p wire.Problem
		must(t, json.Unmarshal(answer, &p))
		if status != http.StatusInsufficientStorage || p.Code != fault.HubRefused {
			t.Fatalf("status %d, %+v", status, p)
		}
		if _, err := r.store.Submission(t.Context(), id); err == nil {
			t.Error("it was stored")
		}
		break
	}
	if kept < 200 || kept > 202 { // some come back while it takes
		t.Errorf("%d were kept", kept)
	}
	alarms, err := r.store.Alarms(t.Context(), 100)
	must(t, err)
	if len(alarms) != 2 || r.alarms(hub.AlarmUnreadable) != kept || r.alarms(hub.AlarmWorthless) != 1 {
		t.Errorf("the alarms are %+v", alarms)
	}

	for range 3 { // it is stored: the answer may have been lost
		if status, answer, _ := rubbishAs(firstID); status != http.StatusOK || string(answer) != string(firstAnswer) {
			t.Errorf("the first one again gives %d, %s", status, answer)
		}
	}

	s := k.reserve(persona(t, "taro"))
	if ack, _ := k.put(s); !ack.Verdict().Accepted {
		t.Errorf("its genuine one: %+v", ack.Verdict())
	}
	conflict, err := wire.Seal(k.seal, k.id, s.ID, persona(t, "hanako").payload(k.reservation()))
	must(t, err)
	b, err := json.Marshal(conflict)
	must(t, err)
	if status, _ := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b); status != http.StatusConflict {
		t.Errorf("a conflict: status %d", status)
	}
	if r.alarms(hub.AlarmConflict) != 0 {
		t.Error("evidence was kept beyond the budget")
	}
	if ack, _ := other.put(other.reserve(persona(t, "hanako"))); !ack.Verdict().Accepted {
		t.Errorf("another kiosk's: %+v", ack.Verdict())
	}

	r.ahead.Add(int64(time.Hour))
	if status, answer, _ := rubbish(); status != http.StatusOK {
		t.Errorf("an hour later: %d %s", status, answer)
	}
}
