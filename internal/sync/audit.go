package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

// ErrAudit says that the audit log was changed behind the program's back.
var ErrAudit = wire.ErrAudit

// errNotAudit says that something was to be noted that has no place in the log.
var errNotAudit = errors.New("the audit log has no such event, or not with this subject or detail")

// querier is a transaction, or the pool that only reads.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Note writes into the audit log what others than the outbox have seen or done. Subject
// is a submission's ID, the kiosk's name of a visit, or "". What does not fit the
// event's rule is refused: nothing personal gets in. It shares its transaction with
// whoever writes at the moment. Errors are those of Commit.
func (o *Outbox) Note(ctx context.Context, event AuditEvent, subject, detail string) error {
	const op = "note for the audit log"
	if r, ok := ruleOf(event); !ok || !r.noted {
		return storageFailed(op, errNotAudit)
	}
	if isVisitName(subject) {
		subject = o.visitID(subject)
	}
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error { return appendAudit(ctx, tx, event, subject, detail) })
	if err != nil {
		return storageFailed(op, err)
	}
	return nil
}

// NoteConfig notes the hash of the configuration, unless it is the one of before.
func (o *Outbox) NoteConfig(ctx context.Context, digest [sha256.Size]byte) error {
	return o.noteChange(ctx, AuditConfig, fmt.Sprintf("%x", digest))
}

// NoteIdentity notes as which kiosk this machine is enrolled, unless it was that kiosk
// before. An ID that does not have the form of one is noted without its text.
func (o *Outbox) NoteIdentity(ctx context.Context, kiosk string) error {
	if !wire.AuditKiosk(kiosk) {
		kiosk = ""
	}
	return o.noteChange(ctx, AuditEnrolled, kiosk)
}

// NoteHubKeys notes the hash, in hexadecimal, of the keys by which this kiosk seals and believes, unless they
// are those of before: however they came to be others, the log tells.
func (o *Outbox) NoteHubKeys(ctx context.Context, digest string) error {
	return o.noteChange(ctx, AuditHubKeys, digest)
}

// noteChange notes an event whose detail is not the one of before.
func (o *Outbox) noteChange(ctx context.Context, event AuditEvent, now string) error {
	err := o.write(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		var last string
		err := tx.QueryRowContext(ctx, "SELECT detail FROM audit WHERE event = ? ORDER BY n DESC LIMIT 1", string(event)).Scan(&last)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case last == now:
			return nil
		}
		return appendAudit(ctx, tx, event, "", now)
	})
	if err != nil {
		return storageFailed("note for the audit log", err)
	}
	return nil
}

// appendAudit adds one row within tx, bound to the row before it.
func appendAudit(ctx context.Context, tx *sqlitedb.Tx, event AuditEvent, subject, detail string) error {
	if r, ok := ruleOf(event); !ok || !r.subject(subject) || !r.detail(detail) {
		return errNotAudit // without the texts: they may be anything
	}
	var n int64
	prev := wire.AuditStart()
	err := tx.QueryRowContext(ctx, "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").Scan(&n, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("cannot read audit log: %w", err)
	}
	e := wire.AuditEntry{N: n + 1, At: time.Now().Unix(), Event: string(event), Subject: subject, Detail: detail}
	if _, err := tx.ExecContext(ctx,
		"INSERT INTO audit (n, at, event, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
		e.N, e.At, e.Event, e.Subject, e.Detail, e.Sum(prev)); err != nil {
		return fmt.Errorf("cannot write audit log: %w", err)
	}
	return nil
}

// auditLog is what the file knows of its log beside the rows.
type auditLog struct {
	id, prior, kiosk string // the ID is "" until the first start with this file
	first, confirmed int64
	anchor           int64
	anchorHash       []byte // zeros, while nothing was forgotten: what the first row follows
	newest           int64
}

// readLog reads it.
func readLog(ctx context.Context, q querier) (l auditLog, err error) {
	err = q.QueryRowContext(ctx, "SELECT log, prior, kiosk, first, confirmed, anchor, anchor_hash FROM audit_log").
		Scan(&l.id, &l.prior, &l.kiosk, &l.first, &l.confirmed, &l.anchor, &l.anchorHash)
	if errors.Is(err, sql.ErrNoRows) {
		l, err = auditLog{first: 1, anchorHash: wire.AuditStart()}, nil
	}
	if err != nil {
		return l, fmt.Errorf("cannot read audit log: %w", err)
	}
	if err := q.QueryRowContext(ctx, "SELECT coalesce(max(n), ?) FROM audit", l.anchor).Scan(&l.newest); err != nil {
		return l, fmt.Errorf("cannot read audit log: %w", err)
	}
	return l, nil
}

// hashAt gives the hash of row n, which may be the anchor, or nil when it is not there.
func (l auditLog) hashAt(ctx context.Context, q querier, n int64) ([]byte, error) {
	if n == l.anchor {
		return l.anchorHash, nil
	}
	var hash []byte
	err := q.QueryRowContext(ctx, "SELECT hash FROM audit WHERE n = ?", n).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return hash, err
}

// auditRows reads up to limit rows that come after row n.
func auditRows(ctx context.Context, q querier, n int64, limit int) (list []wire.AuditEntry, err error) {
	rows, err := q.QueryContext(ctx, "SELECT n, at, event, subject, detail, hash FROM audit WHERE n > ? ORDER BY n LIMIT ?", n, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read audit log: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e wire.AuditEntry
		if err := rows.Scan(&e.N, &e.At, &e.Event, &e.Subject, &e.Detail, &e.Hash); err != nil {
			return nil, fmt.Errorf("cannot read audit log: %w", err)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// VerifyAudit walks the whole log and returns its length, with what was forgotten, and
// its last hash. Changed, missing and reordered rows are found; rows cut off the end
// are found by comparing length and last hash with what was noted elsewhere before: the
// hub notes them.
func (o *Outbox) VerifyAudit(ctx context.Context) (length int64, head []byte, err error) {
	return verifyMoment(ctx, o.db.Read())
}

// verifyMoment verifies the log as it is at one moment: a daemon may be writing.
func verifyMoment(ctx context.Context, r *sql.DB) (length int64, head []byte, err error) {
	conn, err := r.Conn(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("cannot read audit log: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return 0, nil, fmt.Errorf("cannot read audit log: %w", err)
	}
	defer func() {
		_, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, end)
	}()
	return verifyAudit(ctx, conn)
}

func verifyAudit(ctx context.Context, q querier) (length int64, head []byte, err error) {
	l, err := readLog(ctx, q)
	if err != nil {
		return 0, nil, err
	}
	below, err := auditRows(ctx, q, math.MinInt64, 1)
	switch {
	case err != nil:
		return 0, nil, err
	case len(below) > 0 && below[0].N <= l.anchor:
		return 0, nil, fmt.Errorf("%w: entry %d was forgotten, and is there", ErrAudit, below[0].N)
	case l.anchor == 0 && !bytes.Equal(l.anchorHash, wire.AuditStart()):
		return 0, nil, fmt.Errorf("%w: what it begins with was changed", ErrAudit)
	}
	n, prev := l.anchor, l.anchorHash
	for {
		list, err := auditRows(ctx, q, n, 1000)
		if err != nil {
			return 0, nil, err
		}
		if err := wire.CheckAudit(n, prev, list); err != nil {
			return 0, nil, err
		}
		if len(list) == 0 {
			break
		}
		last := list[len(list)-1]
		n, prev = last.N, last.Hash
	}
	if n < l.confirmed || n+1 < l.first {
		return 0, nil, fmt.Errorf("%w: it ends at %d, and the hub has seen more", ErrAudit, n)
	}
	return n, prev, nil
}
