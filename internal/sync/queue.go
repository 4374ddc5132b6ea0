package sync

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// ErrUnproven says that an acknowledgement is not for what stands in the outbox.
var ErrUnproven = errors.New("the acknowledgement is not for this submission")

// due is a submission that may be sent now as far as order goes.
type due struct{ id, visit string }

// unblocked says that no earlier submission e keeps a submission s waiting. It is the
// one place for what may not overtake what:
//
//   - Within a visit the order of the commits is the order of sending.
//   - An application needs its person's reservation at the hub first: without it
//     the refusal is final, and the shopper is gone. Who a person is, the outbox
//     cannot read, and one that reserved while the line was down may apply in a
//     later visit. So an application waits for every older reservation, whoever
//     made it.
//   - A reservation that the hub refuses to take (quarantined) keeps back the
//     application of its own visit only: one bad row must not hold up all others.
//     Nor must one that is sealed to an earlier key, once the hub has said that it
//     does not hold that (reason is hub_refused then): it may be lost for ever. Nor
//     one that is stuck (reason is the hub's word).
//   - What this kiosk committed under another ID waits until it has that ID again,
//     and holds up nothing of another visit.
//
// Records and reservations of different visits do not wait for each other.
//
// There are two questions, because each has an index of its own: asked as one they cost
// a walk through the queue for each row of it, which a week without a line makes long.
const unblocked = `NOT EXISTS (SELECT 1 FROM submissions e
		WHERE e.visit = s.visit AND e.n < s.n
		AND (e.state = 'queued' AND e.kiosk = s.kiosk OR s.kind = 'application' AND e.kind = 'reservation'))
	AND NOT (s.kind = 'application' AND EXISTS (SELECT 1 FROM submissions e
		WHERE e.kind = 'reservation' AND e.state = 'queued' AND e.n < s.n AND e.kiosk = s.kiosk
		AND (e.reason = '' OR e.reason = 'hub_refused' AND e.key_id = s.key_id)))`

// headsQuery gives what kiosk ?1 may send; "" stands for any.
const headsQuery = `SELECT id, visit FROM submissions s WHERE state = 'queued' AND ?1 IN ('', kiosk) AND ` + unblocked + ` ORDER BY n`

// heads lists, oldest first, what kiosk may send now; "" stands for any.
func (o *Outbox) heads(ctx context.Context, kiosk string) (list []due, err error) {
	rows, err := o.db.Read().QueryContext(ctx, headsQuery, kiosk)
	if err != nil {
		return nil, storageFailed("read queue", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var d due
		if err := rows.Scan(&d.id, &d.visit); err != nil {
			return nil, storageFailed("read queue", err)
		}
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, storageFailed("read queue", err)
	}
	return list, nil
}

// errSpoilt says that a submission is not any more what was committed.
var errSpoilt = errors.New("the submission's content is not the one that was committed")

// take reads one submission for sending. Damage within a content is seen by nothing
// but its hash: the error is errSpoilt then.
func (o *Outbox) take(ctx context.Context, id string) (wire.Submission, error) {
	s := wire.Submission{ID: id}
	var hash []byte
	err := o.db.Read().QueryRowContext(ctx, "SELECT kiosk, schema, key_id, sealed, hash FROM submissions WHERE id = ?", id).
		Scan(&s.Kiosk, &s.Schema, &s.KeyID, &s.Sealed, &hash)
	if err != nil {
		return wire.Submission{}, storageFailed("read submission", err)
	}
	if !bytes.Equal(hash, s.Hash()) {
		return wire.Submission{}, fmt.Errorf("cannot read submission: %w", errSpoilt)
	}
	return s, nil
}

// Acknowledge removes the submission that ack proves to be stored at the hub.
// It is the only way out of the outbox. Doing it again does nothing.
func (o *Outbox) Acknowledge(ctx context.Context, ack wire.Ack) error {
	return o.acknowledge(ctx, []wire.Ack{ack})[0]
}

// acknowledge does so for several, in one transaction. One that proves nothing, or that
// cannot be noted, holds up none of the others.
func (o *Outbox) acknowledge(ctx context.Context, acks []wire.Ack) []error {
	errs := make([]error, len(acks))
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		clear(errs)
		for i, ack := range acks {
			err := acknowledged(ctx, tx, ack)
			if errors.Is(err, ErrUnproven) {
				errs[i] = fmt.Errorf("cannot acknowledge: %w", ErrUnproven)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil && len(acks) > 1: // it may be about one row alone
		for i := range acks {
			errs[i] = o.Acknowledge(ctx, acks[i])
		}
	case err != nil:
		errs[0] = storageFailed("acknowledge submission", err)
	}
	return errs
}

// acknowledged notes one, or gives ErrUnproven and has changed nothing.
func acknowledged(ctx context.Context, tx *sqlitedb.Tx, ack wire.Ack) error {
	if !ack.Proven() {
		return ErrUnproven
	}
	var hash []byte
	err := tx.QueryRowContext(ctx, "SELECT hash FROM submissions WHERE id = ?", ack.ID()).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // acknowledged before
	}
	if err != nil {
		return err
	}
	if !ack.HashIs(hash) {
		return ErrUnproven
	}
	detail := "accepted"
	if v := ack.Verdict(); !v.Accepted {
		detail = string(known(v.Code))
	}
	if err := appendAudit(ctx, tx, auditAcknowledged, ack.ID(), detail); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM submissions WHERE id = ?", ack.ID())
	return err
}

// known is code, or hub_refused for a newer hub's word that neither the audit log nor
// a screen here has a text for.
func known(code fault.Code) fault.Code {
	if code == "" || slices.Contains(fault.All(), code) {
		return code
	}
	return fault.HubRefused
}

// attempted counts a try that brought no acknowledgement, and notes why the submission
// holds up others no more: hub_refused, because the hub does not hold its key, or any
// other code of one that is stuck. "" leaves the reason as it is; fresh, that the hub
// had another answer this time, takes hub_refused back.
func (o *Outbox) attempted(ctx context.Context, id string, reason fault.Code, fresh bool) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE submissions SET attempts = attempts + 1, reason =
			CASE WHEN ?1 <> '' THEN ?1 WHEN ?2 AND reason = 'hub_refused' THEN '' ELSE reason END WHERE id = ?3`, string(reason), fresh, id)
		return err
	})
	if err != nil {
		return storageFailed("count attempt", err)
	}
	return nil
}

// quarantine sets a submission aside that the hub refuses for good. It stays in
// the file until a person has looked at it.
func (o *Outbox) quarantine(ctx context.Context, id string, reason fault.Code) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		if _, err := tx.ExecContext(ctx,
			"UPDATE submissions SET state = 'quarantined', reason = ?, attempts = attempts + 1 WHERE id = ?", string(reason), id); err != nil {
			return err
		}
		return appendAudit(ctx, tx, auditQuarantined, id, string(reason))
	})
	if err != nil {
		return storageFailed("quarantine submission", err)
	}
	return nil
}

// Requeue lets the courier try quarantined submissions again, after staff or the
// hub's people have removed the reason. It returns how many there were.
func (o *Outbox) Requeue(ctx context.Context) (int, error) {
	var n int64
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE submissions SET state = 'queued', reason = '' WHERE state = 'quarantined'")
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return appendAudit(ctx, tx, auditRequeued, "", fmt.Sprint(n))
	})
	if err != nil {
		return 0, storageFailed("requeue submissions", err)
	}
	return int(n), nil
}

// Waiting is a submission that the hub has not acknowledged.
type Waiting struct {
	Number      string
	Kiosk       string // whose it is: the hub takes it from no other
	Kind        wire.Kind
	Quarantined bool
	Reason      fault.Code // why it was set aside; of one that waits, why it holds up no other (hub_refused: the hub does not hold its key)
	Attempts    int
	Since       time.Time // by the kiosk's clock
}

// List gives everything that waits, oldest first.
func (o *Outbox) List(ctx context.Context) ([]Waiting, error) { return waiting(ctx, o.db.Read()) }

func waiting(ctx context.Context, r *sql.DB) (list []Waiting, err error) {
	rows, err := r.QueryContext(ctx,
		"SELECT number, kiosk, kind, state = 'quarantined', reason, attempts, created FROM submissions ORDER BY n")
	if err != nil {
		return nil, storageFailed("list submissions", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var w Waiting
		var since int64
		if err := rows.Scan(&w.Number, &w.Kiosk, &w.Kind, &w.Quarantined, &w.Reason, &w.Attempts, &since); err != nil {
			return nil, storageFailed("list submissions", err)
		}
		w.Since = time.Unix(since, 0).UTC()
		list = append(list, w)
	}
	if err := rows.Err(); err != nil {
		return nil, storageFailed("list submissions", err)
	}
	return list, nil
}

// Pending is the number of submissions that the hub has not acknowledged,
// quarantined ones among them.
func (o *Outbox) Pending(ctx context.Context) (int, error) {
	return o.count(ctx, "SELECT count(*) FROM submissions")
}

// Quarantined is the number of submissions that wait for a person.
func (o *Outbox) Quarantined(ctx context.Context) (int, error) {
	return o.count(ctx, "SELECT count(*) FROM submissions WHERE state = 'quarantined'")
}

// stranded is the number of submissions that another ID than kiosk has to send.
func (o *Outbox) stranded(ctx context.Context, kiosk string) (int, error) {
	return o.count(ctx, "SELECT count(*) FROM submissions WHERE state = 'queued' AND kiosk <> ?", kiosk)
}

func (o *Outbox) count(ctx context.Context, query string, args ...any) (int, error) {
	var n int
	if err := o.db.Read().QueryRowContext(ctx, query, args...).Scan(&n); err != nil {
		return 0, storageFailed("count submissions", err)
	}
	return n, nil
}
