package hub_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// made is a record of an issuance that a kiosk in wrong hands makes up.
func (k *kiosk) made() wire.Submission {
	return k.sealed(wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &wire.Issuance{
		Kiosk: k.id, Time: k.now().UTC().Truncate(time.Second), IssueRef: "I-" + wire.NewNonce()[:8], Service: "aeon-card-waon",
	}})
}

// What a kiosk hands over that is taken for genuine is bounded as well, and so is its audit
// log: another kiosk's are not touched, what is stored is answered as before, and with time
// it goes on.
func TestAKioskCannotFillTheHub(t *testing.T) {
	const most, daily = 8, 24
	r := newRig(t)
	api := r.api(r.ingest, r.box)
	api.Submissions, api.Audit = hub.Allowance{Daily: daily, Most: most}, hub.Allowance{Daily: daily, Most: most}
	r.srv.Close()
	r.srv = r.listen(api)
	k, other := r.kiosk("demo"), r.kiosk("other")

	submit := func(k *kiosk, s wire.Submission) (int, []byte) {
		b, err := json.Marshal(s)
		must(t, err)
		return k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
	}
	first := k.made()
	status, answer := submit(k, first)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, answer)
	}
	stored := 1
	for ; stored < 100; stored++ {
		if status, _ = submit(k, k.made()); status != http.StatusOK {
			break
		}
	}
	if status != http.StatusTooManyRequests || stored < most || stored > most+most/2 {
		t.Errorf("%d were stored, and then it was %d", stored, status)
	}
	if status, again := submit(k, first); status != http.StatusOK || string(again) != string(answer) {
		t.Errorf("what is stored gives %d: %s", status, again)
	}
	if status, b := submit(other, other.made()); status != http.StatusOK {
		t.Errorf("another kiosk gets %d: %s", status, b)
	}

	log, prev, taken := wire.NewSubmissionID(), wire.AuditStart(), 0
	for ; taken < 100; taken++ {
		e := wire.AuditEntry{N: int64(taken) + 1, Event: "started", Subject: wire.NewSubmissionID()}
		e.Hash = e.Sum(prev)
		body, err := json.Marshal(wire.AuditBatch{Log: log, Prev: prev, Head: e.N, Entries: []wire.AuditEntry{e}})
		must(t, err)
		if status, _ = k.send(http.MethodPost, wire.PathAudit, body); status != http.StatusOK {
			break
		}
		prev = e.Hash
	}
	if status != http.StatusTooManyRequests || taken < most || taken > most+most/2 {
		t.Errorf("%d entries were taken, and then it was %d", taken, status)
	}
	if n := r.alarms(hub.AlarmHoard); n < 2 {
		t.Errorf("%d alarms", n)
	}

	r.ahead.Add(int64(24 * time.Hour))
	if status, b := submit(k, k.made()); status != http.StatusOK {
		t.Errorf("a day later it gets %d: %s", status, b)
	}
}

// brokenStore is a store whose disk is full, or that is told so although it has stored.
type brokenStore struct {
	hub.Store
	before bool
}

func (s brokenStore) Put(ctx context.Context, in hub.Stored, q *hub.Quarantine, a *hub.Alarm) (hub.Stored, error) {
	if !s.before {
		if _, err := s.Store.Put(ctx, in, q, a); err != nil {
			return hub.Stored{}, err
		}
	}
	return hub.Stored{}, errors.New("no space left on device")
}

// Where the store fails nothing is acknowledged, and what was stored all the same is
// acknowledged the next time.
func TestNoAcknowledgementWithoutARow(t *testing.T) {
	for name, before := range map[string]bool{"not stored": true, "stored, and not said so": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			k := r.kiosk("demo")
			sound := r.srv
			in := *r.ingest
			in.Store = brokenStore{Store: r.store, before: before}
			r.srv = r.serve(&in, r.box)
			defer r.srv.Close()
			s := k.reserve(persona(t, "taro"))
			b, err := json.Marshal(s)
			must(t, err)
			status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
			if p := problemOf(t, answer); status != http.StatusServiceUnavailable || p.Code != fault.HubSlow {
				t.Errorf("status %d: %s", status, answer)
			}
			r.srv.Close()
			r.srv = sound
			if ack, _ := k.put(s); !ack.Verdict().Accepted {
				t.Errorf("then: %+v", ack.Verdict())
			}
		})
	}
}
