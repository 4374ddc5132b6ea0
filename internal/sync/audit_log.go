package sync

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// The file has one log at a time, which the hub knows by a random ID. A file that was
// made anew, or goes on under another identity, goes on with another log, so that the
// hub never sees two histories under one ID but where somebody has made two of one.

// mostForgotten bounds one transaction that forgets.
const mostForgotten = 5000

// beginLog gives the file its first log, or another one: its rows from first on. The
// log's first own row names it, and the one before it.
func beginLog(ctx context.Context, tx *sqlitedb.Tx, kiosk, prior string, first int64) error {
	id := wire.NewSubmissionID()
	res, err := tx.ExecContext(ctx, "UPDATE audit_log SET log = ?, prior = ?, kiosk = ?, first = ?, confirmed = ?", id, prior, kiosk, first, first-1)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		_, err = tx.ExecContext(ctx, `INSERT INTO audit_log (log, prior, kiosk, first, confirmed, anchor, anchor_hash)
			VALUES (?, ?, ?, ?, ?, 0, ?)`, id, prior, kiosk, first, first-1, wire.AuditStart())
	}
	if err != nil {
		return err
	}
	return appendAudit(ctx, tx, auditBegun, id, prior)
}

// settleLog sees to it that the file has a log. One that was made of what could be
// saved goes on from what the hub is known to have: what it has beyond that, and the
// file has lost, stays there in the log of before.
func settleLog(ctx context.Context, tx *sqlitedb.Tx) error {
	l, err := readLog(ctx, tx)
	if err != nil || l.id != "" {
		return err
	}
	return beginLog(ctx, tx, l.kiosk, l.prior, l.first)
}

// BeginLog makes the file go on with a log that is known to continue none: for an
// operator who knows why the hub does not take the old one.
func (o *Outbox) BeginLog(ctx context.Context) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		l, err := readLog(ctx, tx)
		if err != nil {
			return err
		}
		return beginLog(ctx, tx, l.kiosk, "", l.anchor+1)
	})
	if err != nil {
		return storageFailed("begin an audit log", err)
	}
	return nil
}

// AuditMark is how far the log has come, for the sign of life.
func (o *Outbox) AuditMark(ctx context.Context) (wire.AuditMark, error) {
	l, err := readLog(ctx, o.db.Read())
	if err != nil {
		return wire.AuditMark{}, storageFailed("read audit log", err)
	}
	return wire.AuditMark{Log: l.id, N: l.newest, Sent: max(0, l.confirmed)}, nil
}

// auditFor makes the log that of kiosk. What an earlier identity has not sent any
// more is sent as the beginning of the new one's.
func (o *Outbox) auditFor(ctx context.Context, kiosk string) error {
	l, err := readLog(ctx, o.db.Read())
	if err == nil && l.kiosk == kiosk {
		return nil
	}
	if err == nil {
		err = o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
			l, err := readLog(ctx, tx)
			switch {
			case err != nil:
				return err
			case l.id == "" || l.kiosk == "":
				_, err := tx.ExecContext(ctx, "UPDATE audit_log SET kiosk = ?", kiosk)
				return err
			case l.kiosk != kiosk:
				return beginLog(ctx, tx, kiosk, l.id, l.confirmed+1)
			}
			return nil
		})
	}
	if err != nil {
		return storageFailed("read audit log", err)
	}
	return nil
}

// auditBatch gives what the hub has not confirmed yet, and comes behind entry after, as
// far as one batch holds. ok is false when there is nothing.
func (o *Outbox) auditBatch(ctx context.Context, after int64) (b wire.AuditBatch, ok bool, err error) {
	q := o.db.Read()
	l, err := readLog(ctx, q)
	if err != nil {
		return b, false, storageFailed("read audit log", err)
	}
	from := max(l.confirmed, l.first-1, l.anchor, after)
	if l.id == "" || l.newest <= from {
		return b, false, nil
	}
	b = wire.AuditBatch{Log: l.id, Prior: l.prior, Head: l.newest}
	if b.Prev, err = l.hashAt(ctx, q, from); err == nil {
		b.Entries, err = auditRows(ctx, q, from, wire.MaxAudit)
	}
	if err != nil {
		return b, false, storageFailed("read audit log", err)
	}
	if len(b.Entries) == 0 || b.Prev == nil {
		return b, false, nil // the log has gone on meanwhile, or was spoilt: verify tells
	}
	b.Head = max(b.Head, b.Entries[len(b.Entries)-1].N) // what was written since it was looked at
	return b, true, nil
}

// errOtherAudit says that the hub's log is not this one, although it says so.
var errOtherAudit = errors.New("the hub has another entry in the audit log than this kiosk")

// auditAnswered notes how far the hub has the log. What the hub has lost it gets again:
// again says that the file still has it. The error is errOtherAudit when the hub's last
// entry is not this file's.
func (o *Outbox) auditAnswered(ctx context.Context, log string, a wire.AuditAnswer) (again bool, err error) {
	err = o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		l, err := readLog(ctx, tx)
		if err != nil || l.id != log {
			return err
		}
		n := max(a.N, l.first-1)
		again = a.N >= max(l.first-1, l.anchor)
		if a.N >= l.first {
			hash, err := l.hashAt(ctx, tx, a.N)
			if err != nil {
				return err
			}
			// Of what was forgotten nothing can be said any more.
			if a.N >= l.anchor && !bytes.Equal(hash, a.Hash) {
				return errOtherAudit
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE audit_log SET confirmed = ?", n)
		return err
	})
	if errors.Is(err, errOtherAudit) {
		return false, fmt.Errorf("cannot go on with the audit log: %w", errOtherAudit)
	}
	if err != nil {
		return false, storageFailed("note what the hub has", err)
	}
	return again, nil
}

// auditDisputed notes that the hub does not take the log, once for each reason.
func (o *Outbox) auditDisputed(ctx context.Context, log string, v wire.AuditVerdict) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		var have int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM audit WHERE event = ? AND subject = ? AND detail = ?",
			string(auditDisputed), log, string(v)).Scan(&have)
		if err != nil || have > 0 {
			return err
		}
		return appendAudit(ctx, tx, auditDisputed, log, string(v))
	})
	if err != nil {
		return storageFailed("note for the audit log", err)
	}
	return nil
}

// RetainAudit forgets the oldest rows that have been here for so many days, as far as the
// hub has them. What is left still hangs together with them: the hash of the last one
// stays. It returns how many there were.
//
// Rows that prove that the hub has a submission stay for as long as its slip does. Days
// are those of [Outbox.Retain].
func (o *Outbox) RetainAudit(ctx context.Context, days int) (int64, error) {
	var n int64
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		n = 0
		l, err := readLog(ctx, tx)
		if err != nil || l.id == "" {
			return err
		}
		var old, needed sql.NullInt64
		if err := tx.QueryRowContext(ctx, "SELECT "+oldest+`, (SELECT min(a.n) FROM slips s
			JOIN audit a ON a.event = 'acknowledged' AND a.subject = s.submission WHERE a.n <= `+oldest+")", days).Scan(&old, &needed); err != nil {
			return err
		}
		until := min(l.confirmed, l.newest-1, l.anchor+mostForgotten, old.Int64)
		if needed.Valid {
			until = min(until, needed.Int64-1)
		}
		if !old.Valid || until <= l.anchor {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE audit_log SET anchor = ?1, anchor_hash = (SELECT hash FROM audit WHERE n = ?1)`, until); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, "DELETE FROM audit WHERE n <= ?", until)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil {
			return err
		}
		return appendAudit(ctx, tx, auditForgotten, "", fmt.Sprint(n))
	})
	if err != nil {
		return 0, storageFailed("forget old audit rows", err)
	}
	return n, nil
}
