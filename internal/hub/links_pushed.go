package hub

import "time"

// A kiosk may have a few links, and one more ends the oldest. That is harmless where one
// machine has left old ones behind. But a copy that opens links fast enough ends the
// right one's before that could answer a ping, and so before anything is proved. So it
// is remembered who was pushed out by whom: a start of the daemon that ended does not
// come back, and one that does has to answer for the two having been alive at one time.
const (
	// pushedProof is how often a run must be pushed out to be proof without an answer to
	// a ping, for a copy that leaves no time for one. Once is usual; twice may be what
	// was still on its way of a daemon that was killed.
	pushedProof = 3
	// pushedMost is how many runs of a kiosk may be pushed out within pushedLife. No
	// machine starts that often and leaves a dead link behind each time.
	pushedMost = 64
	pushedLife = time.Hour
)

// pushed is a run whose link was ended to make room.
type pushed struct {
	by    Link // for which
	times int
	at    time.Time
}

// pushOut notes that old is ended for the sake of n, which is of another run. l.mu is held.
func (l *Links) pushOut(old, n *link) {
	if l.pushed == nil {
		l.pushed = map[string]map[string]*pushed{}
	}
	runs := l.pushed[n.row.Kiosk]
	if runs == nil {
		runs = map[string]*pushed{}
		l.pushed[n.row.Kiosk] = runs
	}
	p := runs[old.row.Run]
	if p == nil {
		p = &pushed{}
		runs[old.row.Run] = p
	}
	p.by, p.at = n.row, l.Now()
	p.times++
	if p.times < pushedProof && len(runs) <= pushedMost {
		return
	}
	delete(l.pushed, n.row.Kiosk) // from here on anew
	l.due.clones = append(l.due.clones, clone{older: old.row, newer: n.row})
}

// pusher gives the link for which the one before of this run was ended. l.mu is held.
func (l *Links) pusher(n *link) (by Link, ok bool) {
	p := l.pushed[n.row.Kiosk][n.row.Run]
	if p == nil || l.Now().Sub(p.at) > pushedLife {
		return Link{}, false
	}
	return p.by, true
}

// forgetPushed forgets what was long ago.
func (l *Links) forgetPushed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kiosk, runs := range l.pushed {
		for run, p := range runs {
			if l.Now().Sub(p.at) > pushedLife {
				delete(runs, run)
			}
		}
		if len(runs) == 0 {
			delete(l.pushed, kiosk)
		}
	}
}
