package walk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"kioskd/internal/sync/linetest"
	"kioskd/internal/wire"
)

// hubLives is one of a cell's hubs, over all its lives.
type hubLives struct {
	cell   *cell
	name   string
	dir    string                 // its data
	api    string                 // where it listens, for all its lives
	desk   string                 // and its console
	args   []string               // beside those
	fate   atomic.Pointer[reaper] // of the present life
	p      *process
	stands bool // as far as is known

	// Where a balancer is before it:
	taken  int  // connections, as far as they were counted
	served bool // the kiosk that lives has come to it
	left   bool // and it died then, in the visit that goes on
}

func newHubLives(c *cell, n int) *hubLives {
	// While it is dead nobody else may get its ports: the address is its own.
	addr := fmt.Sprintf("127.1.%d.%d:0", c.n%250+1, n+1)
	h := &hubLives{cell: c, name: fmt.Sprintf("hub %d", n+1), dir: filepath.Join(c.dir, "hub"), api: addr, desk: addr, args: c.store}
	if n > 0 { // the first has the keys and the sandbox, as on one machine
		h.dir = filepath.Join(c.dir, fmt.Sprint("hub", n+1))
		h.args = slices.Concat(h.args, []string{"--sandbox", filepath.Join(c.dir, "hub", "sandbox.db")})
	}
	h.fate.Store(newReaper(fate{}))
	return h
}

// bear starts the hub and does not wait for it.
func (h *hubLives) bear() {
	h.stands = false
	_ = os.Remove(h.addr())
	h.p = h.cell.bear(&h.fate, hubFate(h.cell.rnd), "hubd",
		append([]string{"--demo", "--data", h.dir, "--api", h.api, "--console", h.desk}, h.args...)...)
}

func (h *hubLives) addr() string { return filepath.Join(h.dir, "addr.json") }

// tend starts the hub again when it was killed, and reports whether it stands.
func (h *hubLives) tend() bool {
	c := h.cell
	c.test.Helper()
	select {
	case <-h.p.done:
		r := h.fate.Load()
		if !r.hasKilled() {
			c.test.Fatalf("hubd ended by itself:\n%s", h.p.log)
		}
		c.all.count("hubd "+r.fate.String(), 1)
		c.tell("%s KILLED %s", h.name, r.fate)
		h.served, h.left = false, h.left || h.served
		h.bear()
	default:
	}
	var addr struct{ API, Console string }
	if !h.stands && written(h.addr(), &addr) {
		h.stands, h.api, h.desk = true, addr.API, addr.Console // kiosks know the address
		if c.ahead > 0 {
			h.forward(c.ahead)
		}
	}
	return h.stands
}

// forward moves the clock that the hub's sandbox has, which each hub has for itself and from
// each start anew. Who has two hubs with different ones gets codes from one that the other
// takes for old.
func (h *hubLives) forward(sec int) {
	h.cell.test.Helper()
	b := fmt.Appendf(nil, `{"forward_sec": %d}`, sec)
	if err := call(http.MethodPost, "http://"+h.desk+"/api/sandbox/clock", b, nil); err != nil && !h.fate.Load().hasKilled() {
		h.cell.test.Fatal(err)
	}
}

// forwardHubs moves it at all hubs, those that stand later included.
func (c *cell) forwardHubs(sec int) {
	c.ahead += sec
	for _, h := range c.hubs {
		if h.stands {
			h.forward(sec)
		}
	}
}

// resetHubs forgets everybody, and puts the clocks back.
func (c *cell) resetHubs() {
	c.test.Helper()
	c.ahead = 0
	for _, h := range c.hubs {
		c.post("http://"+h.desk+"/api/sandbox/reset", struct{}{})
	}
}

// moved is what visits are counted under that went on at another hub than the one that
// died below them.
const moved = "visits that moved to the other hub"

// watchHubs begins to look whether the visit moves.
func (c *cell) watchHubs() {
	c.moved = false
	for _, h := range c.hubs {
		h.left = false
	}
}

// partHubs says that the kiosk has died, and all its connections with it.
func (c *cell) partHubs() {
	c.seeConnections()
	for _, h := range c.hubs {
		h.served = false
	}
}

// seeConnections notes which hubs the kiosk has come to.
func (c *cell) seeConnections() {
	if c.line == nil {
		return
	}
	for i, h := range c.hubs {
		if n := c.line.Reached(h.api); n > h.taken {
			h.taken, h.served = n, true
			c.moved = c.moved || c.hubs[1-i].left
		}
	}
}

// tendHubs starts the hubs again that were killed.
func (c *cell) tendHubs() {
	c.test.Helper()
	c.seeConnections() // one that came before the other hub's end was noticed is no move
	for _, h := range c.hubs {
		h.tend()
	}
}

// hubReady waits for a hub to stand, through as many kills as come meanwhile, and looks at
// its console from then on.
func (c *cell) hubReady() {
	c.test.Helper()
	c.eventually("a hubd to stand", func() bool {
		c.tendHubs()
		for _, h := range append([]*hubLives{c.at}, c.hubs...) {
			if h.stands {
				c.at, c.hub = h, "http://"+h.desk
				return true
			}
		}
		return false
	})
}

// restHubs lets all hubs stand, and live.
func (c *cell) restHubs() {
	c.test.Helper()
	for _, h := range c.hubs {
		if !h.fate.Load().spare() {
			<-h.p.done
		}
		c.eventually("hubd to stand", h.tend)
	}
	c.hubReady()
}

// bearHubs starts the hubs. Several have one database, one sandbox and the same keys, and
// the kiosk knows the balancer before them and none of them.
func (c *cell) bearHubs() {
	c.test.Helper()
	first := c.hubs[0]
	c.enrol = filepath.Join(first.dir, "enrolment", "demo.json")
	var apis []string
	for _, h := range c.hubs {
		if h != first {
			if err := copyKeys(filepath.Join(h.dir, "keys"), filepath.Join(first.dir, "keys")); err != nil {
				c.test.Fatal(err)
			}
		}
		h.bear()
		c.eventually("hubd to stand", h.tend)
		apis = append(apis, h.api)
	}
	c.hubReady()
	if len(c.hubs) == 1 {
		return
	}
	line, err := linetest.Listen(context.WithoutCancel(c.test.Context()), apis...)
	if err != nil {
		c.test.Fatal(err)
	}
	c.test.Cleanup(func() { _ = line.Close() })
	e, err := wire.LoadEnrolment(c.enrol)
	if err != nil {
		c.test.Fatal(err)
	}
	c.line, c.enrol, e.HubURL = line, filepath.Join(c.dir, "enrolment", "demo.json"), "https://"+line.Addr()
	if err := wire.StoreEnrolment(c.enrol, e); err != nil {
		c.test.Fatal(err)
	}
}

// copyKeys copies a folder of keys, which are nobody else's to read.
func copyKeys(to, from string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	keys, err := os.ReadDir(from)
	for _, k := range keys {
		b, e := os.ReadFile(filepath.Join(from, k.Name()))
		if e == nil {
			e = os.WriteFile(filepath.Join(to, k.Name()), b, 0o600)
		}
		err = errors.Join(err, e)
	}
	return err
}

// countHubs counts what the balancer has brought to each of several hubs.
func (c *cell) countHubs() {
	if c.line == nil {
		return
	}
	for _, h := range c.hubs {
		c.all.count("connections to "+h.name+" of two", c.line.Reached(h.api))
	}
}
