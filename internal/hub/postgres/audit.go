package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// TakeAudit appends what is new in a batch.
func (s *Store) TakeAudit(ctx context.Context, kiosk string, b wire.AuditBatch, now time.Time) (answer wire.AuditAnswer, err error) {
	err = s.write(ctx, "store audit log", func(tx pgx.Tx) error {
		a := &auditTx{ctx, tx, clean(kiosk)}
		if err := a.lock(); err != nil {
			return err
		}
		answer, err = hub.TakeAudit(a, kiosk, b, ms(now))
		return err
	})
	return answer, err
}

// Note appends to the hubs' own log.
func (s *Store) Note(ctx context.Context, event hub.NoteEvent, subject, detail string, now time.Time) error {
	return s.write(ctx, "note in the audit log", func(tx pgx.Tx) error {
		return note(ctx, tx, event, subject, detail, now)
	})
}

// note appends to the hubs' own log in the transaction of what is noted: neither stands
// without the other. It comes last, when all rows are locked: two writers cannot wait
// for each other.
func note(ctx context.Context, tx pgx.Tx, event hub.NoteEvent, subject, detail string, now time.Time) error {
	a := &auditTx{ctx: ctx, tx: tx}
	if err := a.lock(); err != nil {
		return err
	}
	return hub.AppendNote(a, event, subject, detail, now)
}

const auditHeads = `SELECT kiosk, log, prior, base, base_hash, n, hash, at, whole FROM audit_head`

// AuditLog gives one log.
func (s *Store) AuditLog(ctx context.Context, kiosk, log string) (l hub.AuditLog, err error) {
	err = s.do(ctx, "read audit log", func() error {
		l, err = scanLog(s.pool.QueryRow(ctx, auditHeads+` WHERE kiosk = $1 AND log = $2`, clean(kiosk), clean(log)))
		return err
	})
	return l, err
}

// AuditLogs lists every log. It skips from one log to the next along the primary key: a
// DISTINCT would walk over every entry that there ever was.
func (s *Store) AuditLogs(ctx context.Context, kiosk string) ([]hub.AuditLog, error) {
	return list(ctx, s, "list audit logs", func(r pgx.CollectableRow) (hub.AuditLog, error) { return scanLog(r) }, `WITH RECURSIVE l AS (
		(SELECT kiosk, log FROM audit WHERE (kiosk, log) >= ($1, '') ORDER BY kiosk, log LIMIT 1)
		UNION ALL SELECT n.kiosk, n.log FROM l CROSS JOIN LATERAL (SELECT a.kiosk, a.log FROM audit a
			WHERE (a.kiosk, a.log) > (l.kiosk, l.log) ORDER BY a.kiosk, a.log LIMIT 1) n WHERE $1 = '' OR l.kiosk = $1)
	SELECT * FROM (`+auditHeads+` UNION ALL SELECT kiosk, log, NULL, 0, ''::bytea, 0, ''::bytea, to_timestamp(0), NULL::timestamptz FROM l
		WHERE NOT EXISTS (SELECT 1 FROM audit_head h WHERE h.kiosk = l.kiosk AND h.log = l.log)) a
	WHERE $1 = '' OR kiosk = $1 ORDER BY kiosk, at, log`, clean(kiosk))
}

func scanLog(row pgx.Row) (hub.AuditLog, error) {
	var l hub.AuditLog
	var prior *string
	var at time.Time
	var whole *time.Time
	if err := row.Scan(&l.Kiosk, &l.Log, &prior, &l.Base, &l.BaseHash, &l.N, &l.Hash, &at, &whole); err != nil {
		return hub.AuditLog{}, err
	}
	if l.Headless = prior == nil; !l.Headless {
		l.Prior, l.At = *prior, at.UTC()
	}
	if whole != nil {
		l.Whole = whole.UTC()
	}
	return l, nil
}

// AuditEntries gives entries after number n.
func (s *Store) AuditEntries(ctx context.Context, kiosk, log string, n int64, most int) ([]hub.AuditEntry, error) {
	return list(ctx, s, "read audit log", func(r pgx.CollectableRow) (e hub.AuditEntry, err error) {
		err = r.Scan(&e.N, &e.At, &e.Event, &e.Subject, &e.Detail, &e.Hash, &e.ReceivedAt)
		e.ReceivedAt = e.ReceivedAt.UTC()
		return e, err
	}, `SELECT n, at, event, subject, detail, hash, received_at FROM audit
		WHERE kiosk = $1 AND log = $2 AND n > $3 ORDER BY n LIMIT $4`, clean(kiosk), clean(log), n, limit(most))
}

// AuditEvidence lists what was not taken.
func (s *Store) AuditEvidence(ctx context.Context, kiosk string) ([]hub.AuditEvidence, error) {
	return list(ctx, s, "read evidence", func(r pgx.CollectableRow) (e hub.AuditEvidence, err error) {
		err = r.Scan(&e.Kiosk, &e.Log, &e.Verdict, &e.Batch, &e.At)
		e.At = e.At.UTC()
		return e, err
	}, `SELECT kiosk, log, verdict, batch, at FROM audit_evidence WHERE $1 = '' OR kiosk = $1 ORDER BY n`, clean(kiosk))
}

// SubmissionMarks gives submissions of a kiosk as they were stored.
func (s *Store) SubmissionMarks(ctx context.Context, kiosk string, n int64, most int) ([]hub.SubmissionMark, error) {
	return list(ctx, s, "read submissions", func(r pgx.CollectableRow) (m hub.SubmissionMark, err error) {
		err = r.Scan(&m.N, &m.ID, &m.Hash, &m.StoredAt)
		m.StoredAt = m.StoredAt.UTC()
		return m, err
	}, `SELECT n, id, hash, stored_at FROM submission WHERE kiosk = $1 AND n > $2 ORDER BY n LIMIT $3`, clean(kiosk), n, limit(most))
}

// SubmittingKiosks lists all that have submissions.
func (s *Store) SubmittingKiosks(ctx context.Context) ([]string, error) {
	return list(ctx, s, "list kiosks", pgx.RowTo[string], `SELECT DISTINCT kiosk FROM submission ORDER BY kiosk`)
}

// auditTx is a transaction as hub.TakeAudit needs it.
type auditTx struct {
	ctx   context.Context
	tx    pgx.Tx
	kiosk string
}

// lock keeps other hubs off the logs of this kiosk until the transaction ends: what a
// batch is compared with must not grow meanwhile, and a new log has no row to lock.
func (a *auditTx) lock() error {
	_, err := a.tx.Exec(a.ctx, `SELECT pg_advisory_xact_lock(hashtextextended('audit ' || $1, 0))`, a.kiosk)
	return err
}

// Log gives a log of this kiosk.
func (a *auditTx) Log(log string) (hub.AuditLog, error) {
	l, err := scanLog(a.tx.QueryRow(a.ctx, auditHeads+` WHERE kiosk = $1 AND log = $2`, a.kiosk, log))
	if errors.Is(err, pgx.ErrNoRows) {
		err = hub.ErrNotFound
	}
	return l, err
}

// Others counts the logs of this kiosk beside this one.
func (a *auditTx) Others(log string) (n int, err error) {
	err = a.tx.QueryRow(a.ctx, `SELECT count(*) FROM audit_head WHERE kiosk = $1 AND log <> $2`, a.kiosk, log).Scan(&n)
	return n, err
}

// Hashes gives those of a range of entries.
func (a *auditTx) Hashes(log string, from, to int64) (map[int64][]byte, error) {
	rows, err := a.tx.Query(a.ctx, `SELECT n, hash FROM audit WHERE kiosk = $1 AND log = $2 AND n BETWEEN $3 AND $4`, a.kiosk, log, from, to)
	if err != nil {
		return nil, err
	}
	all := map[int64][]byte{}
	var n int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &hash}, func() error {
		all[n] = append([]byte(nil), hash...)
		return nil
	})
	return all, err
}

// Anywhere looks for an entry of a log, whoever's it is.
func (a *auditTx) Anywhere(log string, n int64, hash []byte) (found bool, err error) {
	err = a.tx.QueryRow(a.ctx, `SELECT EXISTS (SELECT 1 FROM audit_head h LEFT JOIN audit e
		ON e.kiosk = h.kiosk AND e.log = h.log AND e.n = $2
		WHERE h.log = $1 AND (e.hash = $3 OR (h.base = $2 AND h.base_hash = $3)))`, log, n, hash).Scan(&found)
	return found, err
}

// Append stores entries and where the log stands now.
func (a *auditTx) Append(l hub.AuditLog, entries []wire.AuditEntry, now time.Time) error {
	columns := []string{"kiosk", "log", "n", "at", "event", "subject", "detail", "hash", "received_at"}
	_, err := a.tx.CopyFrom(a.ctx, pgx.Identifier{"audit"}, columns, pgx.CopyFromSlice(len(entries), func(i int) ([]any, error) {
		e := entries[i]
		return []any{a.kiosk, l.Log, e.N, e.At, e.Event, e.Subject, e.Detail, e.Hash, ms(now)}, nil
	}))
	if err != nil {
		return err
	}
	var whole *time.Time
	if !l.Whole.IsZero() {
		t := ms(l.Whole)
		whole = &t
	}
	_, err = a.tx.Exec(a.ctx, `INSERT INTO audit_head (kiosk, log, prior, base, base_hash, n, hash, at, whole)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (kiosk, log) DO UPDATE SET n = excluded.n, hash = excluded.hash, at = excluded.at, whole = excluded.whole`,
		a.kiosk, l.Log, l.Prior, l.Base, l.BaseHash, l.N, l.Hash, ms(l.At), whole)
	return err
}

// Keep keeps evidence.
func (a *auditTx) Keep(e hub.AuditEvidence, most, mostAll int) error {
	hash := sha256.Sum256(e.Batch)
	_, err := a.tx.Exec(a.ctx, `INSERT INTO audit_evidence (kiosk, log, verdict, batch, hash, at)
		SELECT $1::text, $2::text, $3::text, $4::bytea, $5::bytea, $6::timestamptz
		WHERE (SELECT count(*) FROM audit_evidence WHERE kiosk = $1::text AND log = $2::text) < $7::int
			AND (SELECT count(*) FROM audit_evidence WHERE kiosk = $1::text) < $8::int
		ON CONFLICT DO NOTHING`, a.kiosk, e.Log, string(e.Verdict), e.Batch, hash[:], ms(e.At), most, mostAll)
	return err
}

// Raise raises an alarm in clear: audit logs hold nothing personal, and the vault is
// not at hand within a transaction.
func (a *auditTx) Raise(al hub.Alarm) error {
	_, err := a.tx.Exec(a.ctx, `INSERT INTO alarm (kind, kiosk, subject, text, first, last, times) VALUES ($1, $2, $3, $4, $5, $5, 1)
		ON CONFLICT (kind, kiosk, subject) DO UPDATE SET text = excluded.text, last = excluded.last, times = alarm.times + 1,
			private = NULL, vault_key = NULL`,
		clean(string(al.Kind)), clean(al.Kiosk), clean(al.Subject), clean(al.Text), ms(al.Last))
	return err
}
