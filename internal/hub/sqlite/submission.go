package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

const submissionColumns = `SELECT id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at,
	accepted, verdict, checks, summary, ack, private FROM submission`

// Submission gives a stored submission.
func (s *Store) Submission(ctx context.Context, id string) (hub.Stored, error) {
	return scanSubmission(s.db.Read().QueryRowContext(ctx, submissionColumns+` WHERE id = ?`, id))
}

// Known looks for a submission, and for another one with this document.
func (s *Store) Known(ctx context.Context, id string, hash []byte) (stored bool, carrier string, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM submission WHERE id = ?1),
		ifnull((SELECT id FROM submission WHERE document_hash = ?2 AND id <> ?1), '')`, id, hash).Scan(&stored, &carrier)
	return stored, carrier, wrap("look for submission", err)
}

// Put stores a submission with everything that belongs to it, or gives the row
// that is there already.
func (s *Store) Put(ctx context.Context, in hub.Stored, q *hub.Quarantine, a *hub.Alarm) (hub.Stored, error) {
	out := in
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		have, err := scanSubmission(tx.QueryRowContext(ctx, submissionColumns+` WHERE id = ?`, in.ID))
		switch {
		case err == nil:
			if !bytes.Equal(have.Hash, in.Hash) || have.Kiosk != in.Kiosk {
				return hub.ErrOtherContent
			}
			out = have
			return nil
		case !errors.Is(err, hub.ErrNotFound):
			return err
		}
		if err := insert(ctx, tx, in); err != nil {
			return err
		}
		if err := record(ctx, tx, in); err != nil {
			return err
		}
		if q != nil {
			if err := quarantine(ctx, tx, *q); err != nil {
				return err
			}
		}
		if a != nil {
			return raise(ctx, tx, *a)
		}
		return nil
	})
	if err != nil {
		return hub.Stored{}, err
	}
	return out, nil
}

func insert(ctx context.Context, tx *sql.Tx, in hub.Stored) error {
	if in.DocumentHash != nil {
		var other string
		err := tx.QueryRowContext(ctx, `SELECT id FROM submission WHERE document_hash = ?`, in.DocumentHash).Scan(&other)
		if err == nil {
			return hub.ErrDocumentUsed
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return wrap("look for document", err)
		}
	}
	key, err := hub.KeyOf(in.Private)
	if err != nil {
		return err
	}
	signed := sql.NullInt64{Int64: in.SignedAt.UnixMilli(), Valid: !in.SignedAt.IsZero()}
	_, err = tx.ExecContext(ctx, `INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, document_hash,
		signed_at, stored_at, accepted, verdict, checks, summary, ack, private, vault_key)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', x'', ?, ?)`,
		in.ID, in.Kiosk, in.Schema, in.KeyID, in.Sealed, in.Hash, string(in.Kind), in.DocumentHash, signed,
		in.StoredAt.UnixMilli(), in.Verdict.Accepted, in.Private, key)
	return wrap("store submission", err)
}

// Submissions lists a page, newest first.
func (s *Store) Submissions(ctx context.Context, f hub.Filter) (list []hub.Stored, total int, err error) {
	// The same conditions count and list; an empty value matches everything.
	const where = ` WHERE (?1 = '' OR kiosk = ?1) AND (?2 = '' OR kind = ?2) AND (?3 < 0 OR accepted = ?3)`
	accepted := -1
	if f.Accepted != nil {
		accepted = 0
		if *f.Accepted {
			accepted = 1
		}
	}
	args := []any{f.Kiosk, string(f.Kind), accepted}
	if err := s.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM submission`+where, args...).Scan(&total); err != nil {
		return nil, 0, wrap("count submissions", err)
	}
	rows, err := s.db.Read().QueryContext(ctx, submissionColumns+where+` ORDER BY n DESC LIMIT ?4 OFFSET ?5`,
		append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, wrap("list submissions", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scanSubmission(rows)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, r)
	}
	return list, total, wrap("list submissions", rows.Err())
}

// Counts counts submissions by kind.
func (s *Store) Counts(ctx context.Context) (counts []hub.Count, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT kind, sum(accepted), sum(1 - accepted) FROM submission
		GROUP BY kind ORDER BY kind`)
	if err != nil {
		return nil, wrap("count submissions", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var c hub.Count
		if err := rows.Scan(&c.Kind, &c.Accepted, &c.Refused); err != nil {
			return nil, wrap("count submissions", err)
		}
		counts = append(counts, c)
	}
	return counts, wrap("count submissions", rows.Err())
}

func scanSubmission(row scanner) (hub.Stored, error) {
	var r hub.Stored
	var kind, verdict, checks, summary string
	var signed sql.NullInt64
	var stored int64
	err := row.Scan(&r.ID, &r.Kiosk, &r.Schema, &r.KeyID, &r.Sealed, &r.Hash, &kind, &r.DocumentHash, &signed, &stored,
		&r.Verdict.Accepted, &verdict, &checks, &summary, &r.Ack, &r.Private)
	if err != nil {
		return hub.Stored{}, wrap("read submission", err)
	}
	r.Kind = wire.Kind(kind)
	r.StoredAt = time.UnixMilli(stored).UTC()
	if signed.Valid {
		r.SignedAt = time.UnixMilli(signed.Int64).UTC()
	}
	if r.Private != nil {
		r.Ack = nil
		return r, nil
	}
	for _, part := range []struct { // of the first version
		text string
		into any
	}{{verdict, &r.Verdict}, {checks, &r.Checks}, {summary, &r.Summary}} {
		if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
			return hub.Stored{}, wrap("read submission", err)
		}
	}
	return r, nil
}
