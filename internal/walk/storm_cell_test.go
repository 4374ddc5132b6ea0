package walk

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kioskd/internal/sync/linetest"
)

// cell is a kiosk with its hub or hubs, in a storm of their own.
type cell struct {
	*rig
	*book
	test   *testing.T
	n      int
	rnd    *rand.Rand
	all    *storm
	kiosks atomic.Pointer[reaper] // of the present life of kioskd
	hubs   []*hubLives
	at     *hubLives           // whose console is looked at
	line   *linetest.Line      // the balancer before several hubs
	moved  bool                // the visit went from a hub that died to another
	ahead  int                 // seconds, of the sandbox's clock
	enrol  string              // the kiosk's enrolment
	refs   map[string][]string // ID → the references that it was issued under
	calm   bool                // nobody is killed now
	tale   []string
}

func newCell(t *testing.T, all *storm, n, hubs int, store ...string) *cell {
	t.Helper()
	c := &cell{
		rig:  &rig{bin: all.bin, dir: t.TempDir(), eyes: newEyes(t), press: newPress(t), store: store},
		test: t, n: n, all: all, rnd: rand.New(rand.NewPCG(all.seed, uint64(n))), book: newBook(), calm: true,
	}
	c.kiosks.Store(newReaper(fate{}))
	for i := range hubs {
		c.hubs = append(c.hubs, newHubLives(c, i))
	}
	c.at = c.hubs[0]
	c.forward = c.forwardHubs
	c.t = mortal{TB: t, dead: func() bool {
		return c.kiosks.Load().hasKilled() || c.at.fate.Load().hasKilled() || !c.at.stands
	}}
	c.witness = func(s snapshot) {
		c.see(s)
		c.kiosks.Load().sees(s.Screen.Step)
		for _, h := range c.hubs {
			h.fate.Load().sees(s.Screen.Step)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; it went: %s", all.seed, strings.Join(c.tale[max(0, len(c.tale)-80):], " · "))
			t.Logf("kioskd said:\n%s", c.kioskd.log)
			for _, h := range c.hubs {
				t.Logf("hubd in %s said:\n%s", h.dir, h.p.log)
			}
		}
		c.disconnect()
		c.kioskd.kill()
		for _, h := range c.hubs {
			h.p.kill()
		}
	})
	if err := os.WriteFile(c.kioskConf(), []byte(c.press.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.bearHubs()
	c.bearKiosk()
	return c
}

func (c *cell) tell(format string, args ...any) {
	c.tale = append(c.tale, fmt.Sprintf(format, args...))
}

// bear starts a life of one of the two, and its reaper.
func (c *cell) bear(to *atomic.Pointer[reaper], f fate, name string, args ...string) *process {
	r := newReaper(f)
	if c.calm {
		r.spare()
	}
	to.Store(r)
	c.hear = c.hearers(to)
	p := c.start(name, args...)
	r.take(p)
	return p
}

// hearers are whose moments what this process says may be: a hub's are its own words and the
// kiosk's, the kiosk's are any.
func (c *cell) hearers(of *atomic.Pointer[reaper]) func(said []byte) {
	return func(said []byte) {
		c.kiosks.Load().hears(said)
		for _, h := range c.hubs {
			if of == &h.fate || of == &c.kiosks {
				h.fate.Load().hears(said)
			}
		}
	}
}

func (c *cell) kioskConf() string { return filepath.Join(c.dir, "kioskd.toml") }
func (c *cell) kioskAddr() string { return filepath.Join(c.dir, "kiosk", "addr.json") }

// written reads what a process writes when it stands.
func written(file string, into any) bool {
	b, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(b, into) == nil
}

// bearKiosk starts kioskd, and again when its start is cut, until its screen is open.
func (c *cell) bearKiosk() {
	c.test.Helper()
	for {
		_ = os.Remove(c.kioskAddr())
		c.kioskd = c.bear(&c.kiosks, kioskFate(c.rnd), "kioskd", "--sim", "--config", c.kioskConf(), "--data", filepath.Join(c.dir, "kiosk"), "--listen", "127.0.0.1:0",
			"--enrolment", c.enrol)
		if c.hands(func() {
			var addr struct{ HTTP string }
			c.eventually("kioskd to stand", func() bool {
				select {
				case <-c.kioskd.done:
					c.t.Fatalf("kioskd ended by itself:\n%s", c.kioskd.log)
				default:
				}
				return written(c.kioskAddr(), &addr)
			})
			c.kiosk = "http://" + addr.HTTP
			c.connect()
		}) {
			return
		}
		c.buryKiosk()
	}
}

// hands does something with the processes. When it found the hub dead it is done
// again with another or a new one; false says that the kiosk is dead.
func (c *cell) hands(do func()) bool {
	c.test.Helper()
	for !alive(do) {
		if c.kiosks.Load().hasKilled() {
			return false
		}
		c.hubReady()
	}
	return true
}

// buryKiosk waits until nothing comes any more from a kiosk that was killed.
func (c *cell) buryKiosk() {
	c.test.Helper()
	<-c.kioskd.done
	r := c.kiosks.Load()
	if !r.hasKilled() {
		c.test.Fatalf("kioskd ended by itself:\n%s", c.kioskd.log)
	}
	c.all.count("kioskd "+r.fate.String(), 1)
	c.tell("KILLED %s", r.fate)
	if c.ws != nil {
		for range c.shots { // what was on its way to the screen has been shown
		}
	}
	c.falls()
	c.partHubs()
	c.disconnect()
}

// rage begins the killing.
func (c *cell) rage() {
	c.calm = false
	dooms := func(to *atomic.Pointer[reaper], f fate, p *process) {
		f.start = false // it has started long ago
		r := newReaper(f)
		r.take(p)
		to.Store(r)
	}
	for _, h := range c.hubs {
		dooms(&h.fate, hubFate(c.rnd), h.p)
	}
	dooms(&c.kiosks, kioskFate(c.rnd), c.kioskd)
}

// rest ends the killing: all stand, and will.
func (c *cell) rest() {
	c.test.Helper()
	c.calm = true
	c.restHubs()
	if !c.kiosks.Load().spare() {
		c.buryKiosk()
		c.bearKiosk()
	}
}

// settle lets everything come to rest and compares what was promised with what is
// there. Nothing may be stuck: with both ends up, the outbox empties.
func (c *cell) settle() {
	c.test.Helper()
	c.rest()
	began := time.Now()
	c.eventually("the outbox to empty", func() bool {
		c.repairLine() // which makes the kiosk report
		var now struct {
			Kiosks []struct {
				ReportedAt time.Time `json:"reported_at"`
				Report     struct{ Queued int }
			}
		}
		c.get(c.hub+"/api/kiosks", &now)
		k := now.Kiosks[0]
		return k.Report.Queued == 0 && k.ReportedAt.After(began)
	})
	c.all.drained(time.Since(began))
	for page, open := 1, true; open; page++ {
		rows := c.page(page, 200)
		open = len(rows) == 200
		for _, r := range rows {
			if _, there := c.judged[r.Number]; there {
				open = false // all that follow are older
				break
			}
			c.judge(c.test, r)
		}
	}
	c.readSlips()
	c.close(c.test, c.refs)
}

// end compares all that was ever promised with all that the hub holds, and looks
// into the kiosk's outbox.
func (c *cell) end() {
	c.test.Helper()
	c.settle()
	for _, wrong := range missing(c.given, c.refs, c.noted(), "note") {
		c.test.Error(wrong)
	}
	c.recorded(c.records)
	rows, times, issuances := c.rows(), map[string]int{}, 0
	for _, r := range rows {
		times[r.Number]++
		if r.Kind == "issuance" {
			issuances++
		}
	}
	for number := range c.judged {
		if times[number] != 1 {
			c.test.Errorf("%s stands %d times in the hub", number, times[number])
		}
	}
	if len(rows) != len(c.judged) {
		c.test.Errorf("the hub holds %d submissions, %d were accounted for", len(rows), len(c.judged))
	}
	var alarms struct {
		Alarms []struct{ Kind, Text string } `json:"alarms"`
	}
	c.get(c.hub+"/api/alarms", &alarms)
	for _, a := range alarms.Alarms {
		c.test.Errorf("the hub raised an alarm: %s %s", a.Kind, a.Text)
	}
	c.all.count("submissions", len(rows))
	c.all.count("issuances", issuances)
	c.countHubs()
	c.disconnect()
	c.kioskd.kill()
	c.eventually("the printer to read all that was sent to it", c.press.quiet)
	slips, pieces := c.readSlips()
	c.all.count("slips", slips)
	c.all.count("slips that say that they are reprints", c.reprints)
	c.all.count("pieces of slips", pieces)
	for _, look := range []struct{ command, want string }{
		{"list", "0 waiting for the hub, 0 of them set aside"}, {"verify", "the audit log holds together"},
	} {
		out, err := exec.Command(filepath.Join(c.bin, "kioskd"), "outbox", look.command, "--data", filepath.Join(c.dir, "kiosk")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), look.want) {
			c.test.Errorf("outbox %s says %v: %s", look.command, err, out)
		}
	}
}
