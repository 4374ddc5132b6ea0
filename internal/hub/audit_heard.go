package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kioskd/internal/wire"
)

// behind remembers of each kiosk how what it says of its log differs from what the hub
// has. It is this hub's own memory: after a restart it looks for another hour.
type behind struct {
	mu     sync.Mutex
	all    map[string]lag
	newest map[string]newestLog
}

// lag is what the two sides had when they began to differ.
type lag struct {
	log     string // that the kiosk named, "" for none
	n       int64  // that it had of it
	have    int64  // that the hub had of its newest log
	at      time.Time
	reports int
}

// newestLog is the log of a kiosk in which it wrote last, as far as the hub has it.
type newestLog struct {
	log    string // "": there is none
	n      int64
	looked time.Time
}

// heard is a sign of life beside what the hub has.
type heard struct {
	mark   wire.AuditMark // empty when the kiosk says nothing of a log
	have   int64          // entries of that log here
	known  bool           // there are some
	newest newestLog
}

// agrees says whether the kiosk tells of the log that the hub has, all of it and no
// more; and, where the hub has none, whether there is nothing to have.
func (h heard) agrees() bool {
	if h.newest.log == "" {
		return h.mark.N == 0
	}
	return h.mark.Log == h.newest.log && h.mark.N == h.have
}

// caughtUp says whether each side has by now what the other had then: a busy kiosk's log
// is never all here when it tells of it, and never all told of when it is here. One that
// names ever other logs has not.
func (h heard) caughtUp(l lag) bool {
	return h.mark.Log == l.log && (h.newest.log == "" || h.mark.Log == h.newest.log) && h.have >= l.n && h.mark.N >= l.have
}

// differs notes a sign of life, and says whether kiosk and hub have differed for so long
// that it is alarming.
func (b *behind) differs(kiosk string, h heard, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]lag{}
	}
	if h.agrees() {
		delete(b.all, kiosk)
		return false
	}
	l, ok := b.all[kiosk]
	if !ok || h.caughtUp(l) {
		l = lag{log: h.mark.Log, n: h.mark.N, have: h.newest.n, at: now}
	}
	if l.log != h.mark.Log { // what is due now; the clock goes on
		l.log, l.n, l.have = h.mark.Log, h.mark.N, h.newest.n
	}
	l.reports++
	b.all[kiosk] = l
	if h.mark.Log == h.newest.log && h.mark.N < l.have && l.reports >= auditOlderReports && now.Sub(l.at) >= auditOlder {
		return true
	}
	return l.reports >= auditReports && now.Sub(l.at) >= auditPatience
}

// heardOfAudit compares what a kiosk says of its audit log with what has come of it. One
// that says nothing is compared, too, if it had a log before.
func (a *API) heardOfAudit(ctx context.Context, kiosk string, mark *wire.AuditMark) error {
	h, now := heard{}, a.Now()
	if mark != nil && wire.ValidID(mark.Log) {
		h.mark = *mark
		l, err := a.Store.AuditLog(ctx, kiosk, mark.Log)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		h.have, h.known = l.N, err == nil
	}
	var err error
	if h.newest, err = a.newestLog(ctx, kiosk, h, now); err != nil {
		return err
	}
	if !a.behind.differs(kiosk, h, now) {
		return nil
	}
	al := Alarm{Kind: AlarmAuditGap, Kiosk: kiosk, Subject: h.newest.log, Last: now}
	switch {
	case h.mark.Log == "":
		al.Text = fmt.Sprintf("the hub has %d entries, and for an hour the kiosk has told of no log", h.newest.n)
	case h.have < h.mark.N:
		al.Kind, al.Subject = AlarmAuditSilent, ""
		if h.known { // else its ID may be any of any number
			al.Subject = h.mark.Log
		}
		al.Text = fmt.Sprintf("the kiosk has %d entries and the hub %d: for an hour none of them has come", h.mark.N, h.have)
	case h.mark.Log == h.newest.log:
		al.Text = fmt.Sprintf("the hub has %d entries, and the kiosk tells of %d: its disk was put back to an older state, or another machine writes under its name", h.have, h.mark.N)
	default:
		al.Text = fmt.Sprintf("the hub has %d entries, and for an hour the kiosk has told of another log than that", h.newest.n)
	}
	a.Log.Error("Kiosk tells of another audit log than has come", "kiosk", kiosk, "log", h.mark.Log, "told", h.mark.N, "have", h.have,
		"about", al.Kind, "alarm", true)
	return a.Store.Raise(ctx, al)
}

// newestLog gives the newest log of a kiosk that the hub has. A sign of life costs one
// row; that there are other logs is looked up now and then, and when the kiosk names
// another one that is here.
func (a *API) newestLog(ctx context.Context, kiosk string, h heard, now time.Time) (newestLog, error) {
	a.behind.mu.Lock()
	l, ok := a.behind.newest[kiosk]
	a.behind.mu.Unlock()
	if !ok || now.Sub(l.looked) >= auditPatience || h.known && h.mark.Log != l.log {
		logs, err := a.Store.AuditLogs(ctx, kiosk)
		if err != nil {
			return newestLog{}, err
		}
		l = newestLog{looked: now}
		var at time.Time
		for _, one := range logs {
			if !one.Headless && (one.At.After(at) || one.At.Equal(at) && one.Log == h.mark.Log) {
				l.log, l.n, at = one.Log, one.N, one.At
			}
		}
	}
	if h.mark.Log == l.log {
		l.n = h.have
	}
	a.behind.mu.Lock()
	defer a.behind.mu.Unlock()
	if a.behind.newest == nil {
		a.behind.newest = map[string]newestLog{}
	}
	a.behind.newest[kiosk] = l
	return l, nil
}
