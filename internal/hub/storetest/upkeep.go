package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/hub/vault"
	"kioskd/internal/wire"
)

// vaultKey fills a key of the suite's vaults.
func vaultKey(b byte) []byte { return bytes.Repeat([]byte{b}, vault.KeySize) }

func newVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.New(vaultKey(1))
	must(t, err)
	return v
}

// sealed is an answer as the hub stores it: named by its key.
func sealed(b ...byte) []byte {
	v, err := vault.New(vaultKey(1))
	if err != nil {
		panic(err)
	}
	return v.Seal("answer", b)
}

// Places cost time, and these do not meet.
func leasesAndBudgets(t *testing.T, b *bench) {
	leases(t, b)
	budgets(t, b)
	budgetByACrowd(t, b)
}

func leases(t *testing.T, b *bench) {
	take := func(holder string, now time.Time) bool {
		t.Helper()
		mine, err := b.Lease(t.Context(), "upkeep", holder, now, time.Minute)
		must(t, err)
		return mine
	}
	now := epoch()
	ends := func(want time.Time) {
		t.Helper()
		end, err := b.LeaseEnd(t.Context(), "upkeep")
		must(t, err)
		if !end.Truncate(time.Millisecond).Equal(want.Truncate(time.Millisecond)) {
			t.Errorf("the lease ends %v, want %v", end, want)
		}
	}
	ends(time.Time{})
	if !take("a", now) || take("b", now.Add(59*time.Second)) || !take("a", now.Add(30*time.Second)) {
		t.Error("a lease is not held")
	}
	ends(now.Add(90 * time.Second))
	if take("b", now.Add(89*time.Second)) || !take("b", now.Add(90*time.Second)) || take("a", now.Add(90*time.Second)) {
		t.Error("a lease does not end")
	}
	if mine, err := b.Lease(t.Context(), "other", "c", now, time.Minute); err != nil || !mine {
		t.Errorf("another lease: %v (%v)", mine, err)
	}
	var mu sync.Mutex
	won := 0
	b.together(func(s Store, i int) {
		mine, err := s.Lease(t.Context(), "crowd", name(i), now, time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		if mine {
			won++
		}
	})
	if won != 1 {
		t.Errorf("%d hold one lease", won)
	}
}

func clearingKeepsTheRow(t *testing.T, b *bench) {
	var ids []string
	for i := range 5 {
		in := submission(name(i))
		in.DocumentHash, in.StoredAt = document(name(i)), epoch().Add(time.Duration(i)*time.Hour)
		put(t, b, in)
		ids = append(ids, in.ID)
		if i == 0 {
			old := in
			defer func() { // it counts once for ever
				again, err := b.Put(t.Context(), old, nil, nil)
				must(t, err)
				if !bytes.Equal(again.Ack, old.Ack) || again.Verdict != old.Verdict || len(again.Sealed) != 0 {
					t.Errorf("put again after it was cleared: %+v", again)
				}
				other := old
				other.Hash = document("other")
				_, err = b.Put(t.Context(), other, nil, nil)
				mustBe(t, err, hub.ErrOtherContent)
			}()
		}
	}
	before := kept(epoch().Add(3 * time.Hour)) // all but two
	for _, want := range []int{2, 1, 0} {
		if n, err := b.Forget(t.Context(), hub.KeptSealed, before, 2); err != nil || n != want {
			t.Errorf("cleared %d, not %d (%v)", n, want, err)
		}
	}
	for i, id := range ids {
		s, err := b.Submission(t.Context(), id)
		must(t, err)
		if (len(s.Sealed) == 0) != (i < 3) || len(s.Hash) != 32 || len(s.Ack) == 0 || s.Verdict.MyKeyID != "ABCD" {
			t.Errorf("%d: %d sealed bytes, %+v", i, len(s.Sealed), s)
		}
		if _, used, err := b.Known(t.Context(), "", document(name(i))); err != nil || used != id {
			t.Errorf("%d: its document is in %q (%v)", i, used, err)
		}
	}
	if b.total() != 5 {
		t.Errorf("%d rows", b.total())
	}
}

func forgetting(t *testing.T, b *bench) {
	now := kept(epoch())
	for i := range 3 {
		at := now.Add(time.Duration(i) * time.Hour)
		s := submission(name(i))
		q, a := quarantined(s), alarmed(s)
		q.At, a.Last = at, at
		must(t, b.Quarantine(t.Context(), *q, *a))
		must(t, b.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: name(i), Scope: "/v1/x", RequestID: "aaaaaaaa"},
			hub.Answer{RequestTag: "t", Status: 200, Sealed: sealed(1), Expires: at}, now.Add(-time.Hour)))
	}
	for _, what := range []hub.Kept{hub.KeptQuarantine, hub.KeptAlarms, hub.KeptAnswers} {
		// Strictly older; in batches; and then nothing more.
		for i, c := range []struct {
			before time.Time
			limit  int
			want   int
		}{{now, 9, 0}, {now.Add(2 * time.Hour), 1, 1}, {now.Add(2 * time.Hour), 9, 1}, {now.Add(2 * time.Hour), 9, 0}} {
			if n, err := b.Forget(t.Context(), what, c.before, c.limit); err != nil || n != c.want {
				t.Errorf("%s, step %d: forgot %d, not %d (%v)", what, i, n, c.want, err)
			}
		}
	}
	fullBudgetsAreForgotten(t, b)
	list, err := b.Alarms(t.Context(), 9)
	must(t, err)
	_, err = b.Answer(t.Context(), hub.AnswerKey{Kiosk: name(2), Scope: "/v1/x", RequestID: "aaaaaaaa"}, now)
	must(t, err)
	if b.place.Quarantined(t) != 1 || len(list) != 1 || !list[0].Last.Equal(now.Add(2*time.Hour)) {
		t.Errorf("%d in quarantine, alarms %+v", b.place.Quarantined(t), list)
	}
	if _, err := b.Forget(t.Context(), "everything", now, 1); err == nil {
		t.Error("forgets a class that there is not")
	}
}

// Whatever a hub's clock says, a budget that is not full is not forgotten.
func fullBudgetsAreForgotten(t *testing.T, b *bench) {
	now := kept(epoch())
	for i := range 3 {
		_, err := b.Spend(t.Context(), name(i), "x", time.Duration(i+1)*time.Hour, 9*time.Hour, now)
		must(t, err)
	}
	forget := func(limit, want int) {
		t.Helper()
		if n, err := b.Forget(t.Context(), hub.KeptTraces, now, limit); err != nil || n != want {
			t.Errorf("forgot %d budgets, not %d (%v)", n, want, err)
		}
	}
	forget(9, 0)
	b.place.Age(t, 150*time.Minute)
	forget(1, 1)
	forget(9, 1)
	forget(9, 0)
}

func budgets(t *testing.T, b *bench) {
	now := epoch()
	spend := func(kiosk string, cost time.Duration) time.Duration {
		t.Helper()
		wait, err := b.all[len(b.all)-1].Spend(t.Context(), kiosk, "messages", cost, 10*time.Minute, now)
		must(t, err)
		return wait
	}
	for i := range 5 {
		if w := spend("demo", 2*time.Minute); w != 0 {
			t.Errorf("%d: waits %v", i, w)
		}
	}
	near := func(got, want time.Duration) bool { return (got - want).Abs() <= 10*time.Second } // a shared store has its own clock
	b.place.Age(t, 30*time.Second)
	if w := spend("demo", 2*time.Minute); !near(w, 90*time.Second) {
		t.Errorf("an empty budget waits %v", w)
	}
	if w := spend("other", 2*time.Minute); w != 0 {
		t.Errorf("another kiosk waits %v", w)
	}
	if w, err := b.Spend(t.Context(), "demo", "other", time.Minute, time.Minute, now); err != nil || w != 0 {
		t.Errorf("another budget waits %v (%v)", w, err)
	}
	b.place.Age(t, 90*time.Second+time.Millisecond)
	if w := spend("demo", 2*time.Minute); w != 0 {
		t.Errorf("after refilling it waits %v", w)
	}
	// More than it ever holds needs it full, and leaves no more debt than that.
	if w := spend("big", 30*time.Minute); w != 0 {
		t.Errorf("a big cost waits %v", w)
	}
	if w := spend("big", time.Minute); w <= 0 || w > 21*time.Minute {
		t.Errorf("a debt waits %v", w)
	}
	// A hub whose clock was a year ahead has spent: nobody waits longer for that than
	// from an empty budget.
	b.place.Age(t, -365*24*time.Hour)
	if w := spend("demo", 2*time.Minute); !near(w, 2*time.Minute) {
		t.Errorf("after a clock that was ahead it waits %v", w)
	}
	if w, err := b.Spend(t.Context(), "ahead", "messages", 2*time.Minute, 10*time.Minute, now.Add(365*24*time.Hour)); err != nil || w != 0 {
		t.Errorf("waits %v (%v)", w, err)
	}
	for range 5 {
		if w := spend("ahead", 2*time.Minute); w > 2*time.Minute {
			t.Errorf("an honest kiosk waits %v", w)
		}
	}
}

// Of a crowd over all hubs no more get through than the budget holds.
func budgetByACrowd(t *testing.T, b *bench) {
	var mu sync.Mutex
	through := 0
	b.together(func(s Store, i int) {
		wait, err := s.Spend(t.Context(), "crowded", "messages", time.Minute, 7*time.Minute, epoch())
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		if err == nil && wait == 0 {
			through++
		}
	})
	if through != 7 {
		t.Errorf("%d of %d got through, not 7", through, crowd)
	}
}

func clearTextIsRefused(t *testing.T, b *bench) {
	s := b.bare[0]
	in := submission("one")
	_, err := s.Put(t.Context(), in, nil, nil)
	mustBe(t, err, hub.ErrNotSealed)
	mustBe(t, s.Quarantine(t.Context(), *quarantined(in), *alarmed(in)), hub.ErrNotSealed)
	mustBe(t, s.Raise(t.Context(), *alarmed(in)), hub.ErrNotSealed)
	mustBe(t, s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"},
		hub.Answer{Sealed: []byte("clear"), Expires: epoch().Add(time.Hour)}, epoch()), hub.ErrNotSealed)
	open := issuance("demo", "I-1")
	open.Tag, open.Private = "t", []byte("clear")
	mustBe(t, s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"},
		hub.Answer{Sealed: sealed(1), Expires: epoch().Add(time.Hour), Issued: &open}, epoch()), hub.ErrNotSealed)
	if _, n, err := s.Issuances(t.Context(), hub.IssuanceFilter{Limit: 1}); err != nil || n != 0 {
		t.Errorf("%d issuances (%v)", n, err)
	}
	_, err = s.Reseal(t.Context(), hub.TableAlarm, []hub.Part{{New: []byte("clear")}})
	mustBe(t, err, hub.ErrNotSealed)
	if list, err := s.Alarms(t.Context(), 1); err != nil || len(list) != 0 || b.total()+b.place.Quarantined(t) != 0 {
		t.Errorf("something was stored: %+v (%v)", list, err)
	}
	partsCannotBeExchanged(t, b)
}

// The vault's key changes while rows are there: they open before, during and
// after, and in the end all are sealed with the new key, also when a dozen do it.
func resealing(t *testing.T, b *bench) {
	const n = 210 // more than one batch
	var ids []string
	for i := range n {
		in := submission(name(i))
		_, err := b.Put(t.Context(), in, nil, nil)
		must(t, err)
		ids = append(ids, in.ID)
	}
	odd := submission("odd")
	must(t, b.Quarantine(t.Context(), *quarantined(odd), *alarmed(odd)))
	key := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"}
	old := newVault(t)
	must(t, b.PutAnswer(t.Context(), key, hub.Answer{Sealed: old.Seal("answer /v1/x aaaaaaaa", []byte("codes")), Expires: epoch().Add(time.Hour)}, epoch()))
	issue(t, b, "request-1", issuance("demo", "I-1"))
	tag, err := vault.TagKey(vaultKey(1))
	must(t, err)
	both, err := vault.Open(vault.Ring{Present: vaultKey(2), Others: [][]byte{vaultKey(1)}, Tag: tag})
	must(t, err)
	check := func(v *vault.Vault, when string) {
		t.Helper()
		s := hub.Seal(b.bare[0], v)
		for _, id := range []string{ids[0], ids[n/2], ids[n-1]} {
			row, err := s.Submission(t.Context(), id)
			must(t, err)
			if row.Verdict.MyKeyID != "ABCD" || len(row.Ack) == 0 || row.Summary.ServiceID != "••••1234" {
				t.Errorf("%s: %+v", when, row)
			}
		}
		if list, err := s.Alarms(t.Context(), 5); err != nil || len(list) != 1 || list[0].Text != "seal: closed" {
			t.Errorf("%s: alarms %+v (%v)", when, list, err)
		}
		if list, _, err := s.Issuances(t.Context(), hub.IssuanceFilter{Limit: 5}); err != nil || len(list) != 1 || list[0].IssueRef != "I-1" {
			t.Errorf("%s: issuances %+v (%v)", when, list, err)
		}
		a, err := s.Answer(t.Context(), key, epoch())
		must(t, err)
		if text, err := v.Open("answer /v1/x aaaaaaaa", a.Sealed); err != nil || string(text) != "codes" {
			t.Errorf("%s: answer %q (%v)", when, text, err)
		}
	}
	check(old, "before")
	check(both, "with both keys")
	stop := errors.New("stop")
	first, err := hub.Seal(b.bare[0], both).ResealAll(t.Context(), []string{old.Present()}, func(int) error { return stop })
	mustBe(t, err, stop)
	check(both, "midway")
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := first
	for i := range 6 {
		wg.Go(func() {
			n, err := hub.Seal(b.bare[i%len(b.bare)], both).ResealAll(t.Context(), []string{old.Present()}, func(int) error { return nil })
			mu.Lock()
			defer mu.Unlock()
			sum += n
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if sum != n+5 || first == 0 || first > n {
		t.Errorf("%d rows were sealed anew, %d of them first; there are %d", sum, first, n+5)
	}
	if used, err := hub.Seal(b.bare[0], both).Uses(t.Context(), old.Present()); err != nil || used {
		t.Errorf("something is sealed with the old key (%v)", err)
	}
	if used, err := hub.Seal(b.bare[0], both).Uses(t.Context(), both.Present()); err != nil || !used {
		t.Errorf("nothing is sealed with the new key (%v)", err)
	}
	alone, err := vault.Open(vault.Ring{Present: vaultKey(2), Tag: tag})
	must(t, err)
	check(alone, "with the new key alone")
}

// Another vault is told at once, and what it would read is an error, not garbage.
func otherVaults(t *testing.T, b *bench) {
	v := newVault(t)
	must(t, hub.Admit(t.Context(), b.bare[0], v))
	must(t, hub.Admit(t.Context(), b.bare[len(b.bare)-1], v))
	put(t, b, submission("one"))
	tag, err := vault.TagKey(vaultKey(1))
	must(t, err)
	open := func(r vault.Ring) *vault.Vault {
		t.Helper()
		v, err := vault.Open(r)
		must(t, err)
		return v
	}
	foreign, err := vault.New(vaultKey(9))
	must(t, err)
	for name, v := range map[string]*vault.Vault{
		"foreign":         foreign,
		"new alone":       open(vault.Ring{Present: vaultKey(2), Tag: tag}),
		"other tag":       open(vault.Ring{Present: vaultKey(1), Tag: vaultKey(5)}),
		"other tag, both": open(vault.Ring{Present: vaultKey(2), Others: [][]byte{vaultKey(1)}, Tag: vaultKey(5)}),
	} {
		if err := hub.Admit(t.Context(), b.bare[0], v); !errors.Is(err, hub.ErrWrongVault) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := hub.Seal(b.bare[0], foreign).Put(t.Context(), submission("two"), nil, nil); err != nil {
		t.Fatal(err) // nothing stops who does not ask
	}
	if _, _, err := hub.Seal(b.bare[0], foreign).Submissions(t.Context(), hub.Filter{Limit: 9}); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("a foreign vault reads: %v", err)
	}
	next := open(vault.Ring{Present: vaultKey(2), Others: [][]byte{vaultKey(1)}, Tag: tag})
	must(t, hub.Admit(t.Context(), b.bare[0], next))
	mustBe(t, hub.Admit(t.Context(), b.bare[0], v), hub.ErrWrongVault) // who has not got the next key yet
	must(t, b.Disprove(t.Context(), v.Present()))
	must(t, hub.Admit(t.Context(), b.bare[0], open(vault.Ring{Present: vaultKey(2), Tag: tag})))
	proofs, err := b.Proofs(t.Context())
	must(t, err)
	if d := cmp.Diff(1, len(proofs)); d != "" {
		t.Errorf("proofs %v", proofs)
	}
}

// A private part belongs to its row: in another one it does not open.
func partsCannotBeExchanged(t *testing.T, b *bench) {
	left, right := submission("left"), submission("right")
	put(t, b, left)
	put(t, b, right)
	parts, err := b.Parts(t.Context(), hub.TableSubmission, newVault(t).Present(), 9)
	must(t, err)
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	row, err := b.bare[0].Submission(t.Context(), parts[0].Key[0])
	must(t, err)
	row.ID, row.Hash = wire.NewSubmissionID(), document("third")
	_, err = b.bare[0].Put(t.Context(), row, nil, nil)
	must(t, err)
	if s, err := b.Submission(t.Context(), row.ID); !errors.Is(err, vault.ErrOpen) {
		t.Errorf("opens as %s (%v)", fmt.Sprint(s), err)
	}
}
