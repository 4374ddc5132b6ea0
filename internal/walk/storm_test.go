package walk

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/underrace"
)

// storm is what all cells have together.
type storm struct {
	bin   string
	seed  uint64
	kills int64 // after so many it is over
	least int64 // before so many it is not
	until time.Time

	done atomic.Int64 // kills so far
	mu   sync.Mutex
	sum  map[string]int
	slow time.Duration // the longest that an outbox took to empty
}

func (s *storm) count(what string, n int) {
	if what[0] == 'k' || what[0] == 'h' {
		s.done.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum[what] += n
}

func (s *storm) drained(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow = max(s.slow, took)
}

func (s *storm) over() bool {
	late := time.Since(s.until)
	return s.done.Load() >= s.kills || late > 0 && s.done.Load() >= s.least || late > stormLate
}

// stormTakes is how long `make test` lets it rage.
const stormTakes = 95 * time.Second

// stormLeast is how many kills that must be, if it takes stormLate longer.
const (
	stormLeast = 2000
	stormLate  = 3 * time.Minute
)

// TestKillStorm kills both daemons again and again, at any point of visits and in
// the moments around each commit, and holds what screens and slips have promised
// against what the hub holds. About half of the kills cut a start, while it takes up what
// the kill before left. The printer has a life of its own: what came out of it
// stays, whoever is killed. Every second cell is on PostgreSQL, with two hubs behind a
// balancer: either of them dies while the other goes on, so that kiosks move from one to the
// other in the middle of a visit.
//
// KIOSKD_STORM is how long it rages ("1h"), KIOSKD_KILLS how many kills instead. From
// stormTakes on there are stormLeast kills at least.
func TestKillStorm(t *testing.T) {
	if underrace.On {
		t.Skip("the daemons are built without the race detector: `make test` lets it rage without")
	}
	s := &storm{bin: t.TempDir(), seed: *seed, kills: 1 << 60, sum: map[string]int{}}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	takes := stormTakes
	if d, err := time.ParseDuration(os.Getenv("KIOSKD_STORM")); err == nil {
		takes = d
	}
	if takes >= stormTakes {
		s.least = stormLeast
	}
	if n, err := strconv.ParseInt(os.Getenv("KIOSKD_KILLS"), 10, 64); err == nil {
		s.kills, takes = n, 24*time.Hour
	}
	t.Logf("seed %d", s.seed)
	build(t, s.bin)
	server := postgrestest.New(t)
	began := time.Now()
	s.until = began.Add(takes)
	t.Run("cells", func(t *testing.T) {
		var wg sync.WaitGroup
		for n := range 3 * runtime.GOMAXPROCS(0) { // most of them wait for a disk or a clock
			wg.Go(func() {
				t.Run(fmt.Sprint(n+1), func(t *testing.T) {
					hubs, store := 1, []string(nil) // the hub's own file
					if n%2 == 1 {
						hubs, store = 2, []string{"--store", server.Database(t)}
					}
					c := newCell(t, s, n, hubs, store...)
					for !s.over() {
						c.epoch()
					}
					c.end()
				})
			})
		}
		wg.Wait()
	})
	took := time.Since(began)
	t.Logf("seed %d: %d kills in %s (%.1f a second); the slowest outbox was empty after %s\n%s",
		s.seed, s.done.Load(), took.Round(time.Second), float64(s.done.Load())/took.Seconds(), s.slow.Round(time.Millisecond), table(s.sum))
	if s.least > 0 {
		s.floors(t)
	}
	if s.sum["submissions"] == 0 || s.sum["slips"] == 0 || s.done.Load() == 0 {
		t.Error("nothing was killed, submitted or printed: the storm does not rage")
	}
}

// floors says what of a storm that has raged its time there was too little of. Many kills
// cut a start: without these a storm that nobody walks in would do.
func (s *storm) floors(t *testing.T) {
	t.Helper()
	if s.done.Load() < s.least {
		t.Errorf("fewer kills than %d", s.least)
	}
	chosen := func(daemon string) int {
		return s.sum[daemon+" "+fate{word: saysStored}.String()] + s.sum[daemon+" "+fate{step: "pin"}.String()]
	}
	standing := func(daemon string) int {
		return chosen(daemon) + s.sum[daemon+" "+fate{looks: 1}.String()] + s.sum[daemon+" "+fate{}.String()]
	}
	for _, floor := range []struct {
		what        string
		there, want int
	}{
		{"visits that ended " + killed, s.sum["visits that ended "+killed], 400},
		{"kills of what had started", standing("kioskd") + standing("hubd"), 700},
		{"kills of kioskd at a chosen word or step", chosen("kioskd"), 150},
		{"kills of hubd at a chosen word or step", chosen("hubd"), 60},
		{"issuances in the hubs", s.sum["issuances"], 15},
		{moved, s.sum[moved], 10},
	} {
		if floor.there < floor.want {
			t.Errorf("%s: %d, and there have to be %d", floor.what, floor.there, floor.want)
		}
	}
}

// personas are the simulated cards.
const personas = 20

// epoch lets each persona come once, again when a kill took the kiosk away, and
// then compares the books.
func (c *cell) epoch() {
	c.test.Helper()
	c.resetHubs()
	c.rage()
	for _, n := range c.rnd.Perm(personas) {
		who := newPerson(c.rnd)
		who.persona = fmt.Sprintf("person-%02d", n+1)
		for range 3 {
			end := c.come(who)
			c.all.count("visits that ended "+end, 1)
			if end != killed || c.rnd.IntN(2) == 0 {
				break
			}
			fresh := newPerson(c.rnd)
			fresh.persona = who.persona
			who = fresh
		}
		if c.all.over() || c.test.Failed() {
			break
		}
	}
	c.settle()
	if c.test.Failed() {
		c.test.FailNow()
	}
}

// come lets one person try one visit.
func (c *cell) come(who *person) string {
	c.test.Helper()
	if c.kiosks.Load().hasKilled() {
		c.buryKiosk()
		c.bearKiosk()
	}
	s := &shopper{
		rig: c.rig, person: who, rnd: c.rnd, ledger: newLedger(), steady: true,
		story: story{name: "storm", plan: "reserve", service: "waon", calm: true},
	}
	switch n := c.rnd.IntN(10); {
	case n < 2:
		s.plan, s.service = "full", []string{"waon", "aeon-card-waon"}[c.rnd.IntN(2)]
	case n < 4 && c.hasReserved(who.persona):
		s.plan = "apply"
	case n < 5:
		s.stop = "reserved"
	}
	s.asks, s.waits = c.rnd.IntN(2) == 0, c.rnd.IntN(4) > 0
	c.strikes()
	c.comes(who.persona)
	c.tell("%s comes to %s", who.persona, s.plan)
	c.watchHubs()
	defer func() {
		c.tale = append(c.tale, s.said...)
		if c.moved {
			c.all.count(moved, 1)
		}
	}()
	return c.visit(s)
}

// glance is how long a shopper in a storm waits before trying something.
const glance = 150 * time.Millisecond

// visit walks until the visit's end is shown or the kiosk is dead.
func (c *cell) visit(s *shopper) string {
	c.test.Helper()
	var shot snapshot
	atTop := false
	for range maxLooks {
		c.tendHubs()
		fresh := false
		select {
		case next, ok := <-c.shots:
			if ok {
				shot, fresh = next, true
			} else if !c.hands(func() { c.disconnect(); c.connect() }) {
				return killed
			}
		case <-c.hubs[0].p.done:
			continue
		case <-c.hubs[len(c.hubs)-1].p.done: // there are two at most
			continue
		case <-time.After(glance):
		}
		if wrong := c.eyes.complaints(); len(wrong) > 0 {
			c.test.Fatalf("on the screen: %v", wrong)
		}
		end := ""
		if !c.hands(func() {
			switch {
			case !atTop:
				if atTop = shot.Screen.Kind == "menu"; atTop {
					s.lay("")
					s.begin()
					s.act(shot)
				} else if slices.Contains([]string{"goodbye", "recovered"}, shot.Screen.Kind) {
					s.send(shot.Seq, "next", nil)
				}
			case !fresh && shot.Screen.Kind != "":
				end, _ = s.impatient(shot)
				end = ""
			case fresh:
				s.still = 0
				s.note(shot)
				if end = s.ended(shot); end == "" && momentOf(shot) != s.acted {
					s.acted = momentOf(shot)
					s.act(shot)
				}
			}
			if c.sent > 60 { // one window may touch so often and no more
				c.disconnect()
				c.connect()
			}
		}) {
			return killed
		}
		if end != "" {
			return end
		}
	}
	c.test.Fatalf("the visit does not end, at %s", shot.Screen.Step)
	return ""
}
