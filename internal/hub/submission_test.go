package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

func qrPay() wire.Application {
	return wire.Application{Service: "waon", ServiceID: "6900000000000016", Codes: []wire.Private{"123456"}, PhoneLast4: "5678", Terms: "1"}
}

func TestWholeVisit(t *testing.T) {
	k := newRig(t).kiosk("demo")
	taro := persona(t, "taro")
	issued := k.issue("4980000000000014", "09012345678", "abcd1234")
	record := wire.Issuance{Kiosk: k.id, Time: k.now().UTC().Truncate(time.Second), IssueRef: issued.IssueRef, Service: issued.Service}
	if ack, _ := k.put(k.sealed(wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &record})); !ack.Verdict().Accepted {
		t.Errorf("issuance: %+v", ack.Verdict())
	}
	ack, _ := k.put(k.reserve(taro))
	if v := ack.Verdict(); !v.Accepted || v.MyKeyID == "" {
		t.Fatalf("reservation: %+v", v)
	}
	a := wire.Application{Service: issued.Service, ServiceID: issued.ServiceID, Codes: issued.Codes, PhoneLast4: "5678", Terms: "1"}
	ack, _ = k.put(k.apply(taro, a))
	if v := ack.Verdict(); !v.Accepted || time.Until(v.CompleteBy) < 23*time.Hour {
		t.Fatalf("application: %+v", v)
	}
	inq := taro.sign(k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}}))
	st := call[wire.Standing](k, wire.PathInquiry, wire.NewInquiryRequest(inq), 200)
	if !st.Reserved || !st.Applied || st.Service != issued.Service {
		t.Errorf("standing: %+v", st)
	}
	login := func() wire.Account {
		return call[wire.Account](k, wire.PathLookup, wire.Lookup{RequestID: wire.NewNonce(), Phone: "09012345678", Password: "abcd1234"}, 200)
	}
	if acc := login(); acc.Status != wire.StatusApplied || acc.ServiceID != issued.ServiceID || acc.PointsSum != 0 {
		t.Errorf("before completion: %+v", acc)
	}
	k.box.Forward(25 * time.Hour)
	if acc := login(); acc.Status != wire.StatusCompleted || acc.ServiceID != "" || len(acc.Codes) != 0 || acc.PointsSum == 0 {
		t.Errorf("after completion: %+v", acc)
	}
	list, total, err := k.store.Submissions(t.Context(), hub.Filter{Limit: 10, Kind: wire.KindApplication})
	must(t, err)
	if total != 1 || strings.Contains(list[0].Summary.ServiceID, issued.ServiceID[:12]) {
		t.Errorf("the store shows %d applications, first %+v", total, list[0].Summary)
	}
	for _, c := range list[0].Checks {
		if !c.OK {
			t.Errorf("check %s failed: %s", c.Name, c.Detail)
		}
	}
}

func TestPutIsIdempotentAlsoAfterARestart(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	s := k.reserve(persona(t, "taro"))
	var wg sync.WaitGroup
	answers := make([][]byte, 8)
	for i := range answers {
		wg.Go(func() { _, answers[i] = k.put(s) })
	}
	wg.Wait()
	r.stop()
	r.start()
	_, after := r.kiosk("demo").put(s)
	for i, b := range answers {
		if !bytes.Equal(b, after) {
			t.Errorf("answer %d differs from the one after the restart", i)
		}
	}
	if _, total, err := r.store.Submissions(t.Context(), hub.Filter{Limit: 1}); err != nil || total != 1 {
		t.Errorf("stored %d times (%v)", total, err)
	}
}

func TestRefusedContentIsStoredAndAcknowledged(t *testing.T) {
	now := func(k *kiosk) time.Time { return k.now().UTC().Truncate(time.Second) }
	tests := map[string]struct {
		make  func(k *kiosk) wire.Submission
		code  fault.Code
		check hub.CheckName // the one that failed
		alarm hub.AlarmKind
	}{
		"not reserved": {func(k *kiosk) wire.Submission { return k.apply(persona(t, "taro"), qrPay()) },
			fault.NotReserved, hub.CheckVerdict, ""},
		"forged signature": {func(k *kiosk) wire.Submission {
			p := persona(t, "taro").payload(k.reservation())
			p.Signed.Signature[7] ^= 1
			return k.sealed(p)
		}, fault.DocumentRefused, hub.CheckSignature, hub.AlarmForged},
		"signature of another": {func(k *kiosk) wire.Submission {
			p := persona(t, "taro").payload(k.reservation())
			p.Signed.Certificate = persona(t, "hanako").cert
			return k.sealed(p)
		}, fault.DocumentRefused, hub.CheckSignature, hub.AlarmForged},
		"expired certificate": {func(k *kiosk) wire.Submission { return k.reserve(persona(t, "expired")) },
			fault.DocumentRefused, hub.CheckValidity, ""},
		"foreign chain": {func(k *kiosk) wire.Submission { return k.reserve(persona(t, "foreign")) },
			fault.DocumentRefused, hub.CheckChain, hub.AlarmForged},
		"no certificate": {func(k *kiosk) wire.Submission {
			p := persona(t, "taro").payload(k.reservation())
			p.Signed.Certificate = []byte("rubbish")
			return k.sealed(p)
		}, fault.DocumentRefused, hub.CheckChain, hub.AlarmForged},
		"signed tomorrow": {func(k *kiosk) wire.Submission {
			d := k.reservation()
			d.Time = now(k).Add(24 * time.Hour)
			return k.sealed(persona(t, "taro").payload(d))
		}, fault.ClockWrong, hub.CheckTime, hub.AlarmClock},
		"signed a year ago": {func(k *kiosk) wire.Submission {
			d := k.reservation()
			d.Time = now(k).AddDate(-1, 0, 0)
			return k.sealed(persona(t, "taro").payload(d))
		}, fault.ClockWrong, hub.CheckTime, hub.AlarmClock},
		"document of another kiosk": {func(k *kiosk) wire.Submission {
			d := k.reservation()
			d.Kiosk = "other"
			return k.sealed(persona(t, "taro").payload(d))
		}, fault.DocumentRefused, hub.CheckKiosk, hub.AlarmForeign},
		"unsealable": {func(k *kiosk) wire.Submission {
			s := k.reserve(persona(t, "taro"))
			s.Sealed[len(s.Sealed)-1] ^= 1
			return s
		}, fault.DocumentRefused, hub.CheckSeal, hub.AlarmUnreadable},
		"sealed under another id": {func(k *kiosk) wire.Submission {
			s := k.reserve(persona(t, "taro"))
			s.ID = wire.NewSubmissionID()
			return s
		}, fault.DocumentRefused, hub.CheckSeal, hub.AlarmUnreadable},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			k := newRig(t).kiosk("demo")
			s := tc.make(k)
			ack, first := k.put(s)
			if v := ack.Verdict(); v.Accepted || v.Code != tc.code {
				t.Fatalf("verdict %+v, not %s", v, tc.code)
			}
			if _, again := k.put(s); !bytes.Equal(first, again) {
				t.Error("the second answer differs")
			}
			row, err := k.store.Submission(t.Context(), s.ID)
			must(t, err)
			if last := row.Checks[len(row.Checks)-1]; last.OK || last.Name != tc.check {
				t.Errorf("last check is %+v, not a failed %s", last, tc.check)
			}
			if tc.alarm == "" {
				if list, err := k.store.Alarms(t.Context(), 9); err != nil || len(list) != 0 {
					t.Errorf("alarms %v (%v)", list, err)
				}
			} else if k.alarms(tc.alarm) != 1 {
				t.Errorf("no alarm %s", tc.alarm)
			}
		})
	}
}

// Without its key nobody can say what a submission is worth, so it stays with the
// kiosk, and is taken when the key is back.
func TestUnknownSealKeyIsNotAcknowledged(t *testing.T) {
	k := newRig(t).kiosk("demo")
	s := k.reserve(persona(t, "taro"))
	keys := k.ingest.Keys
	k.ingest.Keys = func() hub.Keys { return hub.Keys{} }
	for range 2 {
		status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, mustJSON(t, s))
		p, err := wire.Decode[wire.Problem](answer)
		if err != nil || status != http.StatusServiceUnavailable || p.RetryAfterSec == 0 {
			t.Fatalf("status %d: %s", status, answer)
		}
	}
	if _, err := k.store.Submission(t.Context(), s.ID); err == nil {
		t.Error("it was stored")
	}
	if n := k.alarms(hub.AlarmKey); n != 2 {
		t.Errorf("%d alarms", n)
	}
	k.ingest.Keys = keys
	if ack, _ := k.put(s); !ack.Verdict().Accepted {
		t.Errorf("with the key: %+v", ack.Verdict())
	}
}

// A hub whose clock is behind refuses nothing for good that was signed at a right one:
// it waits at the kiosk, and is taken when the clock is right again.
func TestADocumentFromTheFutureWaits(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	s := k.reserve(persona(t, "taro"))
	b, err := json.Marshal(s)
	must(t, err)
	r.ahead.Store(int64(-time.Hour))
	for range 2 {
		var p wire.Problem
		status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b)
		must(t, json.Unmarshal(answer, &p))
		if status != http.StatusTooEarly || p.Code != fault.HubRefused {
			t.Errorf("status %d, %+v", status, p)
		}
	}
	if _, err := r.store.Submission(t.Context(), s.ID); err == nil {
		t.Error("it was stored")
	}
	if r.alarms(hub.AlarmClock) != 2 {
		t.Errorf("%d alarms", r.alarms(hub.AlarmClock))
	}
	r.ahead.Store(0)
	if ack, _ := k.put(s); !ack.Verdict().Accepted {
		t.Errorf("verdict %+v", ack.Verdict())
	}
}

// A clock is as wrong ahead as behind, and somebody is told.
func TestInquiryAtAWrongTime(t *testing.T) {
	k := newRig(t).kiosk("demo")
	taro := persona(t, "taro")
	inquire := func(off time.Duration) wire.InquiryRequest {
		d := k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}})
		d.Time = d.Time.Add(off)
		return wire.NewInquiryRequest(taro.sign(d))
	}
	for _, off := range []time.Duration{-14 * time.Minute, 14 * time.Minute} {
		call[wire.Standing](k, wire.PathInquiry, inquire(off), http.StatusOK)
	}
	if n := k.alarms(hub.AlarmClock); n != 0 {
		t.Errorf("%d alarms for a clock that is nearly right", n)
	}
	for _, off := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		k.refused(wire.PathInquiry, inquire(off), http.StatusUnprocessableEntity, fault.ClockWrong)
	}
	if n := k.alarms(hub.AlarmClock); n != 2 {
		t.Errorf("%d alarms", n)
	}
}

// A document that somebody has kept does not tell how things stand now.
func TestAnInquiryThatIsSentAgain(t *testing.T) {
	k := newRig(t).kiosk("demo")
	taro := persona(t, "taro")
	kept := wire.NewInquiryRequest(taro.sign(k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}})))
	if st := call[wire.Standing](k, wire.PathInquiry, kept, http.StatusOK); st.Reserved {
		t.Fatalf("before the reservation: %+v", st)
	}
	k.put(k.reserve(taro))
	if st := call[wire.Standing](k, wire.PathInquiry, kept, http.StatusOK); st.Reserved {
		t.Error("the same inquiry tells of what came after it")
	}
	renamed := kept
	renamed.RequestID = wire.NewNonce()
	k.refused(wire.PathInquiry, renamed, http.StatusBadRequest, fault.BadMessage)
	k.ahead.Store(int64(31 * time.Minute)) // the answer is forgotten
	k.refused(wire.PathInquiry, kept, http.StatusUnprocessableEntity, fault.ClockWrong)
	k.ahead.Store(0)
	fresh := wire.NewInquiryRequest(taro.sign(k.document(wire.Document{Kind: wire.KindInquiry, Inquiry: &wire.Inquiry{}})))
	if st := call[wire.Standing](k, wire.PathInquiry, fresh, http.StatusOK); !st.Reserved {
		t.Errorf("a new inquiry: %+v", st)
	}
}

func TestVerdictsOfThePlatform(t *testing.T) {
	k := newRig(t).kiosk("demo")
	verdict := func(s wire.Submission) wire.Verdict { ack, _ := k.put(s); return ack.Verdict() }
	issued := k.issue("4980000000000014", "09012345678", "abcd1234")
	mine := wire.Application{Service: issued.Service, ServiceID: issued.ServiceID, Codes: issued.Codes, PhoneLast4: "5678", Terms: "1"}
	taro, hanako := persona(t, "taro"), persona(t, "hanako")
	first := verdict(k.reserve(taro))
	if again := verdict(k.reserve(taro)); again.MyKeyID != first.MyKeyID {
		t.Errorf("a second reservation gives another MyKey ID: %q, %q", first.MyKeyID, again.MyKeyID)
	}
	verdict(k.reserve(hanako))
	change := func(f func(*wire.Application)) wire.Application {
		a := mine
		f(&a)
		return a
	}
	for name, a := range map[string]wire.Application{
		"code":    change(func(a *wire.Application) { a.Codes = []wire.Private{"x" + a.Codes[0][1:]} }),
		"phone":   change(func(a *wire.Application) { a.PhoneLast4 = "0000" }),
		"id":      change(func(a *wire.Application) { a.ServiceID = "6911000000000000" }),
		"service": change(func(a *wire.Application) { a.Service = "aeon-cash-debit" }),
		"unknown": change(func(a *wire.Application) { a.Service = "nobody" }),
	} {
		if v := verdict(k.apply(taro, a)); v.Code != fault.ServiceIDWrong {
			t.Errorf("wrong %s: %+v", name, v)
		}
	}
	if v := verdict(k.apply(taro, mine)); !v.Accepted {
		t.Fatalf("application: %+v", v)
	}
	if v := verdict(k.apply(taro, qrPay())); v.Code != fault.AlreadyApplied {
		t.Errorf("second application: %+v", v)
	}
	if v := verdict(k.apply(hanako, mine)); v.Code != fault.ServiceIDWrong {
		t.Errorf("another person's ID: %+v", v)
	}
	if v := verdict(k.apply(hanako, qrPay())); !v.Accepted {
		t.Errorf("a service of others: %+v", v)
	}
}

func TestConflictIsQuarantined(t *testing.T) {
	k := newRig(t).kiosk("demo")
	s := k.reserve(persona(t, "taro"))
	_, first := k.put(s)
	other, err := wire.Seal(k.seal, k.id, s.ID, persona(t, "hanako").payload(k.reservation()))
	must(t, err)
	b, err := json.Marshal(other)
	must(t, err)
	if status, answer := k.send(http.MethodPut, wire.PathSubmissions+s.ID, b); status != http.StatusConflict {
		t.Errorf("status %d: %s", status, answer)
	}
	if k.alarms(hub.AlarmConflict) != 1 {
		t.Error("no alarm")
	}
	if _, again := k.put(s); !bytes.Equal(first, again) {
		t.Error("the stored submission changed")
	}
}

// What bears no document is nowhere looked up before it is stored: the store's own word is
// what keeps a second content from being answered with the first one's acknowledgement.
func TestConflictsThatOnlyTheStoreSees(t *testing.T) {
	k := newRig(t).kiosk("demo")
	record := func(ref string) wire.Payload {
		i := wire.Issuance{Kiosk: k.id, Time: k.now().UTC().Truncate(time.Second), IssueRef: ref, Service: "waon"}
		return wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &i}
	}
	first := k.sealed(record("first"))
	_, stored := k.put(first)
	second, err := wire.Seal(k.seal, k.id, first.ID, record("second"))
	must(t, err)
	spoilt := first
	spoilt.Sealed = bytes.Clone(first.Sealed)
	spoilt.Sealed[len(spoilt.Sealed)-1] ^= 1
	for i, other := range []wire.Submission{second, spoilt} {
		if status, answer := k.send(http.MethodPut, wire.PathSubmissions+first.ID, mustJSON(t, other)); status != http.StatusConflict {
			t.Errorf("content %d: status %d: %s", i, status, answer)
		}
		if n := k.alarms(hub.AlarmConflict); n != i+1 {
			t.Errorf("content %d: %d alarms", i, n)
		}
		if row, err := k.store.Submission(t.Context(), first.ID); err != nil || !bytes.Equal(row.Hash, first.Hash()) {
			t.Errorf("content %d: another one is stored (%v)", i, err)
		}
	}
	if _, again := k.put(first); !bytes.Equal(stored, again) {
		t.Error("the stored submission's answer has changed")
	}
}

// asked counts what the platform is asked to do for good.
type asked struct {
	hub.Platform

	reserve atomic.Int32
}

func (a *asked) Reserve(ctx context.Context, r hub.ReserveOrder) (wire.Private, error) {
	a.reserve.Add(1)
	return a.Platform.Reserve(ctx, r)
}

// A document that came before is refused before the platform hears of it: what that does
// is irrevocable.
func TestReplayedDocument(t *testing.T) {
	r := newRig(t)
	platform := &asked{Platform: r.box}
	r.ingest.Platform = platform
	k := r.kiosk("demo")
	p := persona(t, "taro").payload(k.reservation())
	k.put(k.sealed(p))
	ack, _ := k.put(k.sealed(p))
	if v := ack.Verdict(); v.Code != fault.DocumentRefused || k.alarms(hub.AlarmReplayed) != 1 {
		t.Errorf("verdict %+v, alarms %d", v, k.alarms(hub.AlarmReplayed))
	}
	if n := platform.reserve.Load(); n != 1 {
		t.Errorf("the platform was asked %d times", n)
	}
}

func TestKioskSubmitsForItselfOnly(t *testing.T) {
	r := newRig(t)
	a, b := r.kiosk("demo"), r.kiosk("other")
	s := b.reserve(persona(t, "taro"))
	body, err := json.Marshal(s)
	must(t, err)
	if status, answer := a.send(http.MethodPut, wire.PathSubmissions+s.ID, body); status != http.StatusForbidden {
		t.Errorf("status %d: %s", status, answer)
	}
	if _, err := r.store.Submission(t.Context(), s.ID); err == nil {
		t.Error("it was stored")
	}
	if r.alarms(hub.AlarmForeign) != 1 {
		t.Error("no alarm")
	}
}
