package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// auditPatience is how long a kiosk may have entries that the hub has not got.
const auditPatience = time.Hour

// audit takes a piece of a kiosk's audit log. Whatever is wrong with it as a log is
// said in the answer: a refusal would tell a kiosk nothing that it can act on.
func (a *API) audit(w http.ResponseWriter, r *http.Request, kiosk string) {
	b, p := body(w, r)
	if p != nil {
		replyProblem(w, p)
		return
	}
	batch, err := wire.DecodeAuditBatch(b)
	if err != nil {
		a.garbage(r.Context(), kiosk, r.URL.Path)
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, err.Error()))
		return
	}
	answer, err := a.Store.TakeAudit(r.Context(), kiosk, batch, a.Now())
	if err != nil {
		a.broken(w, "audit log not stored", err)
		return
	}
	if answer.Verdict != wire.AuditTaken {
		a.Log.Error("Audit log not taken", "kiosk", kiosk, "log", batch.Log, "verdict", answer.Verdict,
			"from", batch.Entries[0].N, "have", answer.N, "alarm", true)
	}
	out, err := json.Marshal(answer)
	if err != nil {
		a.broken(w, "answer not made", err)
		return
	}
	reply(w, http.StatusOK, out)
}

// behind remembers of each kiosk what it has and the hub has not. It is this hub's
// own memory: after a restart it looks for another hour.
type behind struct {
	mu  sync.Mutex
	all map[string]lag
}

// lag is what a kiosk had at a time.
type lag struct {
	log string
	n   int64
	at  time.Time
}

// since gives for how long the hub has been waiting for an entry.
func (b *behind) since(kiosk string, mark wire.AuditMark, have int64, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]lag{}
	}
	l, ok := b.all[kiosk]
	if !ok || l.log != mark.Log || have >= l.n {
		l = lag{log: mark.Log, n: mark.N, at: now}
		b.all[kiosk] = l
	}
	if have >= mark.N {
		delete(b.all, kiosk)
		return 0
	}
	return now.Sub(l.at)
}

// heardOfAudit compares what a kiosk says of its audit log with what has come of it.
func (a *API) heardOfAudit(ctx context.Context, kiosk string, mark *wire.AuditMark) error {
	if mark == nil || !wire.ValidID(mark.Log) {
		return nil
	}
	l, err := a.Store.AuditLog(ctx, kiosk, mark.Log)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	have := l.N
	now := a.Now()
	if a.behind.since(kiosk, *mark, have, now) < auditPatience {
		return nil
	}
	subject := mark.Log
	if err != nil { // nothing of it is here: its ID may be any of any number
		subject = ""
	}
	return a.Store.Raise(ctx, Alarm{Kind: AlarmAuditSilent, Kiosk: kiosk, Subject: subject, Last: now,
		Text: fmt.Sprintf("the kiosk has %d entries and the hub %d: for an hour none of them has come", mark.N, have)})
}
