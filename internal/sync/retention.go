package sync

import (
	"context"
	"time"

	"kioskd/internal/sqlitedb"
)

// keepSlips is how long it can be looked up what became of a slip.
const keepSlips = 30 * 24 * time.Hour

// Retain forgets the slips of visits that are over and whose submissions the hub has
// had for longer than keep, and then the visits that have no slips left. It returns
// how many slips there were. The audit log is not touched: it tells that the hub
// has them, longer than their slips are kept.
//
// Their age is by the kiosk's clock. One that is wrong makes this too early or too
// late; that loses nothing, because what is forgotten is nobody's business any more.
func (o *Outbox) Retain(ctx context.Context, keep time.Duration) (int, error) {
	before := time.Now().Add(-keep).Unix()
	var n int64
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM slips
			WHERE EXISTS (SELECT 1 FROM visits v WHERE v.id = slips.visit AND v.ended = 1)
			AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.visit = slips.visit)
			AND NOT EXISTS (SELECT 1 FROM slips y WHERE y.visit = slips.visit AND NOT EXISTS
				(SELECT 1 FROM audit a WHERE a.event = 'acknowledged' AND a.subject = y.submission AND a.at < ?))`, before)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM visits WHERE ended = 1 AND NOT EXISTS (SELECT 1 FROM slips s WHERE s.visit = visits.id)")
		return err
	})
	if err != nil {
		return 0, storageFailed("forget old slips", err)
	}
	return int(n), nil
}
