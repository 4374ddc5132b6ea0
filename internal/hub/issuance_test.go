package hub_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

func (r *rig) issued(f hub.IssuanceFilter) []hub.Issuance {
	r.t.Helper()
	f.Limit = 9
	list, _, err := r.store.Issuances(r.t.Context(), f)
	must(r.t, err)
	return list
}

func (k *kiosk) record(ref string) wire.Submission {
	return k.sealed(wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &wire.Issuance{
		Kiosk: k.id, Time: time.Now().UTC().Truncate(time.Second), IssueRef: ref, Service: "aeon-card-waon",
	}})
}

// What a kiosk was given stands in the store without it, once, and has the record that
// this kiosk sends: no other can speak for it.
func TestIssuancesAreNoted(t *testing.T) {
	r := newRig(t)
	k, other := r.kiosk("demo"), r.kiosk("other")
	began := time.Now().Add(-time.Second)
	got := k.issue(luhn(1), "09012345678", "abcd1234")
	list := r.issued(hub.IssuanceFilter{Unrecorded: true})
	if len(list) != 1 || list[0].IssueRef != got.IssueRef || list[0].Kiosk != "demo" || list[0].Service != got.Service || list[0].IssuedAt.Before(began) {
		t.Fatalf("noted as %+v", list)
	}
	if ack, _ := other.put(other.record(got.IssueRef)); !ack.Verdict().Accepted {
		t.Errorf("refused: %+v", ack.Verdict())
	}
	if len(r.issued(hub.IssuanceFilter{Unrecorded: true})) != 1 {
		t.Error("another kiosk has recorded it")
	}
	in := k.record(got.IssueRef)
	k.put(in)
	k.put(k.record(got.IssueRef))
	if list := r.issued(hub.IssuanceFilter{}); len(list) != 1 || list[0].Record != in.ID {
		t.Errorf("recorded as %+v", list)
	}
}

// forgetfulStore cannot note an issuance while its disk is broken.
type forgetfulStore struct {
	hub.Store
	broken atomic.Bool
}

func (s *forgetfulStore) PutAnswer(ctx context.Context, key hub.AnswerKey, a hub.Answer, now time.Time) error {
	if s.broken.Load() && a.Issued != nil {
		return errors.New("disk on fire")
	}
	return s.Store.PutAnswer(ctx, key, a, now)
}

// An ID that cannot be noted is not handed out; the next try gives the same.
func TestNothingIsHandedOutUnnoted(t *testing.T) {
	r := newRig(t)
	store := &forgetfulStore{Store: r.store}
	in := *r.ingest
	in.Store = store
	srv := r.serve(&in, r.box)
	defer srv.Close()
	k := r.kiosk("demo")
	k.base = func() string { return srv.URL }
	st := call[wire.IssueStarted](k, wire.PathIssueStart, startOf(luhn(1), "09012345678"), http.StatusOK)
	sms, err := r.box.Messages(t.Context(), "09012345678", 1)
	must(t, err)
	call[wire.IssueVerified](k, wire.PathIssueVerify,
		wire.IssueVerify{RequestID: wire.NewNonce(), Session: st.Session, Code: sms[0].Code}, http.StatusOK)
	last := wire.IssueComplete{RequestID: wire.NewNonce(), Session: st.Session, Password: "abcd1234"}
	store.broken.Store(true)
	if status, b := k.send(http.MethodPost, wire.PathIssueComplete, mustJSON(t, last)); status != http.StatusServiceUnavailable {
		t.Errorf("status %d: %s", status, b)
	}
	if list := r.issued(hub.IssuanceFilter{}); len(list) != 0 {
		t.Errorf("noted: %+v", list)
	}
	store.broken.Store(false)
	first := call[wire.Issued](k, wire.PathIssueComplete, last, http.StatusOK)
	last.RequestID = wire.NewNonce() // as when the shopper chooses another password
	again := call[wire.Issued](k, wire.PathIssueComplete, last, http.StatusOK)
	if list := r.issued(hub.IssuanceFilter{}); len(list) != 1 || list[0].IssueRef != first.IssueRef || again.IssueRef != first.IssueRef {
		t.Errorf("given %s and %s, noted: %+v", first.IssueRef, again.IssueRef, list)
	}
}
