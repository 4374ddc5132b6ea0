package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
)

func invitation(code string) hub.Invitation {
	h := sha256.Sum256([]byte(code))
	return hub.Invitation{TokenHash: h[:], Name: "Store 髙﨑 " + code, Made: epoch(), Expires: epoch().Add(time.Hour)}
}

func enrolment(code, kiosk string, after time.Duration) hub.Enrolment {
	key := sha256.Sum256([]byte("key of " + kiosk))
	return hub.Enrolment{TokenHash: invitation(code).TokenHash, KeyHash: key[:], Certificate: certificate(kiosk, after)}
}

func certificate(kiosk string, after time.Duration) hub.Certificate {
	return hub.Certificate{
		Serial: fmt.Sprintf("%s-%d", kiosk, after), Kiosk: kiosk, Issued: epoch().Add(after), Expires: epoch().Add(after + 90*24*time.Hour),
	}
}

func invitationsWorkOnce(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	e := enrolment("a", "k-one", time.Minute)
	got, err := b.Enrol(t.Context(), e)
	must(t, err)
	want := hub.Kiosk{
		ID: "k-one", Name: "Store 髙﨑 a", KeyHash: e.KeyHash, EnrolledAt: kept(e.Certificate.Issued), CertUntil: kept(e.Certificate.Expires),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("enrolled as\n%s", d)
	}
	if got, err = b.Kiosk(t.Context(), "k-one"); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("read as %+v (%v)", got, err)
	}
	// The answer was lost: the same key asks again.
	again, err := b.Enrol(t.Context(), enrolment("a", "k-one", 59*time.Minute))
	must(t, err)
	if !again.EnrolledAt.Equal(want.EnrolledAt) || again.CertUntil.Equal(want.CertUntil) {
		t.Errorf("asked again: %+v", again)
	}
	for _, c := range []struct {
		e    hub.Enrolment
		want error
	}{
		{enrolment("a", "k-two", 2*time.Minute), hub.ErrInviteUsed},
		{enrolment("a", "k-one", time.Hour), hub.ErrInviteUsed}, // for ever is not what "again" means
		{enrolment("b", "k-two", 0), hub.ErrInviteUnknown},
	} {
		_, err := b.Enrol(t.Context(), c.e)
		mustBe(t, err, c.want)
		mustBe(t, err, hub.ErrInvitation)
	}
	_, err = b.Kiosk(t.Context(), "k-two")
	mustBe(t, err, hub.ErrNotFound)
	if list, err := b.Certificates(t.Context(), "k-two"); err != nil || len(list) != 0 {
		t.Errorf("a kiosk that was refused has certificates %+v (%v)", list, err)
	}
}

func invitationsExpire(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	_, err := b.Enrol(t.Context(), enrolment("a", "k-one", time.Hour))
	mustBe(t, err, hub.ErrInviteExpired)
	_, err = b.Enrol(t.Context(), enrolment("a", "k-one", time.Hour-time.Millisecond))
	must(t, err)
	// Long after its end nothing is left of it.
	later := invitation("b")
	later.Made = epoch().Add(time.Hour + hub.InvitationsKept + time.Second)
	later.Expires = later.Made.Add(time.Hour)
	must(t, b.Invite(t.Context(), later))
	_, err = b.Enrol(t.Context(), enrolment("a", "k-two", 0))
	mustBe(t, err, hub.ErrInviteUnknown)
}

// Everybody of a crowd has a key of its own and the same code: one gets in.
func enrolByACrowd(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	errs := make([]error, crowd)
	b.together(func(s Store, i int) { _, errs[i] = s.Enrol(t.Context(), enrolment("a", name(i), 0)) })
	in := 0
	for _, err := range errs {
		if err == nil {
			in++
		} else {
			mustBe(t, err, hub.ErrInviteUsed)
		}
	}
	if list, err := b.Kiosks(t.Context()); err != nil || len(list) != 1 || in != 1 {
		t.Errorf("%d got in, %d kiosks (%v)", in, len(list), err)
	}
}

// One key asks many times at once: it gets in each time.
func enrolAgainByACrowd(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		_, errs[i] = s.Enrol(t.Context(), enrolment("a", "k-one", time.Duration(i)*time.Second))
	})
	for _, err := range errs {
		must(t, err)
	}
	if list, err := b.Certificates(t.Context(), "k-one"); err != nil || len(list) != hub.CertificatesKept {
		t.Errorf("%d certificates (%v)", len(list), err)
	}
}

func revocation(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	_, err := b.Enrol(t.Context(), enrolment("a", "k-one", 0))
	must(t, err)
	must(t, b.EnsureKiosk(t.Context(), "demo", epoch()))
	if list, err := b.Revoked(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("revoked are %v (%v)", list, err)
	}
	mustBe(t, b.Revoke(t.Context(), "k-two", "lost", epoch()), hub.ErrNotFound)
	mustBe(t, b.Restore(t.Context(), "k-two", epoch()), hub.ErrNotFound)
	must(t, b.Revoke(t.Context(), "k-one", "stolen from 髙﨑", epoch().Add(time.Minute)))
	must(t, b.Revoke(t.Context(), "k-one", "another", epoch().Add(time.Hour)))
	k, err := b.Kiosk(t.Context(), "k-one")
	must(t, err)
	if !k.Revoked() || !k.RevokedAt.Equal(kept(epoch().Add(time.Minute))) || k.RevokedFor != "stolen from 髙﨑" {
		t.Errorf("revoked: %+v", k)
	}
	if list, err := b.Revoked(t.Context()); err != nil || cmp.Diff([]string{"k-one"}, list) != "" {
		t.Errorf("revoked are %v (%v)", list, err)
	}
	// Asking again with the used code does not lift it, nor does a renewal.
	_, err = b.Enrol(t.Context(), enrolment("a", "k-one", 2*time.Minute))
	mustBe(t, err, hub.ErrInviteUsed)
	must(t, b.Certify(t.Context(), certificate("k-one", 3*time.Minute), kept(epoch()), ""))
	if k, err = b.Kiosk(t.Context(), "k-one"); err != nil || !k.Revoked() {
		t.Errorf("after a renewal: %+v (%v)", k, err)
	}
	// A new code does: it is the operator's act.
	must(t, b.Invite(t.Context(), invitation("b")))
	if k, err = b.Enrol(t.Context(), enrolment("b", "k-one", 4*time.Minute)); err != nil || k.Revoked() || k.RevokedFor != "" || k.Name != invitation("b").Name {
		t.Errorf("enrolled anew: %+v (%v)", k, err)
	}
	must(t, b.Revoke(t.Context(), "k-one", "", epoch()))
	must(t, b.Restore(t.Context(), "k-one", epoch()))
	must(t, b.Restore(t.Context(), "k-one", epoch()))
	if k, err = b.Kiosk(t.Context(), "k-one"); err != nil || k.Revoked() {
		t.Errorf("restored: %+v (%v)", k, err)
	}
}

// A kiosk that is enrolled anew is so from after every certificate that was noted of it,
// also where that was noted by a hub whose clock is ahead, and who was about to note one
// is refused.
func enrolledAnew(t *testing.T, b *bench) {
	for _, code := range []string{"a", "b", "c", "d"} {
		must(t, b.Invite(t.Context(), invitation(code)))
	}
	enrol := func(code string, after time.Duration) hub.Kiosk {
		t.Helper()
		k, err := b.Enrol(t.Context(), enrolment(code, "k-one", after))
		must(t, err)
		list, err := b.Certificates(t.Context(), "k-one")
		must(t, err)
		if !slices.ContainsFunc(list, func(c hub.Certificate) bool { return !k.Former(c.Issued) && c.Expires.Equal(k.CertUntil) }) {
			t.Errorf("enrolled at %v, with %+v until %v", k.EnrolledAt, list, k.CertUntil)
		}
		return k
	}
	first := enrol("a", 0)
	ahead := certificate("k-one", 30*time.Minute)
	must(t, b.Certify(t.Context(), ahead, first.EnrolledAt, ""))
	second := enrol("b", 10*time.Minute)
	if !second.EnrolledAt.Equal(kept(ahead.Issued.Add(time.Second))) || !second.Former(ahead.Issued) {
		t.Errorf("enrolled anew at %v, not after %v", second.EnrolledAt, ahead.Issued)
	}
	mustBe(t, b.Certify(t.Context(), certificate("k-one", 40*time.Minute), first.EnrolledAt, ""), hub.ErrNotFound)
	must(t, b.Certify(t.Context(), certificate("k-one", 40*time.Minute), second.EnrolledAt, ""))
	// The answer was lost: nothing but a certificate is new.
	if again := enrol("b", 50*time.Minute); !again.EnrolledAt.Equal(second.EnrolledAt) {
		t.Errorf("asked again: enrolled at %v", again.EnrolledAt)
	}
	if again := enrol("b", 20*time.Minute); !again.EnrolledAt.Equal(second.EnrolledAt) { // at a hub that is behind
		t.Errorf("asked again: enrolled at %v", again.EnrolledAt)
	}
	// A clock that was a year ahead does not bar the kiosk for a year.
	must(t, b.Certify(t.Context(), certificate("k-one", 365*24*time.Hour), second.EnrolledAt, ""))
	k, err := b.Enrol(t.Context(), enrolment("c", "k-one", 55*time.Minute))
	must(t, err)
	if !k.EnrolledAt.Equal(kept(epoch().Add(55 * time.Minute))) {
		t.Errorf("after a wrong clock: enrolled at %v", k.EnrolledAt)
	}
	must(t, b.EnsureKiosk(t.Context(), "demo", epoch()))
	list, err := b.EnrolledSince(t.Context(), k.EnrolledAt)
	must(t, err)
	if d := cmp.Diff([]hub.Kiosk{{ID: "k-one", KeyHash: k.KeyHash, EnrolledAt: k.EnrolledAt}}, list); d != "" {
		t.Errorf("enrolled since:\n%s", d)
	}
	if list, err = b.EnrolledSince(t.Context(), epoch()); err != nil || len(list) != 2 {
		t.Errorf("enrolled since: %+v (%v)", list, err)
	}
}

func certificates(t *testing.T, b *bench) {
	mustBe(t, b.Certify(t.Context(), certificate("k-one", 0), epoch(), ""), hub.ErrNotFound)
	for _, k := range []string{"k-one", "k-two"} {
		must(t, b.EnsureKiosk(t.Context(), k, epoch()))
	}
	const more = 5
	var want []hub.Certificate
	for i := range hub.CertificatesKept + more {
		c := certificate("k-one", time.Duration(i)*time.Hour)
		for range 2 { // the same again is the same
			must(t, b.Certify(t.Context(), c, epoch(), ""))
		}
		c.Issued, c.Expires = kept(c.Issued), kept(c.Expires)
		want = append([]hub.Certificate{c}, want...)
	}
	must(t, b.Certify(t.Context(), certificate("k-two", 0), epoch(), ""))
	got, err := b.Certificates(t.Context(), "k-one")
	must(t, err)
	if d := cmp.Diff(want[:hub.CertificatesKept], got); d != "" {
		t.Errorf("listed as\n%s", d)
	}
	k, err := b.Kiosk(t.Context(), "k-one")
	must(t, err)
	if !k.CertUntil.Equal(want[0].Expires) {
		t.Errorf("certified until %v", k.CertUntil)
	}
}

func identityAfterTheEnd(t *testing.T, b *bench) {
	must(t, b.Invite(t.Context(), invitation("a")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Invite":        func() error { return b.Invite(ctx, invitation("b")) },
		"Enrol":         func() error { _, err := b.Enrol(ctx, enrolment("a", "k-one", 0)); return err },
		"Certify":       func() error { return b.Certify(ctx, certificate("k-one", 0), epoch(), "") },
		"Certificates":  func() error { _, err := b.Certificates(ctx, "k-one"); return err },
		"EnrolledSince": func() error { _, err := b.EnrolledSince(ctx, epoch()); return err },
		"Revoke":        func() error { return b.Revoke(ctx, "k-one", "", epoch()) },
		"Restore":       func() error { return b.Restore(ctx, "k-one", epoch()) },
		"Revoked":       func() error { _, err := b.Revoked(ctx); return err },
		"BeatHub":       func() error { return b.BeatHub(ctx, "h", time.Minute) },
		"EndHub":        func() error { return b.EndHub(ctx, "h") },
		"MoveLinks":     func() error { _, err := b.MoveLinks(ctx, "h", []hub.Link{link("l", "k", "h")}, nil); return err },
		"Links":         func() error { _, err := b.Links(ctx, hub.LinkFilter{}); return err },
		"Tell":          func() error { return b.Tell(ctx, "k") },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if _, err := b.Enrol(t.Context(), enrolment("a", "k-two", 0)); err != nil {
		t.Errorf("the invitation is used up: %v", err)
	}
}
