package hub

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/wire"
)

// watch keeps the store's rows about this hub's links, obeys hints, and sweeps.
func (l *Links) watch(ctx context.Context) {
	every := or(l.Sweep, defaultSweep)
	sweep := time.NewTimer(every)
	defer sweep.Stop()
	var soon <-chan time.Time // not put off by what comes meanwhile
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
			if soon == nil {
				soon = time.After(or(l.Batch, defaultBatch))
			}
		case <-soon:
			soon = nil
			l.settle(ctx)
		case <-sweep.C:
			l.sweep(ctx)
			sweep.Reset(every)
		}
	}
}

// take gives what is to be done and forgets it.
func (l *Links) take() due {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.due
	l.due = due{}
	return d
}

// putBack keeps for the next sweep what the store did not take.
func (l *Links) putBack(d due) {
	l.mu.Lock()
	defer l.mu.Unlock()
	here := func(n *link) bool { return slices.Contains(l.kiosks[n.row.Kiosk], n) }
	for _, n := range d.add {
		if here(n) {
			l.due.add = append(l.due.add, n)
		}
	}
	l.due.remove = append(l.due.remove, d.remove...)
	l.due.clones = append(l.due.clones, d.clones...)
}

// settle does what has come up.
func (l *Links) settle(ctx context.Context) {
	d := l.take()
	if d.nothing() {
		return
	}
	for _, c := range d.clones {
		if err := l.alarm(ctx, c); err != nil {
			l.Log.Error("Alarm not stored", "kind", AlarmCloned, "kiosk", c.older.Kiosk, "error", err, "alarm", true)
			l.putBack(due{clones: []clone{c}})
		}
	}
	if len(d.add)+len(d.remove) > 0 {
		rows := make([]Link, len(d.add))
		for i, n := range d.add {
			rows[i] = n.row
		}
		now, err := l.Store.MoveLinks(ctx, l.hub, rows, d.remove)
		if err != nil {
			if ctx.Err() == nil {
				l.Log.Error("Links not noted", "links", len(rows), "error", err)
			}
			l.putBack(due{add: d.add, remove: d.remove})
		}
		for kiosk, rows := range byKiosk(now) {
			if l.judge(kiosk, rows) {
				l.tell(ctx, kiosk)
			}
		}
	}
	if d.all {
		l.sweep(ctx)
		for _, n := range l.every() {
			n.look.Store(true) // with its next ping, so that not all look at once
		}
	}
	for kiosk := range d.hints {
		l.obey(ctx, kiosk)
	}
}

func byKiosk(rows []Link) map[string][]Link {
	m := map[string][]Link{}
	for _, r := range rows {
		m[r.Kiosk] = append(m[r.Kiosk], r)
	}
	return m
}

// judge compares this hub's links of a kiosk with all that it has, in the order in
// which they came: two of this hub as they arrived, others as they were noted. A newer
// one of the same run takes the place of the older; a newer one of another run makes the
// older suspect. It says whether another hub has an older one, and should know.
func (l *Links) judge(kiosk string, rows []Link) (elsewhere bool) {
	mine := map[string]*link{}
	for _, n := range l.of(kiosk) {
		mine[n.row.ID] = n
	}
	for i, first := range rows {
		for _, second := range rows[i+1:] {
			older, newer := first, second
			n, ok := mine[older.ID]
			if l.overtook(older, newer, mine) {
				older, newer = newer, older
				n, ok = mine[older.ID]
			}
			switch {
			case !ok:
				elsewhere = elsewhere || older.Hub != l.hub && newer.Hub == l.hub
			case newer.Run == older.Run && newer.Hub == l.hub: // it has its place by now, or has ended
			case newer.Run == older.Run:
				n.end(websocket.CloseNormalClosure, "replaced")
			default:
				n.suspect(newer)
			}
		}
	}
	return elsewhere
}

// overtook says that the second of two links was there before the first, and noted after it.
func (l *Links) overtook(first, second Link, mine map[string]*link) bool {
	if first.Hub != l.hub || second.Hub != l.hub {
		return false // hubs have clocks of their own
	}
	a, b := mine[first.ID], mine[second.ID]
	if a == nil || b == nil { // one has ended
		return second.Since.Before(first.Since)
	}
	return b.arrived < a.arrived
}

func (l *Links) tell(ctx context.Context, kiosk string) {
	if err := l.Store.Tell(ctx, kiosk); err != nil && ctx.Err() == nil {
		l.Log.Warn("Other hubs not told: they notice at their next sweep", "kiosk", kiosk, "error", err)
	}
}

// obey does what a hint may be about.
func (l *Links) obey(ctx context.Context, kiosk string) {
	if len(l.of(kiosk)) == 0 {
		return
	}
	k, err := l.Store.Kiosk(ctx, kiosk)
	if err != nil {
		l.later(ctx, kiosk, err)
		return
	}
	if k.Revoked() {
		l.Log.Warn("Kiosk is revoked", "kiosk", kiosk, "reason", k.RevokedFor)
		l.expel(kiosk)
		return
	}
	l.expelFormer(k)
	rows, err := l.Store.Links(ctx, LinkFilter{Kiosk: kiosk})
	if err != nil {
		l.later(ctx, kiosk, err)
		return
	}
	l.judge(kiosk, rows)
	for _, n := range l.of(kiosk) {
		n.send(wire.LinkMessage{Kind: wire.LinkLook})
	}
}

// later leaves it to the next sweep, and to the kiosk.
func (l *Links) later(ctx context.Context, kiosk string, err error) {
	if ctx.Err() == nil {
		l.Log.Error("Hint not followed", "kiosk", kiosk, "error", err)
	}
	for _, n := range l.of(kiosk) {
		n.look.Store(true)
	}
}

func (l *Links) expel(kiosk string) {
	for _, n := range l.of(kiosk) {
		l.expelOne(n)
	}
}

// expelFormer ends links that began with a certificate of an earlier enrolment.
func (l *Links) expelFormer(k Kiosk) {
	for _, n := range l.of(k.ID) {
		if k.Former(n.issued) {
			l.expelOne(n)
		}
	}
}

func (l *Links) expelOne(n *link) {
	l.Log.Warn("Link of a revoked kiosk ended", "kiosk", n.row.Kiosk, "remote", n.row.Remote)
	n.send(wire.LinkMessage{Kind: wire.LinkRevoked})
	n.end(websocket.ClosePolicyViolation, "revoked")
}

func (l *Links) beat(ctx context.Context) {
	if err := l.Store.BeatHub(ctx, l.hub, hubLives*or(l.Sweep, defaultSweep)); err != nil && ctx.Err() == nil {
		l.Log.Error("Hub not noted", "error", err)
	}
}

// sweep makes good what a lost hint, a hub that died or a store that was away have
// left behind.
func (l *Links) sweep(ctx context.Context) {
	l.beat(ctx)
	l.forgetPushed()
	revoked, err := l.Store.Revoked(ctx)
	for _, kiosk := range revoked {
		l.expel(kiosk)
	}
	if err == nil {
		err = l.enrolledAnew(ctx)
	}
	if err == nil {
		err = l.compare(ctx)
	}
	if err != nil && ctx.Err() == nil {
		l.Log.Error("Sweep not made", "error", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.due.nothing() {
		l.signal()
	}
}

// enrolledAnew ends links of before an enrolment that was made since the last sweep.
func (l *Links) enrolledAnew(ctx context.Context) error {
	now := l.Now()
	if l.swept.IsZero() {
		l.swept = now
	}
	list, err := l.Store.EnrolledSince(ctx, l.swept.Add(-sweepMargin))
	if err != nil {
		return err
	}
	for _, k := range list {
		l.expelFormer(k)
	}
	l.swept = now
	return nil
}

// compare holds this hub's links against the rows: what is not noted is noted again,
// what is noted and not open is forgotten, and kiosks with several links are judged.
func (l *Links) compare(ctx context.Context) error {
	before := l.every()
	rows, err := l.Store.Links(ctx, LinkFilter{Hub: l.hub})
	if err != nil {
		return err
	}
	noted := make(map[string]bool, len(rows))
	for _, r := range rows {
		noted[r.ID] = true
	}
	l.reconcile(before, noted)
	several, err := l.Store.Links(ctx, LinkFilter{Several: true})
	if err != nil {
		return err
	}
	for kiosk, rows := range byKiosk(several) {
		l.judge(kiosk, rows)
	}
	return nil
}

// reconcile says what is to be added or removed so that noted becomes what is open.
// before was open already when the rows were read.
func (l *Links) reconcile(before []*link, noted map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := make(map[string]bool, l.count)
	for _, of := range l.kiosks {
		for _, n := range of {
			open[n.row.ID] = true
		}
	}
	for _, n := range l.due.add {
		noted[n.row.ID] = true // as good as that
	}
	for _, n := range before {
		if open[n.row.ID] && !noted[n.row.ID] {
			l.due.add = append(l.due.add, n)
		}
	}
	for id := range noted {
		if !open[id] {
			l.due.remove = append(l.due.remove, id)
		}
	}
}

// found notes that a kiosk has a double.
func (l *Links) found(c clone) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due.clones = append(l.due.clones, c)
	l.signal()
}

// alarm shows both machines to the operator.
func (l *Links) alarm(ctx context.Context, c clone) error {
	text := fmt.Sprintf("two machines with this identity are connected: %s, and %s", describe(c.older), describe(c.newer))
	l.Log.Error("Kiosk is cloned", "kiosk", c.older.Kiosk, "older", c.older.Remote, "newer", c.newer.Remote, "alarm", true)
	return l.Store.Raise(ctx, Alarm{Kind: AlarmCloned, Kiosk: c.older.Kiosk, Text: text, Last: l.Now()})
}

func describe(n Link) string {
	return fmt.Sprintf("%s since %s (start %s…)", n.Remote, n.Since.UTC().Format(time.RFC3339), n.Run[:min(len(n.Run), 8)])
}
