package walk

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kioskd/internal/sqlitedb/powertest"
)

// power stands below the databases of a kiosk and a hub.
type power struct {
	rnd   *rand.Rand
	disks map[string]*powertest.Disk // by the daemon's name
	cuts  map[string]int
	// Cuts that came between two writes, and those that lost something that was written.
	midway, less map[string]int
	codes        map[string]int // what screens said of the storage
	broken       string         // the daemon whose disk is out of order, or ""
}

func newPower(t testing.TB, dir string, seed uint64) *power {
	t.Helper()
	p := &power{
		rnd: rand.New(rand.NewPCG(seed, 7)), disks: map[string]*powertest.Disk{},
		cuts: map[string]int{}, midway: map[string]int{}, less: map[string]int{}, codes: map[string]int{},
	}
	lib := powertest.Build(t)
	for daemon, folder := range map[string]string{"kioskd": "kiosk", "hubd": "hub"} {
		data := filepath.Join(dir, folder)
		if err := os.MkdirAll(data, 0o700); err != nil {
			t.Fatal(err)
		}
		p.disks[daemon] = powertest.New(t, lib, data)
	}
	return p
}

// env is the environment for a daemon; nil is that of the test.
func (p *power) env(t testing.TB, daemon string) []string {
	t.Helper()
	if p == nil {
		return nil
	}
	return append(os.Environ(), p.disks[daemon].Env(t)...)
}

// end kills a daemon. With a disk of ours below, the power fails: with some luck between
// two writes of one commit, otherwise when nothing more is written.
func (r *rig) end(daemon string, p *process) {
	r.t.Helper()
	if r.power == nil {
		p.kill()
		return
	}
	r.power.mend()
	disk := r.power.disks[daemon]
	disk.DieIn(1 + r.power.rnd.Int64N(15))
	select {
	case <-p.done:
		r.power.midway[daemon]++
	case <-time.After(400 * time.Millisecond):
		p.kill()
	}
	r.power.cuts[daemon]++
	if disk.Cut(r.t, r.power.rnd) {
		r.power.less[daemon]++
	}
}

// diskFault makes one of the disks full or breaks it, until it is mended.
func (s *shopper) diskFault(shot snapshot) bool {
	s.power.mend()
	s.power.broken = []string{"kioskd", "kioskd", "hubd"}[s.rnd.IntN(3)]
	s.unkept = s.unkept || s.power.breaks("kioskd")
	disk := s.power.disks[s.power.broken]
	skip, times := s.rnd.Int64N(20), []int64{1, 3, -1}[s.rnd.IntN(3)]
	kinds := []struct {
		name string
		do   func()
	}{
		{"full", func() { disk.Fill(s.rnd.Int64N(40_000)) }},
		{"WAL not written", func() { disk.Break(powertest.Write, powertest.WAL, skip, times) }},
		{"WAL not synced", func() { disk.Break(powertest.Sync, powertest.WAL, skip/4, times) }},
		{"database not written", func() { disk.Break(powertest.Write, powertest.Database, 0, times) }},
		{"nothing written", func() { disk.Break(powertest.Write|powertest.Sync, powertest.AllFiles, skip, times) }},
		{"nothing read", func() { disk.Break(powertest.Read, powertest.AllFiles, skip, times) }},
	}
	kind := kinds[s.rnd.IntN(len(kinds))]
	s.say("DISK %s %s", s.power.broken, kind.name)
	kind.do()
	return s.act(shot)
}

// oneIn is how many acts come on one fault.
func (p *power) oneIn() int {
	if p == nil {
		return 12
	}
	return 5
}

// breaks says that the disk of a daemon is out of order.
func (p *power) breaks(daemon string) bool { return p != nil && p.broken == daemon }

// mend puts the disks in order.
func (p *power) mend() {
	if p == nil || p.broken == "" {
		return
	}
	p.disks[p.broken].Free()
	p.disks[p.broken].Mend()
	p.broken = ""
}

// tolerate calls again what has failed on a broken disk, after the disk was mended.
func (p *power) tolerate(t testing.TB, do func() error) {
	t.Helper()
	err := do()
	if err != nil && p != nil && p.broken != "" {
		p.mend()
		err = do()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// failed is how many calls did not do what they should.
func (p *power) failed() int {
	var n int64
	for _, d := range p.disks {
		n += d.Refused() + d.Broken()
	}
	return int(n)
}

// told notes what a screen said of the storage.
func (p *power) told(book *ledger, code string) {
	if p == nil || !strings.HasPrefix(code, "storage_") {
		return
	}
	if p.codes[code]++; code == "storage_slow" {
		book.unsure++
	}
}

// damaged restarts a daemon that says that its storage is damaged, as its manual asks.
func (s *shopper) damaged(code string) bool {
	if s.power == nil || code != "storage_damaged" {
		return false
	}
	s.say("RESTARTED")
	s.restartKiosk()
	return true
}

// setting reads a number from the environment, by which runs are made long.
func setting(t testing.TB, env string, usual int) int {
	t.Helper()
	s := os.Getenv(env)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// The power fails in most visits, at the kiosk or at the hub, and in some a disk is full
// or broken: what a screen called done
// reaches the hub once, nothing is doubled, nothing stands still.
func TestVisitsWithPowerCuts(t *testing.T) {
	given := *seed // of the other walk
	t.Cleanup(func() { *seed = given })
	*seed = uint64(setting(t, "KIOSKD_POWER_SEED", int(time.Now().UnixNano()%1_000_000)))
	visits, side := setting(t, "KIOSKD_POWER_VISITS", 9), setting(t, "KIOSKD_POWER_RIGS", 3)
	t.Logf("again: KIOSKD_POWER_SEED=%d KIOSKD_POWER_VISITS=%d KIOSKD_POWER_RIGS=%d", *seed, visits, side)
	bin := t.TempDir()
	build(t, bin)
	all := &tally{ends: map[string]int{}, tried: map[string]int{}}
	codes := map[string]int{}
	var cuts, midway, less, broken int
	t.Run("kiosks", func(t *testing.T) {
		for n := range side {
			t.Run(strconv.Itoa(n+1), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				power := newPower(t, dir, *seed+uint64(n))
				r := newRig(t, bin, func(r *rig) { r.dir, r.power = dir, power })
				book := newLedger()
				for visit := n; visit < visits && !t.Failed(); visit += side {
					r.come(book, all, visit+1)
				}
				r.dock("reset", struct{}{})
				if !t.Failed() {
					r.certainly()
				}
				stored := r.settle(book)
				if damaged, err := filepath.Glob(filepath.Join(dir, "kiosk", "outbox.db.damaged-*")); err != nil || len(damaged) > 0 {
					t.Errorf("what is sound was taken for damaged: %v (%v)", damaged, err)
				}
				all.mu.Lock()
				defer all.mu.Unlock()
				all.stored += stored
				cuts += r.power.cuts["kioskd"] + r.power.cuts["hubd"]
				midway += r.power.midway["kioskd"] + r.power.midway["hubd"]
				less += r.power.less["kioskd"] + r.power.less["hubd"]
				broken += r.power.failed()
				for code, n := range r.power.codes {
					codes[code] += n
				}
			})
		}
	})
	t.Logf("%d submissions in the hubs after %d cuts, %d of them between two writes, %d lost something that was written; %d calls failed, screens said %v; the visits ended as\n%s",
		all.stored, cuts, midway, less, broken, codes, table(all.ends))
	if all.stored == 0 || midway == 0 || less == 0 || broken == 0 {
		t.Error("nothing was tested")
	}
}
