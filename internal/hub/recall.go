package hub

import (
	"context"
	"sync"
	"time"
)

const (
	// recallFor is how old a kiosk's row may be by which it is let in: a kiosk that
	// empties its queue asks for it hundreds of times. What is changed takes effect so
	// much later; a revocation has a minute.
	recallFor = time.Second
	// recallMost bounds the rows that are held; then all are forgotten.
	recallMost = 4096
)

// recalled are rows of kiosks that were read just now, and let them in: one that is
// refused comes seldom, and may be let in at any moment.
type recalled struct {
	mu  sync.Mutex
	all map[string]recalledRow
}

type recalledRow struct {
	kiosk Kiosk
	read  time.Time
}

// recall gives a kiosk's row, at most recallFor old.
func (a *API) recall(ctx context.Context, id string) (Kiosk, error) {
	now := a.Now()
	if k, ok := a.rows.get(id, now); ok {
		return k, nil
	}
	k, err := a.Store.Kiosk(ctx, id)
	if err == nil && !k.Revoked() {
		a.rows.put(k, now) // as of before the reading
	}
	return k, err
}

// forget is for what this hub itself has changed.
func (r *recalled) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, id)
}

func (r *recalled) get(id string, now time.Time) (Kiosk, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, ok := r.all[id]
	age := now.Sub(row.read)
	return row.kiosk, ok && age >= 0 && age < recallFor
}

func (r *recalled) put(k Kiosk, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil || len(r.all) >= recallMost {
		r.all = map[string]recalledRow{}
	}
	r.all[k.ID] = recalledRow{kiosk: k, read: now}
}
