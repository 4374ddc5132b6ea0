package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

func answersExpire(t *testing.T, b *bench) {
	now := epoch()
	key := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"}
	first := hub.Answer{RequestTag: "one", Status: 200, Sealed: sealed(1, 0, 2), Expires: now.Add(time.Minute)}
	must(t, b.PutAnswer(t.Context(), key, first, now))
	want := first
	want.Expires = kept(first.Expires)
	second := hub.Answer{RequestTag: "two", Status: 422, Sealed: sealed(3), Expires: now.Add(time.Hour)}
	must(t, b.PutAnswer(t.Context(), key, second, now)) // too late: the first was given
	got, err := b.Answer(t.Context(), key, now)
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("came back as\n%s", d)
	}
	for _, k := range []hub.AnswerKey{
		{Kiosk: "other", Scope: key.Scope, RequestID: key.RequestID},
		{Kiosk: key.Kiosk, Scope: "/v1/y", RequestID: key.RequestID},
		{Kiosk: key.Kiosk, Scope: key.Scope, RequestID: "bbbbbbbb"},
	} {
		_, err := b.Answer(t.Context(), k, now)
		mustBe(t, err, hub.ErrNotFound)
	}
	_, err = b.Answer(t.Context(), key, want.Expires.Add(-time.Millisecond))
	must(t, err)
	_, err = b.Answer(t.Context(), key, want.Expires)
	mustBe(t, err, hub.ErrNotFound)
	// Another answer clears away what has expired, for good.
	other := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "cccccccc"}
	must(t, b.PutAnswer(t.Context(), other, second, want.Expires))
	_, err = b.Answer(t.Context(), key, now)
	mustBe(t, err, hub.ErrNotFound)
	// And the same call made anew has a new answer.
	third := hub.Answer{RequestTag: "three", Status: 200, Sealed: sealed(4), Expires: now.Add(2 * time.Hour)}
	must(t, b.PutAnswer(t.Context(), other, third, now.Add(time.Hour)))
	if got, err = b.Answer(t.Context(), other, now.Add(time.Hour)); err != nil || got.RequestTag != "three" {
		t.Errorf("after expiry: %+v (%v)", got, err)
	}
}

// A crowd that stores and clears away at once must not end in each other's way.
func answersByACrowd(t *testing.T, b *bench) {
	now := epoch()
	for i := range crowd {
		a := hub.Answer{RequestTag: "old", Status: 200, Sealed: sealed(1), Expires: now.Add(time.Minute)}
		must(t, b.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: name(i), Scope: "/v1/x", RequestID: "aaaaaaaa"}, a, now))
	}
	later := now.Add(time.Hour)
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		a := hub.Answer{RequestTag: fmt.Sprint(i), Status: 200, Sealed: sealed(1), Expires: later.Add(time.Minute)}
		errs[i] = s.PutAnswer(t.Context(), hub.AnswerKey{Kiosk: name(i % 5), Scope: "/v1/x", RequestID: "aaaaaaaa"}, a, later)
	})
	for _, err := range errs {
		must(t, err)
	}
	for i := range 5 {
		got, err := b.Answer(t.Context(), hub.AnswerKey{Kiosk: name(i), Scope: "/v1/x", RequestID: "aaaaaaaa"}, later)
		if err != nil || got.RequestTag == "old" {
			t.Errorf("kiosk %d has %+v (%v)", i, got, err)
		}
	}
}

func kiosks(t *testing.T, b *bench) {
	if list, err := b.Kiosks(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("in an empty store: %+v (%v)", list, err)
	}
	for i, id := range []string{"b", "a-b", "ab", "a"} {
		must(t, b.EnsureKiosk(t.Context(), id, epoch().Add(time.Duration(i)*time.Hour)))
	}
	must(t, b.EnsureKiosk(t.Context(), "b", epoch().Add(100*time.Hour))) // is enrolled
	report := wire.Report{Version: "1", Screen: "top", Devices: map[string]string{"printer": "ok"}, Queued: 3, Faults: []fault.Code{fault.PaperLow}}
	must(t, b.Report(t.Context(), "b", wire.Report{Version: "0"}, epoch()))
	must(t, b.Report(t.Context(), "b", report, epoch().Add(time.Minute)))
	must(t, b.Report(t.Context(), "nobody", report, epoch()))
	want := hub.Kiosk{ID: "b", EnrolledAt: kept(epoch()), ReportedAt: kept(epoch().Add(time.Minute)), Report: report}
	got, err := b.Kiosk(t.Context(), "b")
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("came back as\n%s", d)
	}
	_, err = b.Kiosk(t.Context(), "nobody")
	mustBe(t, err, hub.ErrNotFound)
	list, err := b.Kiosks(t.Context())
	must(t, err)
	var ids []string
	for _, k := range list {
		ids = append(ids, k.ID)
		if k.ID != "b" && !k.ReportedAt.IsZero() {
			t.Errorf("%s reported at %v", k.ID, k.ReportedAt)
		}
	}
	if d := cmp.Diff([]string{"a", "a-b", "ab", "b"}, ids); d != "" {
		t.Errorf("listed as\n%s", d)
	}
}
