package walk

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	visits = flag.Int("visits", usualVisits, "how many visits to walk")
	seed   = flag.Uint64("seed", 0, "of everything that is random; 0 = a new one, printed")
	rigs   = flag.Int("rigs", 2, "kiosks, each with a hub, that walk side by side")
	only   = flag.Int("visit", 0, "walk only this visit of the seed")
)

// usualVisits are fewer than bring every end: the kills among them the storm has as
// well, and `make soak` walks many.
const usualVisits = 60

// enough failures are enough: the rest would only take time.
const enough = 5

// story is what a visit sets out to do.
type story struct {
	name     string
	plan     string
	stop     string // result on which the shopper finishes although more is offered
	lineMode string // how the line is all along; "" = up, and what the faults make of it
	lineBack bool   // the line comes back when the service is looked for
	service  string // what is searched for in apply
	unissued bool   // with an ID that nobody issued
	calm     bool   // no faults beside the story's own
}

// stories draws what one person does, in one visit or in two.
func stories(rnd *rand.Rand) []story {
	service := []string{"waon", "aeon-card-waon"}[rnd.IntN(2)]
	switch n := rnd.IntN(20); {
	case n < 9:
		return []story{{name: "everything", plan: "full", service: service}}
	case n < 12:
		return []story{{name: "reserve and go on", plan: "reserve", service: "waon"}}
	case n < 13:
		return []story{{name: "reserve", plan: "reserve", stop: "reserved", service: "waon"}}
	case n < 14:
		return []story{{name: "apply without a reservation", plan: "apply", service: "waon"}}
	case n < 16:
		return []story{
			{name: "reserve offline", plan: "reserve", stop: "reserved", lineMode: "down", service: "waon", calm: true},
			{name: "come back and apply offline", plan: "apply", lineMode: "down", service: "waon", calm: true},
		}
	case n < 17:
		return []story{{name: "apply, the line comes back", plan: "apply", lineMode: "down", lineBack: true, service: "waon", calm: true}}
	case n < 18:
		return []story{{name: "apply with a wrong ID", plan: "reserve", service: "aeon-card-waon", unissued: true}}
	default:
		return []story{
			{name: "issue", plan: "issue", stop: "issued"},
			{name: "look up", plan: "manage"},
		}
	}
}

// tally is what came of all visits.
type tally struct {
	mu       sync.Mutex
	next     atomic.Int64
	failures atomic.Int64
	ends     map[string]int
	tried    map[string]int // what made the visits hard
	stored   int
}

func (all *tally) add(s *shopper, end string) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.ends[s.class(end)]++
	for _, said := range s.said {
		if said[0] >= 'A' && said[0] <= 'Z' { // steps are in small letters
			said, _, _ = strings.Cut(said, " after ")
			all.tried[said]++
		}
	}
}

// table lists counts by name.
func table(counts map[string]int) string {
	var t strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&t, "%6d  %s\n", counts[name], name)
	}
	return t.String()
}

func TestVisitsWithFaults(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if *only > 0 {
		*rigs, *visits = 1, 1
	}
	t.Logf("seed %d, %d visits on %d kiosks", *seed, *visits, *rigs)
	bin := t.TempDir()
	build(t, bin)
	all := &tally{ends: map[string]int{}, tried: map[string]int{}}
	began := time.Now()
	t.Run("kiosks", func(t *testing.T) {
		for n := range *rigs {
			t.Run(fmt.Sprint(n+1), func(t *testing.T) {
				t.Parallel()
				walkMany(t, bin, all)
			})
		}
	})
	t.Logf("seed %d: %d submissions in the hubs after %s; the visits ended as\n%s", *seed, all.stored, time.Since(began).Round(time.Second), table(all.ends))
	t.Logf("what happened on the way:\n%s", table(all.tried))
	if *visits < 200 || all.failures.Load() >= enough {
		return
	}
	for _, end := range mustOccur() {
		if all.ends[end] == 0 {
			t.Errorf("no visit ended as %q: the walk has stopped to look there", end)
		}
	}
}

// walkMany walks visits on one rig until there are no more.
func walkMany(t *testing.T, bin string, all *tally) {
	r := newRig(t, bin)
	book := newLedger()
	for all.failures.Load() < enough {
		n := int(all.next.Add(1))
		if n > *visits {
			break
		}
		if *only > 0 {
			n = *only
		}
		ok := t.Run(fmt.Sprint("visit ", n), func(t *testing.T) {
			r.t = t
			r.come(book, all, n)
		})
		if !ok {
			all.failures.Add(1)
			t.Logf("again: go test ./internal/walk -seed %d -visit %d", *seed, n)
		}
	}
	r.t = t
	r.dock("reset", struct{}{})
	stored := r.settle(book)
	r.closing(book)
	r.audited()
	if stored == 0 && *only == 0 {
		t.Error("nothing was submitted: the walk does not walk")
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.stored += stored
}

// come lets one person come, for one visit or two. Both ends begin as on the
// first day, but what was promised before is never taken back.
func (r *rig) come(book *ledger, all *tally, n int) {
	rnd := rand.New(rand.NewPCG(*seed, uint64(n)))
	who := newPerson(rnd)
	r.dock("reset", struct{}{})
	r.arrive(book)
	r.post(r.hub+"/api/sandbox/reset", struct{}{})
	var walked []*shopper
	defer func() {
		if !r.t.Failed() {
			return
		}
		for _, s := range walked {
			r.t.Logf("%s, by %s: %s", s.name, s.persona, strings.Join(s.said[max(0, len(s.said)-80):], " · "))
		}
		r.t.Logf("kioskd said:\n%s", r.kioskd.log)
		r.t.Logf("hubd said:\n%s", r.hubd.log)
	}()
	for _, story := range stories(rnd) {
		s := &shopper{
			rig: r, person: who, story: story, rnd: rnd, ledger: book,
			whims: rnd.IntN(6), clumsy: rnd.IntN(6) == 0, misled: rnd.IntN(10) == 0, tap: rnd.IntN(2) == 0,
		}
		if !story.calm {
			s.faults, s.death = rnd.IntN(4), s.newDeath()
			if steps := []string{"issue_phone", "issue_code", "issue_password", "manage_password", "pin"}; rnd.IntN(4) == 0 {
				s.slowAt = steps[rnd.IntN(len(steps))]
			}
			if n := rnd.IntN(24); n < 3 {
				s.leaves, s.stays = []string{"home", "home", "idle"}[n], 2+rnd.IntN(12)
			}
		}
		walked = append(walked, s)
		end := s.walk()
		all.add(s, end)
		if end == killed || s.resultSeen() == "" {
			break // whoever got nowhere does not come back
		}
	}
	r.repairLine()
	r.arrive(book)
}

// walk walks one visit from the top screen on.
func (s *shopper) walk() (end string) {
	s.t.Helper()
	s.lay("")
	first := s.top()
	s.setLine()
	s.unkept = s.power.breaks("kioskd")
	end = s.visit(first)
	if end == killed {
		s.afterKill()
	}
	if s.eyes.delivery("issued") != "" {
		id := s.eyes.issuedID()
		s.ledger.given[id] = true
		// Where the disk was broken, a later kill comes before the kiosk can store the record.
		if s.recorded || end != killed && !s.unkept {
			s.ledger.issued[id] = true
		}
		// The sandbox forgets it before the next one comes.
		if err := learnIssued(filepath.Join(s.dir, "hub"), s.ledger.refs); err != nil {
			s.t.Fatalf("cannot look up what was issued: %v", err)
		}
	}
	return end
}

// top goes to the top screen and begins anew there.
func (s *shopper) top() snapshot {
	s.t.Helper()
	s.disconnect() // a new window shows at once what there is
	s.connect()
	late := time.After(patience)
	for {
		select {
		case shot, ok := <-s.shots:
			switch {
			case !ok:
				s.connect()
			case shot.Screen.Kind == "menu":
				s.begin()
				return shot
			case shot.Screen.Kind == "goodbye", shot.Screen.Kind == "recovered":
				s.note(shot)
				s.send(shot.Seq, "next", nil)
			}
		case <-late:
			s.t.Fatal("the top screen does not come")
			return snapshot{}
		}
	}
}
