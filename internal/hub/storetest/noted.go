package storetest

import (
	"slices"
	"testing"
	"time"

	"kioskd/internal/hub"
)

// deafen takes the next number of the hubs' own log away, so that nothing can be noted,
// and gives it back with hear. One note must be there.
func deafen(t *testing.T, b *bench) (hear func()) {
	t.Helper()
	n := len(b.entries("", hub.OwnLog))
	must(t, b.place.Change(t, `INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at)
		SELECT kiosk, log, n + 1, at, event, subject, detail, hash, received_at FROM audit
		WHERE kiosk = '' AND log = 'hub' ORDER BY n DESC LIMIT 1`, false))
	if got := len(b.entries("", hub.OwnLog)); got != n+1 {
		t.Fatalf("%d entries, not %d", got, n+1)
	}
	return func() {
		t.Helper()
		must(t, b.place.Change(t, `DELETE FROM audit WHERE kiosk = '' AND log = 'hub'
			AND n > (SELECT n FROM audit_head WHERE kiosk = '' AND log = 'hub')`, true))
	}
}

// What operators do to a kiosk stands with its note or not at all, and is noted once.
func identityIsNoted(t *testing.T, b *bench) {
	must(t, b.Note(t.Context(), hub.NoteHubStarted, "", "", epoch()))
	noted := func(want ...string) {
		t.Helper()
		var got []string
		for _, e := range b.entries("", hub.OwnLog)[1:] {
			got = append(got, e.Event+" "+e.Subject)
		}
		if !slices.Equal(got, want) {
			t.Errorf("noted are %q, not %q", got, want)
		}
	}
	is := func(revoked bool) {
		t.Helper()
		if k, err := b.Kiosk(t.Context(), "k-one"); err != nil || k.Revoked() != revoked {
			t.Errorf("revoked: %v, not %v (%v)", k.Revoked(), revoked, err)
		}
	}
	enrol := func(code string, after time.Duration) error {
		_, err := b.Enrol(t.Context(), enrolment(code, "k-one", after))
		return err
	}
	revoke := func() error { return b.Revoke(t.Context(), "k-one", "stolen", epoch()) }
	restore := func() error { return b.Restore(t.Context(), "k-one", epoch()) }
	// unheard does what cannot be noted, and then what can.
	unheard := func(do func() error, then func()) {
		t.Helper()
		hear := deafen(t, b)
		if err := do(); err == nil {
			t.Error("done, and not noted")
		}
		then()
		hear()
		must(t, do())
	}
	invite := func(code string) func() error {
		return func() error { return b.Invite(t.Context(), invitation(code)) }
	}

	unheard(invite("a"), func() { mustBe(t, enrol("a", 0), hub.ErrInviteUnknown) })
	noted("kiosk_invited ")
	unheard(func() error { return enrol("a", 0) }, func() {
		_, err := b.Kiosk(t.Context(), "k-one")
		mustBe(t, err, hub.ErrNotFound)
		if list, err := b.Certificates(t.Context(), "k-one"); err != nil || len(list) > 0 {
			t.Errorf("certificates %+v (%v)", list, err)
		}
	})
	noted("kiosk_invited ", "kiosk_enrolled k-one")
	mustBe(t, enrol("c", 0), hub.ErrInviteUnknown)

	unheard(revoke, func() { is(false) })
	is(true)
	must(t, revoke()) // it is so already
	noted("kiosk_invited ", "kiosk_enrolled k-one", "kiosk_revoked k-one")

	unheard(restore, func() { is(true) })
	is(false)
	must(t, restore())
	noted("kiosk_invited ", "kiosk_enrolled k-one", "kiosk_revoked k-one", "kiosk_restored k-one")

	renew := func(c hub.Certificate, by string) func() error {
		return func() error {
			k, err := b.Kiosk(t.Context(), "k-one")
			must(t, err)
			return b.Certify(t.Context(), c, k.EnrolledAt, by)
		}
	}
	first, second, third := certificate("k-one", 0), certificate("k-one", 0), certificate("k-one", 0)
	second.Serial, third.Serial = "2", "1" // of one moment the first in order is the newest
	unheard(renew(second, first.Serial), func() {
		if list, err := b.Certificates(t.Context(), "k-one"); err != nil || len(list) != 1 {
			t.Errorf("certificates %+v (%v)", list, err)
		}
	})
	must(t, renew(second, first.Serial)()) // it is noted already
	must(t, renew(third, first.Serial)())  // and this one came with one of before
	renewals := b.entries("", hub.OwnLog)[5:]
	if len(renewals) != 2 || renewals[0].Detail != "" || renewals[1].Detail != hub.RenewedAgain {
		t.Errorf("renewals are noted as %+v", renewals)
	}
	noted("kiosk_invited ", "kiosk_enrolled k-one", "kiosk_revoked k-one", "kiosk_restored k-one", "kiosk_renewed k-one", "kiosk_renewed k-one")

	must(t, invite("b")())
	must(t, revoke())
	unheard(func() error { return enrol("b", time.Nanosecond) }, func() { is(true) })
	is(false)
	mustBe(t, b.Revoke(t.Context(), "k-two", "", epoch()), hub.ErrNotFound)
	mustBe(t, b.Restore(t.Context(), "k-two", epoch()), hub.ErrNotFound)
	noted("kiosk_invited ", "kiosk_enrolled k-one", "kiosk_revoked k-one", "kiosk_restored k-one", "kiosk_renewed k-one", "kiosk_renewed k-one",
		"kiosk_invited ", "kiosk_revoked k-one", "kiosk_enrolled k-one")
	verified(t, b, 1)
}

// Of many who revoke a kiosk, or restore it, at the same time one does it.
func revokeByACrowd(t *testing.T, b *bench) {
	must(t, b.EnsureKiosk(t.Context(), "k-one", epoch()))
	errs := make([]error, crowd)
	for round, act := range []func(Store) error{
		func(s Store) error { return s.Revoke(t.Context(), "k-one", "stolen", epoch()) },
		func(s Store) error { return s.Restore(t.Context(), "k-one", epoch()) },
	} {
		b.together(func(s Store, i int) { errs[i] = act(s) })
		for _, err := range errs {
			must(t, err)
		}
		if n := len(b.entries("", hub.OwnLog)); n != round+1 {
			t.Errorf("%d notes, not %d", n, round+1)
		}
	}
}
