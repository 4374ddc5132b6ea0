package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hub"
)

// hintLimit is how long a hint may take, and then it is lost.
const hintLimit = 10 * time.Second

func link(id, kiosk, at string) hub.Link {
	return hub.Link{ID: id, Kiosk: kiosk, Run: "run of " + id, Hub: at, Remote: "192.0.2.1:4711", Since: epoch()}
}

func linksOf(t *testing.T, s Store, f hub.LinkFilter) (ids []string) {
	t.Helper()
	list, err := s.Links(t.Context(), f)
	must(t, err)
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return ids
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s:\n%s", what, d)
	}
}

func linksComeAndGo(t *testing.T, b *bench) {
	other := b.all[len(b.all)-1]
	must(t, b.BeatHub(t.Context(), "one", time.Minute))
	must(t, other.BeatHub(t.Context(), "two", time.Minute))
	now, err := b.MoveLinks(t.Context(), "one", []hub.Link{link("z", "b", "one"), link("y", "a", "one"), link("x", "a", "one")}, nil)
	must(t, err)
	same(t, "kiosks with several", linksOf(t, b, hub.LinkFilter{Several: true}), []string{"y", "x"})
	if len(now) != 3 {
		t.Errorf("the kiosks have %+v", now)
	}
	// The answer gives what all hubs hold of this kiosk, in the order in which it came.
	now, err = other.MoveLinks(t.Context(), "two", []hub.Link{link("a", "a", "two")}, nil)
	must(t, err)
	var ids []string
	for _, l := range now {
		ids = append(ids, l.ID)
	}
	same(t, "links of the kiosk", ids, []string{"y", "x", "a"})
	want := link("a", "a", "two")
	want.Since = kept(want.Since)
	if d := cmp.Diff(want, now[len(now)-1]); d != "" {
		t.Errorf("came back as\n%s", d)
	}
	// Again is the same, and keeps the order.
	_, err = b.MoveLinks(t.Context(), "one", []hub.Link{link("y", "a", "one")}, []string{"nothing", "z"})
	must(t, err)
	same(t, "all", linksOf(t, b, hub.LinkFilter{}), []string{"y", "x", "a"})
	same(t, "hub one", linksOf(t, other, hub.LinkFilter{Hub: "one"}), []string{"y", "x"})
	same(t, "several", linksOf(t, b, hub.LinkFilter{Several: true}), []string{"y", "x", "a"})
	same(t, "kiosk b", linksOf(t, b, hub.LinkFilter{Kiosk: "b"}), nil)
	// A hub removes none of another.
	_, err = b.MoveLinks(t.Context(), "one", nil, []string{"a"})
	must(t, err)
	same(t, "hub two", linksOf(t, b, hub.LinkFilter{Hub: "two"}), []string{"a"})
	must(t, b.EndHub(t.Context(), "one"))
	same(t, "after one ended", linksOf(t, b, hub.LinkFilter{}), []string{"a"})
}

// What a killed hub leaves behind vanishes when its time has passed.
func deadHubs(t *testing.T, b *bench) {
	must(t, b.BeatHub(t.Context(), "dead", time.Minute))
	must(t, b.BeatHub(t.Context(), "alive", time.Minute))
	for _, at := range []string{"dead", "alive", "nobody"} {
		_, err := b.MoveLinks(t.Context(), at, []hub.Link{link("l-"+at, "k", at)}, nil)
		must(t, err)
	}
	same(t, "while both live", linksOf(t, b, hub.LinkFilter{}), []string{"l-dead", "l-alive"})
	must(t, b.BeatHub(t.Context(), "dead", -time.Second))
	same(t, "when its time has passed", linksOf(t, b, hub.LinkFilter{}), []string{"l-alive"})
	must(t, b.BeatHub(t.Context(), "alive", time.Minute))
	// It is back, but its links are forgotten: it says itself which it has.
	must(t, b.BeatHub(t.Context(), "dead", time.Minute))
	must(t, b.BeatHub(t.Context(), "nobody", time.Minute))
	same(t, "after it came back", linksOf(t, b, hub.LinkFilter{}), []string{"l-alive"})
}

func linksByACrowd(t *testing.T, b *bench) {
	errs := make([]error, crowd)
	seen := make([]int, crowd)
	b.together(func(s Store, i int) {
		at := name(i)
		if errs[i] = s.BeatHub(t.Context(), at, time.Minute); errs[i] != nil {
			return
		}
		var now []hub.Link
		now, errs[i] = s.MoveLinks(t.Context(), at, []hub.Link{link("l-"+at, "k", at)}, nil)
		seen[i] = len(now)
	})
	most := 0
	for i, err := range errs {
		must(t, err)
		most = max(most, seen[i])
	}
	if n := len(linksOf(t, b, hub.LinkFilter{Kiosk: "k"})); n != crowd || most != crowd {
		t.Errorf("%d links, and the last to come saw %d", n, most)
	}
}

// hints collects what a listener hears.
type hints struct {
	t     *testing.T
	heard chan string
}

func listenTo(t *testing.T, s Store) *hints {
	t.Helper()
	h := &hints{t, make(chan string, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Listen(ctx, func(k string) { h.heard <- k }) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	h.await("") // what was told before it listened may be lost
	return h
}

func (h *hints) await(want string) {
	h.t.Helper()
	limit := time.NewTimer(hintLimit)
	defer limit.Stop()
	for {
		select {
		case k := <-h.heard:
			if k == want {
				return
			}
		case <-limit.C:
			h.t.Fatalf("no hint about %q", want)
		}
	}
}

// Whoever tells, all who listen hear it: those of the other hubs, too.
func hintsReachEveryHub(t *testing.T, b *bench) {
	var all []*hints
	for _, s := range b.all {
		all = append(all, listenTo(t, s))
	}
	must(t, b.EnsureKiosk(t.Context(), "k-one", epoch()))
	for i, s := range b.all {
		told := fmt.Sprintf("kiosk-%d", i)
		must(t, s.Tell(t.Context(), told))
		must(t, s.Revoke(t.Context(), "k-one", "", epoch()))
		for _, h := range all {
			h.await(told)
			h.await("k-one")
		}
		must(t, s.Restore(t.Context(), "k-one", epoch()))
		for _, h := range all {
			h.await("k-one")
		}
	}
	must(t, b.Tell(t.Context(), "no kiosk's name: \x00\xff"))
	must(t, b.Tell(t.Context(), "last"))
	for _, h := range all {
		h.await("last")
	}
}
