package sync

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb"
)

// Nothing is forgotten by the kiosk's clock, which somebody may set by a year. Days are
// counted instead: another one when the hub's clock shows a day more than at the last. It
// is one day however far that clock has moved, and to whichever side, so that a hub whose
// clock is wrong ages what is here by a day or two, and not by a year. How old a row of the
// audit log is follows from how far the log had come when each day began.
//
// A kiosk that has not heard from its hub since it was started counts none and forgets
// nothing. Without a line it has little to forget either: only what the hub has may go.

// How many days it is kept what became of a slip; and rows that the hub has, which tell of
// what can be looked up there.
const (
	keepSlips = 30
	keepAudit = 400
)

const (
	day         = 24 * time.Hour
	retainEvery = time.Hour
)

// retention is the forgetting that Watch does.
type retention struct {
	hub  func() (time.Time, bool)
	more bool // to forget, than one time takes
}

// look forgets what has become old, when a day is over. It says when to look again.
func (r *retention) look(ctx context.Context, o *Outbox) time.Duration {
	now, known := r.hub()
	if !known {
		return lookEvery
	}
	over, err := o.countDay(ctx, now)
	if err != nil && ctx.Err() == nil {
		o.log.WarnContext(ctx, "day not counted", "code", string(fault.CodeOf(err)), "err", err)
	}
	if !over && !r.more {
		return retainEvery
	}
	if n, err := o.Retain(ctx, keepSlips); err != nil && ctx.Err() == nil {
		o.log.WarnContext(ctx, "old slips not removed", "code", string(fault.CodeOf(err)), "err", err)
	} else if n > 0 {
		o.log.InfoContext(ctx, "old slips removed", "count", n)
	}
	n, err := o.RetainAudit(ctx, keepAudit)
	if err != nil && ctx.Err() == nil {
		o.log.WarnContext(ctx, "old audit rows not removed", "code", string(fault.CodeOf(err)), "err", err)
	} else if n > 0 {
		o.log.InfoContext(ctx, "old audit rows removed", "count", n)
	}
	if r.more = n >= mostForgotten; r.more { // a busy day brings more than one time takes
		return lookEvery
	}
	return day - retainEvery // whatever the hub's clock does until then
}

// countDay begins another day when one is over by the hub's clock, which shows now.
func (o *Outbox) countDay(ctx context.Context, now time.Time) (over bool, err error) {
	var last, at int64
	err = o.db.Read().QueryRowContext(ctx, "SELECT day, at FROM days ORDER BY day DESC LIMIT 1").Scan(&last, &at)
	if err == nil && now.Sub(time.Unix(at, 0)).Abs() < day {
		return false, nil
	}
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		err = o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO days (day, at, n) SELECT ?, ?, coalesce(max(n), 0) FROM audit", last+1, now.Unix())
			if err == nil {
				_, err = tx.ExecContext(ctx, "DELETE FROM days WHERE day < ?", last+1-keepAudit)
			}
			return err
		})
	}
	if err != nil {
		return false, storageFailed("count the days", err)
	}
	return true, nil
}

// oldest gives the number up to which rows of the audit log have been here for so many
// days, with the parameter ?1. It is NULL while none has.
const oldest = "(SELECT n FROM days ORDER BY day DESC LIMIT 1 OFFSET ?1)"

// Retain forgets the slips of visits that are over and whose submissions the hub has
// had for so many days, and then the visits that have no slips left. It returns
// how many slips there were. The audit log is not touched: it tells that the hub
// has them, longer than their slips are kept.
//
// Its days are those that [Outbox.Watch] has counted, by the hub's clock. Before there are
// so many nothing goes.
func (o *Outbox) Retain(ctx context.Context, days int) (int, error) {
	var n int64
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM slips
			WHERE EXISTS (SELECT 1 FROM visits v WHERE v.id = slips.visit AND v.ended = 1)
			AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.visit = slips.visit)
			AND NOT EXISTS (SELECT 1 FROM slips y WHERE y.visit = slips.visit AND NOT EXISTS
				(SELECT 1 FROM audit a WHERE a.event = 'acknowledged' AND a.subject = y.submission AND a.n <= `+oldest+`))`, days)
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
