package sync

import (
	"context"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb"
)

const (
	// restsEvery is how long nothing must have been written, at most twice of it, for
	// the outbox to count as idle.
	restsEvery = time.Minute
	checkEvery = 24 * time.Hour
)

// rest is what is done while nobody writes: the WAL is folded into the file, so that a
// power cut has little to lose and a start little to do; and once a day the file is read
// through, because damage that nobody looks for is found when it is too late. Start
// does so too, but a kiosk may run for months.
type rest struct {
	writes  int64     // at the look before
	folded  int64     // writes that are in the file itself
	checked time.Time // by the ticks, which are monotonic; zero before the first
}

// look is called each restsEvery.
func (r *rest) look(ctx context.Context, o *Outbox, now time.Time) {
	if r.checked.IsZero() {
		r.checked = now // the start has just looked through the file
	}
	writes := o.writes.Load()
	idle := writes == r.writes
	r.writes = writes
	if !idle {
		return
	}
	if r.folded != writes {
		switch done, err := o.db.Checkpoint(ctx); {
		case err != nil && ctx.Err() == nil:
			o.log.WarnContext(ctx, "log not folded into the outbox", "code", string(fault.CodeOf(storageFailed("fold log", err))), "err", err)
		case done:
			r.folded = writes
		}
	}
	if now.Sub(r.checked) >= checkEvery {
		r.checked = now
		o.examine(ctx)
	}
}

// examine reads the file through, beside whoever writes.
func (o *Outbox) examine(ctx context.Context) {
	err := o.db.Verify(ctx)
	switch {
	case ctx.Err() != nil:
	case err == nil:
		o.log.InfoContext(ctx, "outbox examined")
	case errors.Is(err, sqlitedb.ErrDamaged):
		o.unsound.Store(true)
		o.log.ErrorContext(ctx, "outbox is damaged, the next start saves what can be read", "err", err, "alarm", true)
	default:
		o.log.WarnContext(ctx, "outbox not examined", "err", err)
	}
}

// tend keeps house until ctx ends.
func (o *Outbox) tend(ctx context.Context) {
	tick := time.NewTicker(restsEvery)
	defer tick.Stop()
	var r rest
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			r.look(ctx, o, now)
		}
	}
}
