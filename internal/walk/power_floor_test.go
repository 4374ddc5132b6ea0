package walk

import (
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"kioskd/internal/sqlitedb/powertest"
)

// certainTries are how many cuts in a row may lose nothing: what is durable already, or
// stays by chance.
const certainTries = 30

// certainly does once to each disk what visits do by chance, and may not have done: a call
// fails, and the power is cut between two writes and takes something that was written.
// Else a run without the layer would look like one in which nothing goes wrong.
func (r *rig) certainly() {
	r.t.Helper()
	for daemon, disk := range r.power.disks {
		if disk.Events() == 0 {
			r.t.Fatalf("the layer below %s has seen nothing", daemon)
		}
	}
	r.certainFault("hubd", func() { r.post(r.hub+"/api/sandbox/reset", struct{}{}) })
	r.certainFault("kioskd", r.beginVisit)
	r.dock("reset", struct{}{})

	var addr struct{ API, Console string }
	r.address(filepath.Join(r.dir, "hub", "addr.json"), &addr, r.hubd)
	r.certainCut("hubd", func() *process {
		_ = call(http.MethodPost, r.hub+"/api/sandbox/reset", []byte("{}"), nil) // it dies meanwhile
		return r.hubd
	}, func() { r.startHub(addr.API, addr.Console) })
	r.certainCut("kioskd", func() *process {
		r.disconnect()
		r.kioskd.kill()
		r.kioskd = r.launchKiosk("127.0.0.1:0") // which notes its start
		return r.kioskd
	}, func() { r.startKiosk("127.0.0.1:0") })
}

// certainFault lets the next call fail by which a daemon stores something, and has it
// store something.
func (r *rig) certainFault(daemon string, store func()) {
	r.t.Helper()
	disk := r.power.disks[daemon]
	before := disk.Broken()
	r.power.broken = daemon
	disk.Break(powertest.Write|powertest.Sync, powertest.AllFiles, 0, 1)
	r.eventually(fmt.Sprintf("a call of %s to fail", daemon), func() bool {
		store()
		return disk.Broken() > before
	})
	r.power.mend()
}

// beginVisit lets somebody begin a visit, which the kiosk notes.
func (r *rig) beginVisit() {
	r.t.Helper()
	r.dock("reset", struct{}{})
	s := &shopper{rig: r, person: newPerson(r.power.rnd), rnd: r.power.rnd, ledger: newLedger()}
	s.send(s.top().Seq, "start", map[string]any{"plan": "reserve"})
}

// certainCut cuts the power while a daemon stores something, until that came between two
// writes and something was lost. Store gives the process that is to die.
func (r *rig) certainCut(daemon string, store func() *process, again func()) {
	r.t.Helper()
	disk := r.power.disks[daemon]
	for range certainTries {
		disk.DieIn(1 + r.power.rnd.Int64N(12))
		p := store()
		midway := false
		select {
		case <-p.done:
			midway = true
		case <-time.After(2 * time.Second):
			p.kill()
		}
		r.power.cuts[daemon]++
		less := disk.Cut(r.t, r.power.rnd)
		if less {
			r.power.less[daemon]++
		}
		if midway {
			r.power.midway[daemon]++
		}
		again()
		if midway && less {
			return
		}
	}
	r.t.Errorf("%d cuts of the power below %s lost nothing that was written", certainTries, daemon)
}
