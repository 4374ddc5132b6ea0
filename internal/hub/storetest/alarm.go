package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
)

func quarantine(t *testing.T, b *bench) {
	one, two := submission("one"), submission("two")
	two.ID = one.ID
	for range 2 { // the same again is the same
		must(t, b.Quarantine(t.Context(), *quarantined(one), *alarmed(one)))
		must(t, b.Quarantine(t.Context(), *quarantined(two), *alarmed(two)))
	}
	list, err := b.Alarms(t.Context(), 10)
	must(t, err)
	if n := b.place.Quarantined(t); n != 2 || len(list) != 1 || list[0].Times != 4 {
		t.Errorf("%d in quarantine, alarms %+v", n, list)
	}
	if b.total() != 0 {
		t.Error("what is in quarantine is stored as well")
	}
}

func alarmsCountUp(t *testing.T, b *bench) {
	for i, text := range []string{"one", "two", "three"} {
		at := epoch().Add(time.Duration(i) * time.Minute)
		must(t, b.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: "demo", Text: text, Last: at}))
	}
	for _, a := range []hub.Alarm{
		{Kind: hub.AlarmGarbage, Kiosk: "demo", Last: epoch()},
		{Kind: hub.AlarmClock, Kiosk: "other", Last: epoch()},
		{Kind: hub.AlarmClock, Kiosk: "demo", Subject: "s", Last: epoch()},
	} {
		must(t, b.Raise(t.Context(), a))
	}
	list, err := b.Alarms(t.Context(), 10)
	must(t, err)
	want := hub.Alarm{
		Kind: hub.AlarmClock, Kiosk: "demo", Text: "three", Times: 3, First: kept(epoch()), Last: kept(epoch().Add(2 * time.Minute)),
	}
	if len(list) != 4 {
		t.Fatalf("%d alarms: %+v", len(list), list)
	}
	if d := cmp.Diff(want, list[0]); d != "" {
		t.Errorf("counted up as\n%s", d)
	}
	list, err = b.AlarmsOf(t.Context(), "other", 10)
	must(t, err)
	if len(list) != 1 || list[0].Kiosk != "other" || list[0].Private != nil {
		t.Errorf("alarms of one kiosk: %+v", list)
	}
	if list, err := b.AlarmsOf(t.Context(), "demo", 2); err != nil || len(list) != 2 || list[0].Text != "three" {
		t.Errorf("the newest of one kiosk: %+v (%v)", list, err)
	}
}

func alarmsByACrowd(t *testing.T, b *bench) {
	errs := make([]error, crowd)
	b.together(func(s Store, i int) {
		errs[i] = s.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmGarbage, Kiosk: "demo", Text: name(i), Last: epoch()})
	})
	for _, err := range errs {
		must(t, err)
	}
	if list, err := b.Alarms(t.Context(), 10); err != nil || len(list) != 1 || list[0].Times != crowd {
		t.Errorf("alarms %+v (%v)", list, err)
	}
}

func alarmsNewestFirst(t *testing.T, b *bench) {
	// Capitals and signs: byte by byte, whatever language the database speaks.
	for _, kiosk := range []string{"b", "a-b", "B", "ab", "a"} {
		must(t, b.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmKey, Kiosk: kiosk, Last: epoch()}))
	}
	must(t, b.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmClock, Kiosk: "z", Last: epoch()}))
	must(t, b.Raise(t.Context(), hub.Alarm{Kind: hub.AlarmKey, Kiosk: "new", Last: epoch().Add(time.Second)}))
	all := []string{"new", "z", "B", "a", "a-b", "ab", "b"}
	for limit, want := range map[int][]string{10: all, 7: all, 3: all[:3], 0: nil, -1: all} {
		list, err := b.Alarms(t.Context(), limit)
		must(t, err)
		var got []string
		for _, a := range list {
			got = append(got, a.Kiosk)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("limit %d:\n%s", limit, d)
		}
	}
}
