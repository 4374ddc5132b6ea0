package hub_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/hub/storetest"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// counting counts what budgets cost the store.
type counting struct {
	hub.Store

	spent *atomic.Int64
	fail  atomic.Bool
}

func (c *counting) Spend(ctx context.Context, kiosk, what string, cost, most time.Duration, now time.Time) (time.Duration, error) {
	c.spent.Add(1)
	if c.fail.Load() {
		return 0, errors.New("away")
	}
	return c.Store.Spend(ctx, kiosk, what, cost, most, now)
}

// limited is an API over a store that several share, without a network.
func limited(t *testing.T, s hub.Store, now func() time.Time) func(kiosk string) bool {
	t.Helper()
	gate := hub.NewGate(s, 10, 20, now, slog.New(slog.DiscardHandler))
	return func(kiosk string) bool { return gate(t.Context(), kiosk) == 0 }
}

// A kiosk that talks to three hubs as fast as each lets it gets little more than one
// hub would give it; an honest one costs no write, and nobody pays one a request.
func TestOneKioskAtThreeHubs(t *testing.T) {
	var now atomic.Int64
	clock := func() time.Time { return time.UnixMilli(1e12 + now.Load()) }
	var spent atomic.Int64
	store := &counting{Store: bareStore(t), spent: &spent}
	hubs := []func(string) bool{limited(t, store, clock), limited(t, store, clock), limited(t, store, clock)}
	const limit, burst, seconds, each = 10, 20, 300, 20 // every kiosk asks every hub 20 times a second
	through := 0
	for range seconds * each {
		now.Add(1000 / each)
		for _, ask := range hubs {
			if ask("rogue") {
				through++
			}
		}
	}
	most := limit*seconds + burst + len(hubs)*(limit*seconds/10+burst+5*limit)
	t.Logf("%d of %d got through; alone each hub gives %d; %d writes", through, seconds*each*len(hubs), limit*seconds, spent.Load())
	if through > most || through < limit*seconds/2 {
		t.Errorf("%d got through, the bound is %d", through, most)
	}
	if n := spent.Load(); n > 3*3*seconds/2 {
		t.Errorf("%d writes for %d requests", n, through)
	}
	spent.Store(0)
	for range 600 { // once a second at each hub: a tenth of the rate
		now.Add(1000)
		for _, ask := range hubs {
			if !ask("honest") {
				t.Fatal("an honest kiosk waits")
			}
		}
	}
	if n := spent.Load(); n != 0 {
		t.Errorf("an honest kiosk costs %d writes", n)
	}
	// A store that does not answer stops nobody; the hub's own limit holds.
	store.fail.Store(true)
	through = 0
	for range 60 * each {
		now.Add(1000 / each)
		if hubs[0]("rogue2") {
			through++
		}
	}
	if through < limit*60-burst || through > limit*60+burst {
		t.Errorf("without the store %d got through", through)
	}
}

func bareStore(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// A kiosk in wrong hands cannot send messages by the thousand.
func TestMessagesHaveABudget(t *testing.T) {
	r := newRig(t)
	k := r.kiosk("demo")
	phone := func(i int) string {
		return "0901234" + string([]byte{'0' + byte(i/1000%10), '0' + byte(i/100%10), '0' + byte(i/10%10), '0' + byte(i%10)})
	}
	start := func(i int) wire.IssueStart { return startOf(luhn(i), phone(i)) }
	var last wire.IssueStart
	for i := range hub.DefaultMessages {
		last = start(i)
		call[wire.IssueStarted](k, wire.PathIssueStart, last, http.StatusOK)
	}
	p := k.refused(wire.PathIssueStart, start(100), http.StatusTooManyRequests, fault.TooFast)
	if p.RetryAfterSec < 60 || p.RetryAfterSec > 120 {
		t.Errorf("it may come again in %d s", p.RetryAfterSec)
	}
	if n := r.alarms(hub.AlarmMessages); n != 1 {
		t.Errorf("%d alarms", n)
	}
	call[wire.IssueStarted](k, wire.PathIssueStart, last, http.StatusOK) // the same again sends nothing
	call[wire.IssueStarted](r.kiosk("other"), wire.PathIssueStart, start(101), http.StatusOK)
	r.ahead.Store(int64(2*time.Minute + time.Second))
	call[wire.IssueStarted](k, wire.PathIssueStart, start(102), http.StatusOK)
	k.refused(wire.PathIssueStart, start(103), http.StatusTooManyRequests, fault.TooFast)
}

// An issuer that is away sends nothing, so it costs nothing.
func TestAnAbsentIssuerCostsNoMessages(t *testing.T) {
	k := newRig(t).kiosk("demo")
	start := startOf("4980000000000048", "09012345678")
	for range hub.DefaultMessages + 5 {
		k.refused(wire.PathIssueStart, start, http.StatusServiceUnavailable, fault.IssuerDown)
	}
	call[wire.IssueStarted](k, wire.PathIssueStart, startOf(luhn(1), "09012345670"), http.StatusOK)
}

// luhn makes a card number.
func luhn(i int) string {
	n := []byte("4980000001000000")
	for d := 14; i > 0; d, i = d-1, i/10 {
		n[d] = '0' + byte(i%10)
	}
	sum := 0
	for j := range 15 {
		v := int(n[j] - '0')
		if j%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	n[15] = '0' + byte((10-sum%10)%10)
	return string(n)
}

// The caretaker seals what is in clear or under an earlier key, forgets what is old
// enough and nothing else, and of two hubs one does it.
func TestCaretaker(t *testing.T) {
	bare := bareStore(t)
	v, err := vault.New(bytes.Repeat([]byte{1}, vault.KeySize))
	must(t, err)
	tag, err := vault.TagKey(bytes.Repeat([]byte{1}, vault.KeySize))
	must(t, err)
	s := storetest.Sealing(bare, v)
	now := time.Now()
	const day = 24 * time.Hour
	put := func(age time.Duration) string {
		t.Helper()
		in := hub.Stored{ID: wire.NewSubmissionID(), Kiosk: "demo", KeyID: "k", Sealed: []byte{1}, Hash: []byte(wire.NewNonce() + wire.NewNonce())[:32], StoredAt: now.Add(-age), Ack: []byte("a")}
		_, err := s.Put(t.Context(), in, nil, nil)
		must(t, err)
		return in.ID
	}
	old, young := put(401*day), put(399*day)
	for range 204 {
		put(500 * day)
	}
	for _, age := range []time.Duration{399 * day, 401 * day} {
		must(t, s.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: age.String(), Last: now.Add(-age)}))
	}
	for i, age := range []time.Duration{729 * day, 731 * day} { // and an alarm, which both count up
		q := hub.Quarantine{Submission: wire.NewSubmissionID(), Kiosk: "demo", Hash: bytes.Repeat([]byte{byte(i)}, 32), Sealed: []byte{1}, At: now.Add(-age)}
		must(t, s.Quarantine(t.Context(), q, hub.Alarm{Kind: hub.AlarmConflict, Kiosk: "demo", Last: now}))
	}
	for id, left := range map[string]time.Duration{"over-over": -time.Minute, "good-good": time.Minute} {
		a := hub.Answer{RequestTag: "t", Status: 200, Sealed: v.Seal("answer /v1/x "+id, []byte("a")), Expires: now.Add(left)}
		must(t, s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: id}, a, now.Add(-time.Hour)))
	}
	first := v.Present()
	must(t, v.Replace(vault.Ring{Present: bytes.Repeat([]byte{2}, vault.KeySize), Others: [][]byte{bytes.Repeat([]byte{1}, vault.KeySize)}, Tag: tag}))
	care := func(holder string) *hub.Caretaker {
		return &hub.Caretaker{
			Store: hub.Seal(bare, v), Keep: hub.Keep(), Holder: holder, Keys: func() []string { return []string{first, v.Present()} },
			Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		}
	}
	done, err := care("a").Round(t.Context())
	must(t, err)
	forgotten := map[hub.Kept]int{hub.KeptSealed: 205, hub.KeptQuarantine: 1, hub.KeptAlarms: 1, hub.KeptAnswers: 1, hub.KeptTraces: 0}
	if done.Resealed != 210 || !maps.Equal(done.Forgotten, forgotten) {
		t.Errorf("did %+v", done)
	}
	for id, cleared := range map[string]bool{old: true, young: false} {
		if row, err := s.Submission(t.Context(), id); err != nil || (len(row.Sealed) == 0) != cleared || string(row.Ack) != "a" {
			t.Errorf("%+v (%v)", row, err)
		}
	}
	put(402 * day)
	if done, err := care("b").Round(t.Context()); err != nil || done.Forgotten[hub.KeptSealed] != 0 {
		t.Errorf("two hubs do it at once: %+v (%v)", done, err)
	}
	if done, err := care("a").Round(t.Context()); err != nil || done.Forgotten[hub.KeptSealed] != 1 || done.Resealed != 0 {
		t.Errorf("the second round: %+v (%v)", done, err)
	}
}

// A hub whose clock has jumped ahead does not take for old what is not.
func TestCaretakerDoubtsItsClock(t *testing.T) {
	v, err := vault.New(bytes.Repeat([]byte{1}, vault.KeySize))
	must(t, err)
	s := hub.Seal(bareStore(t), v)
	const day = 24 * time.Hour
	began := time.Now()
	_, err = s.Put(t.Context(), hub.Stored{ID: wire.NewSubmissionID(), Kiosk: "demo", KeyID: "k", Sealed: []byte{1}, Hash: bytes.Repeat([]byte{1}, 32), StoredAt: began, Ack: []byte("a")}, nil, nil)
	must(t, err)
	care := func(holder string) (*hub.Caretaker, *time.Time) {
		now := began
		return &hub.Caretaker{
			Store: s, Keep: hub.Keep(), Holder: holder, Keys: func() []string { return nil },
			Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		}, &now
	}
	cleared := func(c *hub.Caretaker) bool {
		t.Helper()
		done, err := c.Round(t.Context())
		must(t, err)
		return done.Forgotten[hub.KeptSealed] > 0
	}
	right, now := care("right")
	wrong, ahead := care("wrong")
	for hour := range 48 {
		*now, *ahead = began.Add(time.Duration(hour)*time.Hour), began.Add(500*day+time.Duration(hour)*time.Hour)
		if cleared(right) || cleared(wrong) {
			t.Fatalf("hour %d: what is young was cleared", hour)
		}
	}
	// The right one ends. Somebody has a day; a restart makes that no shorter.
	for hour := range 20 {
		*ahead = began.Add(500*day + time.Duration(48+hour)*time.Hour)
		if cleared(wrong) {
			t.Fatalf("alone for %d hours: what is young was cleared", hour)
		}
	}
	restarted, ahead := care("restarted")
	for hour := range 24 {
		*ahead = began.Add(500*day + time.Duration(68+hour)*time.Hour)
		if cleared(restarted) {
			t.Fatalf("%d hours after a restart: what is young was cleared", hour)
		}
	}
	*ahead = began.Add(500*day + 92*time.Hour)
	if !cleared(restarted) {
		t.Error("a hub that was off for long does not clear what is old")
	}
	all, err := s.Alarms(t.Context(), 10)
	must(t, err)
	if len(all) != 1 || all[0].Kind != hub.AlarmHubClock {
		t.Errorf("alarms: %+v", all)
	}
}

// Rows that do not open, and a sandbox that is away, are told of; they stop neither
// what is to be forgotten nor the rows that do open. What is of one hub alone is done
// also when another hub has the lease.
func TestCaretakerGoesOn(t *testing.T) {
	bare := bareStore(t)
	v, err := vault.New(bytes.Repeat([]byte{1}, vault.KeySize))
	must(t, err)
	foreign, err := vault.New(bytes.Repeat([]byte{9}, vault.KeySize))
	must(t, err)
	now := time.Now()
	const day = 24 * time.Hour
	raise := func(with *vault.Vault, kiosk string, age time.Duration) {
		t.Helper()
		must(t, hub.Seal(bare, with).Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: kiosk, Text: "text", Last: now.Add(-age)}))
	}
	raise(v, "old", 401*day)
	raise(foreign, "closed", day)
	tag, err := vault.TagKey(bytes.Repeat([]byte{1}, vault.KeySize))
	must(t, err)
	raise(v, "open", day)
	first := v.Present()
	must(t, v.Replace(vault.Ring{Present: bytes.Repeat([]byte{2}, vault.KeySize), Others: [][]byte{bytes.Repeat([]byte{1}, vault.KeySize)}, Tag: tag}))
	away := errors.New("sandbox is away")
	also := 0
	care := func(holder string) *hub.Caretaker {
		return &hub.Caretaker{
			Store: hub.Seal(bare, v), Keep: hub.Keep(), Holder: holder, Keys: func() []string { return []string{foreign.Present(), first, v.Present()} },
			Also: func(context.Context) (int, error) { also++; return 0, away },
			Now:  func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		}
	}
	done, err := care("a").Round(t.Context())
	if !errors.Is(err, vault.ErrNoKey) || !errors.Is(err, away) {
		t.Errorf("it says %v", err)
	}
	if done.Forgotten[hub.KeptAlarms] != 1 || done.Resealed != 1 {
		t.Errorf("did %+v", done)
	}
	if _, err := care("b").Round(t.Context()); !errors.Is(err, away) || also != 2 {
		t.Errorf("without the lease: %v, its own %d times", err, also)
	}
}
