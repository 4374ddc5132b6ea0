package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

func pages(t *testing.T, b *bench) {
	if c, err := b.Counts(t.Context()); err != nil || len(c) != 0 {
		t.Errorf("an empty store counts %+v (%v)", c, err)
	}
	const rows = 12
	var ids []string
	for i := range rows { // oldest first; kiosk, kind and verdict in every combination
		s := submission(name(i))
		s.Kiosk = []string{"a", "b"}[i%2]
		s.Kind = []wire.Kind{wire.KindReservation, wire.KindApplication, ""}[i%3]
		s.Verdict.Accepted = i >= rows/2
		put(t, b, s)
		ids = append([]string{s.ID}, ids...)
	}
	yes, no := true, false
	at := func(f hub.Filter) ([]string, int) {
		t.Helper()
		list, total, err := b.Submissions(t.Context(), f)
		must(t, err)
		var got []string
		for _, s := range list {
			got = append(got, s.ID)
		}
		return got, total
	}
	for _, c := range []struct {
		name  string
		f     hub.Filter
		total int
		first int // of ids
		n     int
	}{
		{"all", hub.Filter{Limit: 100}, rows, 0, rows},
		{"no limit", hub.Filter{Limit: -1}, rows, 0, rows},
		{"first page", hub.Filter{Limit: 5}, rows, 0, 5},
		{"second page", hub.Filter{Limit: 5, Offset: 5}, rows, 5, 5},
		{"last page", hub.Filter{Limit: 5, Offset: 10}, rows, 10, 2},
		{"beyond", hub.Filter{Limit: 5, Offset: 50}, rows, 0, 0},
		{"nothing", hub.Filter{}, rows, 0, 0},
		{"accepted", hub.Filter{Limit: 100, Accepted: &yes}, 6, 0, 6},
		{"refused", hub.Filter{Limit: 100, Accepted: &no}, 6, 6, 6},
		{"one kiosk's, refused", hub.Filter{Limit: 1, Kiosk: "b", Accepted: &no}, 3, 6, 1},
		{"kiosk and kind", hub.Filter{Limit: 1, Kiosk: "b", Kind: wire.KindApplication}, 2, 4, 1},
		{"nobody's", hub.Filter{Limit: 100, Kiosk: "c"}, 0, 0, 0},
	} {
		var want []string
		want = append(want, ids[c.first:c.first+c.n]...)
		got, total := at(c.f)
		if d := cmp.Diff(want, got); d != "" || total != c.total {
			t.Errorf("%s: %d in all, not %d; rows\n%s", c.name, total, c.total, d)
		}
	}
	counts, err := b.Counts(t.Context())
	must(t, err)
	want := []hub.Count{
		{Kind: "", Accepted: 2, Refused: 2},
		{Kind: wire.KindApplication, Accepted: 2, Refused: 2},
		{Kind: wire.KindReservation, Accepted: 2, Refused: 2},
	}
	if d := cmp.Diff(want, counts); d != "" {
		t.Errorf("counted\n%s", d)
	}
}

// Pages are cut by offset from the newest, so a row that comes moves the others
// on: whoever turns pages meanwhile may see one twice, but misses none that was
// there before.
func pagesWhileRowsAreAdded(t *testing.T, b *bench) {
	const old, added, page = 60, 40, 7
	missing := map[string]bool{}
	for i := range old {
		s := submission(name(i))
		put(t, b, s)
		missing[s.ID] = true
	}
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for w := range errs {
		wg.Go(func() {
			for range added { // not for ever: the pages must be able to catch up
				_, err := b.all[w%len(b.all)].Put(t.Context(), submission("new"), nil, nil)
				errs[w] = errors.Join(errs[w], err)
			}
		})
	}
	for offset := 0; len(missing) > 0; offset += page {
		list, total, err := b.Submissions(t.Context(), hub.Filter{Limit: page, Offset: offset})
		must(t, err)
		seen := map[string]bool{}
		for _, s := range list {
			if seen[s.ID] {
				t.Errorf("%s is twice on one page", s.ID)
			}
			seen[s.ID] = true
			delete(missing, s.ID)
		}
		if len(list) < page && offset+len(list) >= total {
			break
		}
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	if len(missing) > 0 {
		t.Errorf("%d rows were on no page", len(missing))
	}
}
