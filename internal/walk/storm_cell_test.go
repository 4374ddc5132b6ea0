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
)

// cell is a kiosk with its hub, in a storm of their own.
type cell struct {
	*rig
	*book
	test   *testing.T
	rnd    *rand.Rand
	all    *storm
	api    string                 // where the hub listens, for all its lives
	desk   string                 // and its console
	kiosks atomic.Pointer[reaper] // of the present life of kioskd
	hubs   atomic.Pointer[reaper]
	refs   map[string][]string // ID → the references that it was issued under
	stands bool                // the hub, as far as is known
	calm   bool                // nobody is killed now
	tale   []string
}

func newCell(t *testing.T, all *storm, n int, store ...string) *cell {
	t.Helper()
	c := &cell{
		rig:  &rig{bin: all.bin, dir: t.TempDir(), eyes: newEyes(t), press: newPress(t), store: store},
		test: t, all: all, rnd: rand.New(rand.NewPCG(all.seed, uint64(n))), book: newBook(), calm: true,
	}
	c.t = mortal{TB: t, dead: func() bool { return c.kiosks.Load().hasKilled() || c.hubs.Load().hasKilled() || !c.stands }}
	reapers := []*atomic.Pointer[reaper]{&c.kiosks, &c.hubs}
	for _, r := range reapers {
		r.Store(newReaper(fate{}))
	}
	c.hear = func(_ string, said []byte) {
		for _, r := range reapers {
			r.Load().hears(said)
		}
	}
	c.witness = func(s snapshot) {
		c.see(s)
		for _, r := range reapers {
			r.Load().sees(s.Screen.Step)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; it went: %s", all.seed, strings.Join(c.tale[max(0, len(c.tale)-80):], " · "))
			t.Logf("kioskd said:\n%s", c.kioskd.log)
			t.Logf("hubd said:\n%s", c.hubd.log)
		}
		c.disconnect()
		c.kioskd.kill()
		c.hubd.kill()
	})
	c.api, c.desk = "127.0.0.1:0", "127.0.0.1:0"
	if err := os.WriteFile(c.kioskConf(), []byte(c.press.config()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.bearHub()
	c.hubReady()
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
	p := c.start(name, args...)
	r.take(p)
	return p
}

func (c *cell) hubAddr() string   { return filepath.Join(c.dir, "hub", "addr.json") }
func (c *cell) kioskConf() string { return filepath.Join(c.dir, "kioskd.toml") }
func (c *cell) kioskAddr() string { return filepath.Join(c.dir, "kiosk", "addr.json") }

// bearHub starts the hub and does not wait for it.
func (c *cell) bearHub() {
	c.stands = false
	_ = os.Remove(c.hubAddr())
	c.hubd = c.bear(&c.hubs, hubFate(c.rnd), "hubd",
		append([]string{"--demo", "--data", filepath.Join(c.dir, "hub"), "--api", c.api, "--console", c.desk}, c.store...)...)
}

// tendHub starts the hub again when it was killed. It reports whether that was so.
func (c *cell) tendHub() bool {
	c.test.Helper()
	select {
	case <-c.hubd.done:
	default:
		return false
	}
	r := c.hubs.Load()
	if !r.hasKilled() {
		c.test.Fatalf("hubd ended by itself:\n%s", c.hubd.log)
	}
	c.all.count("hubd "+r.fate.String(), 1)
	c.tell("HUB KILLED %s", r.fate)
	c.bearHub()
	return true
}

// hubReady waits for the hub to stand, through as many kills as come meanwhile.
func (c *cell) hubReady() {
	c.test.Helper()
	var addr struct{ API, Console string }
	c.eventually("hubd to stand", func() bool {
		c.tendHub()
		return written(c.hubAddr(), &addr)
	})
	c.stands = true
	c.api, c.desk, c.hub = addr.API, addr.Console, "http://"+addr.Console // kiosks know the address
}

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
			"--enrolment", filepath.Join(c.dir, "hub", "enrolment", "demo.json"))
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

// hands does something with both processes. When it found the hub dead it is done
// again with a new one; false says that the kiosk is dead.
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
	c.disconnect()
}

// rage begins the killing.
func (c *cell) rage() {
	c.calm = false
	for to, life := range map[*atomic.Pointer[reaper]]struct {
		f fate
		p *process
	}{&c.hubs: {hubFate(c.rnd), c.hubd}, &c.kiosks: {kioskFate(c.rnd), c.kioskd}} {
		life.f.start = false // it has started long ago
		r := newReaper(life.f)
		r.take(life.p)
		to.Store(r)
	}
}

// rest ends the killing: both stand, and will.
func (c *cell) rest() {
	c.test.Helper()
	c.calm = true
	if !c.hubs.Load().spare() {
		<-c.hubd.done
		c.tendHub()
	}
	c.hubReady()
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
