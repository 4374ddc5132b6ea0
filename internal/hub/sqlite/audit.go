package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// TakeAudit appends what is new in a batch.
func (s *Store) TakeAudit(ctx context.Context, kiosk string, b wire.AuditBatch, now time.Time) (a wire.AuditAnswer, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		a, err = hub.TakeAudit(&auditTx{ctx, tx, kiosk}, kiosk, b, now)
		return err
	})
	return a, err
}

// Note appends to the hubs' own log.
func (s *Store) Note(ctx context.Context, event hub.NoteEvent, subject, detail string, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		return note(ctx, tx, event, subject, detail, now)
	})
}

// note appends to the hubs' own log in the transaction of what is noted: neither stands
// without the other.
func note(ctx context.Context, tx *sql.Tx, event hub.NoteEvent, subject, detail string, now time.Time) error {
	return hub.AppendNote(&auditTx{ctx: ctx, tx: tx}, event, subject, detail, now)
}

const auditHeads = `SELECT kiosk, log, prior, base, base_hash, n, hash, at, whole FROM audit_head`

// AuditLog gives one log.
func (s *Store) AuditLog(ctx context.Context, kiosk, log string) (hub.AuditLog, error) {
	return scanLog(s.db.Read().QueryRowContext(ctx, auditHeads+` WHERE kiosk = ? AND log = ?`, kiosk, log))
}

// auditLogs skips from one log to the next along the primary key: a DISTINCT would walk
// over every entry that there ever was.
const auditLogs = `WITH RECURSIVE l (kiosk, log) AS (
		SELECT * FROM (SELECT kiosk, log FROM audit WHERE (kiosk, log) >= (?1, '') ORDER BY kiosk, log LIMIT 1)
		UNION ALL SELECT
			(SELECT a.kiosk FROM audit a WHERE (a.kiosk, a.log) > (+l.kiosk, +l.log) ORDER BY a.kiosk, a.log LIMIT 1),
			(SELECT a.log FROM audit a WHERE (a.kiosk, a.log) > (+l.kiosk, +l.log) ORDER BY a.kiosk, a.log LIMIT 1)
			FROM l WHERE l.kiosk IS NOT NULL AND (?1 = '' OR l.kiosk = ?1))
	SELECT * FROM (` + auditHeads + ` UNION ALL SELECT kiosk, log, NULL, 0, x'', 0, x'', 0, NULL FROM l
		WHERE kiosk IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_head h WHERE h.kiosk = l.kiosk AND h.log = l.log))
	WHERE ?1 = '' OR kiosk = ?1 ORDER BY kiosk, at, log`

// AuditLogs lists every log.
func (s *Store) AuditLogs(ctx context.Context, kiosk string) (list []hub.AuditLog, err error) {
	rows, err := s.db.Read().QueryContext(ctx, auditLogs, kiosk)
	if err != nil {
		return nil, wrap("list audit logs", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		l, err := scanLog(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, wrap("list audit logs", rows.Err())
}

func scanLog(row scanner) (hub.AuditLog, error) {
	var l hub.AuditLog
	var prior sql.NullString
	var at int64
	var whole sql.NullInt64
	if err := row.Scan(&l.Kiosk, &l.Log, &prior, &l.Base, &l.BaseHash, &l.N, &l.Hash, &at, &whole); err != nil {
		return hub.AuditLog{}, wrap("read audit log", err)
	}
	l.Prior, l.Headless = prior.String, !prior.Valid
	if !l.Headless {
		l.At = time.UnixMilli(at).UTC()
	}
	if whole.Valid {
		l.Whole = time.UnixMilli(whole.Int64).UTC()
	}
	return l, nil
}

// AuditEntries gives entries after number n.
func (s *Store) AuditEntries(ctx context.Context, kiosk, log string, n int64, limit int) (list []hub.AuditEntry, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT n, at, event, subject, detail, hash, received_at FROM audit
		WHERE kiosk = ? AND log = ? AND n > ? ORDER BY n LIMIT ?`, kiosk, log, n, limit)
	if err != nil {
		return nil, wrap("read audit log", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e hub.AuditEntry
		var received int64
		if err := rows.Scan(&e.N, &e.At, &e.Event, &e.Subject, &e.Detail, &e.Hash, &received); err != nil {
			return nil, wrap("read audit log", err)
		}
		e.ReceivedAt = time.UnixMilli(received).UTC()
		list = append(list, e)
	}
	return list, wrap("read audit log", rows.Err())
}

// AuditEvidence lists what was not taken.
func (s *Store) AuditEvidence(ctx context.Context, kiosk string) (list []hub.AuditEvidence, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT kiosk, log, verdict, batch, at FROM audit_evidence
		WHERE ?1 = '' OR kiosk = ?1 ORDER BY n`, kiosk)
	if err != nil {
		return nil, wrap("read evidence", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e hub.AuditEvidence
		var at int64
		if err := rows.Scan(&e.Kiosk, &e.Log, &e.Verdict, &e.Batch, &at); err != nil {
			return nil, wrap("read evidence", err)
		}
		e.At = time.UnixMilli(at).UTC()
		list = append(list, e)
	}
	return list, wrap("read evidence", rows.Err())
}

// SubmissionMarks gives submissions of a kiosk as they were stored.
func (s *Store) SubmissionMarks(ctx context.Context, kiosk string, n int64, limit int) (list []hub.SubmissionMark, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT n, id, hash, stored_at FROM submission
		WHERE kiosk = ? AND n > ? ORDER BY n LIMIT ?`, kiosk, n, limit)
	if err != nil {
		return nil, wrap("read submissions", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m hub.SubmissionMark
		var stored int64
		if err := rows.Scan(&m.N, &m.ID, &m.Hash, &stored); err != nil {
			return nil, wrap("read submissions", err)
		}
		m.StoredAt = time.UnixMilli(stored).UTC()
		list = append(list, m)
	}
	return list, wrap("read submissions", rows.Err())
}

// SubmittingKiosks lists all that have submissions.
func (s *Store) SubmittingKiosks(ctx context.Context) (list []string, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT DISTINCT kiosk FROM submission ORDER BY kiosk`)
	if err != nil {
		return nil, wrap("list kiosks", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, wrap("list kiosks", err)
		}
		list = append(list, id)
	}
	return list, wrap("list kiosks", rows.Err())
}

// auditTx is a transaction as hub.TakeAudit needs it. There is one writer: nothing
// needs a lock.
type auditTx struct {
	ctx   context.Context
	tx    *sql.Tx
	kiosk string
}

// Log gives a log of this kiosk.
func (a *auditTx) Log(log string) (hub.AuditLog, error) {
	return scanLog(a.tx.QueryRowContext(a.ctx, auditHeads+` WHERE kiosk = ? AND log = ?`, a.kiosk, log))
}

// Others counts the logs of this kiosk beside this one.
func (a *auditTx) Others(log string) (n int, err error) {
	err = a.tx.QueryRowContext(a.ctx, `SELECT count(*) FROM audit_head WHERE kiosk = ? AND log <> ?`, a.kiosk, log).Scan(&n)
	return n, wrap("count audit logs", err)
}

// Hashes gives those of a range of entries.
func (a *auditTx) Hashes(log string, from, to int64) (all map[int64][]byte, err error) {
	rows, err := a.tx.QueryContext(a.ctx, `SELECT n, hash FROM audit WHERE kiosk = ? AND log = ? AND n BETWEEN ? AND ?`, a.kiosk, log, from, to)
	if err != nil {
		return nil, wrap("read audit log", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = map[int64][]byte{}
	for rows.Next() {
		var n int64
		var hash []byte
		if err := rows.Scan(&n, &hash); err != nil {
			return nil, wrap("read audit log", err)
		}
		all[n] = hash
	}
	return all, wrap("read audit log", rows.Err())
}

// Anywhere looks for an entry of a log, whoever's it is.
func (a *auditTx) Anywhere(log string, n int64, hash []byte) (found bool, err error) {
	err = a.tx.QueryRowContext(a.ctx, `SELECT EXISTS (SELECT 1 FROM audit_head h LEFT JOIN audit e
		ON e.kiosk = h.kiosk AND e.log = h.log AND e.n = ?2
		WHERE h.log = ?1 AND (e.hash = ?3 OR (h.base = ?2 AND h.base_hash = ?3)))`, log, n, hash).Scan(&found)
	return found, wrap("read audit log", err)
}

// Append stores entries and where the log stands now.
func (a *auditTx) Append(l hub.AuditLog, entries []wire.AuditEntry, now time.Time) error {
	for _, e := range entries {
		if _, err := a.tx.ExecContext(a.ctx, `INSERT INTO audit (kiosk, log, n, at, event, subject, detail, hash, received_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			a.kiosk, l.Log, e.N, e.At, e.Event, e.Subject, e.Detail, e.Hash, now.UnixMilli()); err != nil {
			return wrap("store audit log", err)
		}
	}
	whole := sql.NullInt64{Int64: l.Whole.UnixMilli(), Valid: !l.Whole.IsZero()}
	_, err := a.tx.ExecContext(a.ctx, `INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET n = excluded.n, hash = excluded.hash, at = excluded.at, whole = excluded.whole`,
		a.kiosk, l.Log, l.Prior, l.Base, l.BaseHash, l.N, l.Hash, l.At.UnixMilli(), whole)
	return wrap("store audit log", err)
}

// Keep keeps evidence.
func (a *auditTx) Keep(e hub.AuditEvidence, most, mostAll int) error {
	hash := sha256.Sum256(e.Batch)
	_, err := a.tx.ExecContext(a.ctx, `INSERT INTO audit_evidence (kiosk, log, verdict, batch, hash, at)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT count(*) FROM audit_evidence WHERE kiosk = ?1 AND log = ?2) < ?7
			AND (SELECT count(*) FROM audit_evidence WHERE kiosk = ?1) < ?8
		ON CONFLICT DO NOTHING`, e.Kiosk, e.Log, string(e.Verdict), e.Batch, hash[:], e.At.UnixMilli(), most, mostAll)
	return wrap("keep evidence", err)
}

// Raise raises an alarm in clear: audit logs hold nothing personal, and the vault is
// not at hand within a transaction.
func (a *auditTx) Raise(al hub.Alarm) error {
	at := al.Last.UnixMilli()
	_, err := a.tx.ExecContext(a.ctx, `INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES (?, ?, ?, ?, ?, ?, 1)
		ON CONFLICT DO UPDATE SET text = excluded.text, last = excluded.last, times = times + 1, private = NULL, vault_key = NULL`,
		string(al.Kind), al.Kiosk, al.Subject, al.Text, at, at)
	return wrap("raise alarm", err)
}
