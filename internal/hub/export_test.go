package hub

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// NewGate is both of an API's limits for a request, without the network around them.
func NewGate(s Store, limit rate.Limit, burst int, now func() time.Time, log *slog.Logger) func(context.Context, string) time.Duration {
	a := &API{Store: s, Rate: limit, Burst: burst, Now: now, Log: log}
	return func(ctx context.Context, kiosk string) time.Duration { return a.mustWait(ctx, kiosk) }
}

// Open is how many connections of strangers and of kiosks a door counts.
func (d *Door) Open() (strangers, kiosks int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, of := range d.kiosks {
		kiosks += len(of)
	}
	return d.count, kiosks
}

// Idle is how many connections of a kiosk wait for a request.
func (d *Door) Idle(kiosk string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.kiosks[kiosk] {
		if c.idle.Load() > 0 {
			n++
		}
	}
	return n
}

// RevokedWithin is how long a revocation of which no hint comes may take at a hub with the
// defaults: until the next sweep, which tells all links of the kiosk one after the other,
// and for what recalls its row, which may be read at the last moment.
const RevokedWithin = defaultSweep + linksEach*2*linkWrite + recallFor

// CallsEach is how many interactive calls a kiosk may have running.
const CallsEach = callsEach

// Overtaken is links of one kiosk that ask for one after the other with these runs, and
// become links in another order. It gives the runs of those that stay.
func Overtaken(now func() time.Time, runs []string, order []int) (stay []string) {
	l := &Links{Now: now, open: true}
	l.start()
	var all []*link
	for _, run := range runs {
		all = append(all, &link{all: l, arrived: l.number(), row: Link{ID: rand.Text(), Kiosk: "demo", Run: run}})
	}
	for _, i := range order {
		l.put(all[i])
	}
	for _, n := range l.kiosks["demo"] {
		if !n.leaves {
			stay = append(stay, n.row.Run)
		}
	}
	return stay
}

// OvertakenRows is which of two rows of links that have ended counts as the older.
func OvertakenRows(first, second Link) (older Link) {
	l := &Links{hub: "this"}
	if l.overtook(first, second, nil) {
		return second
	}
	return first
}

// Crowd is links of one kiosk with these runs, each of which comes before the end of any
// other is noticed. It gives how many alarms are due.
func Crowd(now func() time.Time, runs ...string) int {
	l := &Links{Now: now, open: true}
	l.start()
	for _, run := range runs {
		l.put(&link{all: l, arrived: l.number(), row: Link{ID: rand.Text(), Kiosk: "demo", Run: run}})
	}
	return len(l.due.clones)
}
