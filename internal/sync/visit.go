package sync

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// SlipState is where a slip job stands.
type SlipState string

// The states. A job that was sending when the daemon died is unknown, one that was
// queued is expired: its slip is never printed later on its own.
const (
	SlipQueued      SlipState = "queued"
	SlipSending     SlipState = "sending"
	SlipPrinted     SlipState = "printed"
	SlipUnconfirmed SlipState = "unconfirmed"
	SlipFailed      SlipState = "failed"
	SlipUnknown     SlipState = "unknown"
	SlipExpired     SlipState = "expired" // nothing was sent before its time was over

	slipNone SlipState = "none"
)

// Found is a submission whose visit was cut short. Nothing in it is personal.
type Found struct {
	Visit  string // its name in the outbox
	Kind   wire.Kind
	Number string
	Lang   string // in which language its shopper read; "" for not known
}

// SlipSending notes that bytes of the slip are about to reach the printer. After an
// end that is a reprint, which is counted.
func (o *Outbox) SlipSending(ctx context.Context, submission string) error {
	return o.slip(ctx, submission, SlipSending)
}

// SlipEnded notes what became of the slip.
func (o *Outbox) SlipEnded(ctx context.Context, submission string, end SlipState) error {
	switch end {
	case SlipPrinted, SlipUnconfirmed, SlipFailed, SlipUnknown, SlipExpired:
		return o.slip(ctx, submission, end)
	case SlipQueued, SlipSending, slipNone:
	}
	return fmt.Errorf("cannot note slip: %q is not an end", end)
}

func (o *Outbox) slip(ctx context.Context, submission string, to SlipState) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		// A slip that is begun once more is a reprint, whatever became of the one before.
		res, err := tx.ExecContext(ctx, `UPDATE slips SET state = ?1,
			reprints = reprints + (?1 = 'sending' AND state NOT IN ('queued', 'sending')) WHERE submission = ?2`, string(to), submission)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, sql.ErrNoRows)
		}
		return appendAudit(ctx, tx, auditSlip, submission, string(to))
	})
	if err != nil {
		return storageFailed("note slip", err)
	}
	return nil
}

// EndVisit notes that the visit's end was shown. A visit that committed nothing
// leaves no trace.
func (o *Outbox) EndVisit(ctx context.Context, visit string) error {
	id := o.visitID(visit)
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE visits SET ended = 1 WHERE id = ? AND ended = 0", id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return appendAudit(ctx, tx, auditVisitEnded, id, "")
	})
	if err != nil {
		return storageFailed("end visit", err)
	}
	return nil
}

// Unended returns the submissions of visits that an earlier run did not live to
// end, and of the wiped visits of this run, also where the hub has them already.
// They are returned again until Told.
func (o *Outbox) Unended(ctx context.Context, wiped ...string) ([]Found, error) {
	ids := make([]string, len(wiped))
	for i, v := range wiped {
		ids[i] = o.visitID(v)
	}
	names, err := json.Marshal(ids)
	if err != nil {
		return nil, storageFailed("look for interrupted visits", err)
	}
	rows, err := o.db.Read().QueryContext(ctx, `SELECT v.id, s.kind, s.number, v.lang FROM slips s JOIN visits v ON v.id = s.visit
		WHERE v.ended = 0 AND (v.run <> ? OR v.id IN (SELECT value FROM json_each(?))) ORDER BY s.rowid`, o.run, string(names))
	if err != nil {
		return nil, storageFailed("look for interrupted visits", err)
	}
	found, err := scanFound(rows)
	if err != nil {
		return nil, storageFailed("look for interrupted visits", err)
	}
	return found, nil
}

func scanFound(rows *sql.Rows) (found []Found, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var f Found
		if err := rows.Scan(&f.Visit, &f.Kind, &f.Number, &f.Lang); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

// Told notes that a screen has shown what Unended found: its visits have ended.
func (o *Outbox) Told(ctx context.Context, found []Found) error {
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.Visit
	}
	names, err := json.Marshal(ids)
	if err != nil {
		return storageFailed("end interrupted visits", err)
	}
	err = o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE visits SET ended = 1 WHERE ended = 0 AND id IN (SELECT value FROM json_each(?))", string(names))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return appendAudit(ctx, tx, auditFound, o.run, fmt.Sprint(len(found)))
	})
	if err != nil {
		return storageFailed("end interrupted visits", err)
	}
	return nil
}
