package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

const submissionColumns = `SELECT id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at,
	accepted, verdict, checks, summary, ack, private FROM submission`

// Submission gives a stored submission.
func (s *Store) Submission(ctx context.Context, id string) (out hub.Stored, err error) {
	err = s.do(ctx, "read submission", func() error {
		out, err = submission(ctx, s.pool, id)
		return err
	})
	return out, err
}

func submission(ctx context.Context, r runner, id string) (hub.Stored, error) {
	return scanSubmission(r.QueryRow(ctx, submissionColumns+` WHERE id = $1`, clean(id)))
}

// Known looks for a submission, and for another one with this document.
func (s *Store) Known(ctx context.Context, id string, hash []byte) (stored bool, carrier string, err error) {
	err = s.do(ctx, "look for submission", func() error {
		stored, carrier, err = known(ctx, s.pool, id, hash)
		return err
	})
	return stored, carrier, err
}

func known(ctx context.Context, r runner, id string, hash []byte) (stored bool, carrier string, err error) {
	err = r.QueryRow(ctx, `SELECT EXISTS (SELECT FROM submission WHERE id = $1),
		coalesce((SELECT id FROM submission WHERE document_hash = $2 AND id <> $1), '')`, clean(id), hash).Scan(&stored, &carrier)
	return stored, carrier, err
}

// errVanished says that what kept a row out is gone again.
var errVanished = errors.New("a conflicting row came and went")

// Put stores a submission with everything that belongs to it, or gives the row
// that is there already.
func (s *Store) Put(ctx context.Context, in hub.Stored, q *hub.Quarantine, a *hub.Alarm) (out hub.Stored, err error) {
	key, err := hub.KeyOf(in.Private)
	if err != nil {
		return hub.Stored{}, err
	}
	if q == nil && a == nil && in.IssueTag == "" { // one statement is a transaction, in one round trip
		err = s.do(ctx, "store submission", func() error {
			out, _, err = insert(ctx, s.pool, in, key)
			return err
		})
	} else {
		err = s.write(ctx, "store submission", func(tx pgx.Tx) error {
			var fresh bool
			if out, fresh, err = insert(ctx, tx, in, key); err != nil || !fresh {
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
	}
	if err != nil {
		return hub.Stored{}, err
	}
	return out, nil
}

// insert stores in, or gives the row that kept it out. Each statement has a
// snapshot of its own, so that row is seen even when it was committed meanwhile.
func insert(ctx context.Context, r runner, in hub.Stored, key string) (out hub.Stored, fresh bool, err error) {
	var signed *time.Time
	if !in.SignedAt.IsZero() {
		t := ms(in.SignedAt)
		signed = &t
	}
	tag, err := r.Exec(ctx, `INSERT INTO submission
		(id, kiosk, schema, key_id, sealed, hash, kind, document_hash, signed_at, stored_at, accepted, private, vault_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		clean(in.ID), clean(in.Kiosk), in.Schema, clean(in.KeyID), in.Sealed, in.Hash, clean(string(in.Kind)), in.DocumentHash, signed,
		ms(in.StoredAt), in.Verdict.Accepted, in.Private, key)
	if err != nil {
		return hub.Stored{}, false, err
	}
	if tag.RowsAffected() == 1 {
		return in, true, nil
	}
	have, err := submission(ctx, r, in.ID)
	switch {
	case err == nil && (!bytes.Equal(have.Hash, in.Hash) || have.Kiosk != in.Kiosk):
		return hub.Stored{}, false, hub.ErrOtherContent
	case err == nil:
		return have, false, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return hub.Stored{}, false, err
	}
	_, other, err := known(ctx, r, in.ID, in.DocumentHash)
	switch {
	case err != nil:
		return hub.Stored{}, false, err
	case other == "": // retention took it away between the statements
		return hub.Stored{}, false, errVanished
	}
	return hub.Stored{}, false, hub.ErrDocumentUsed
}

// moment is for what reads several times and must see one moment.
func moment() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
}

// Submissions lists a page, newest first, and counts, both of one moment.
func (s *Store) Submissions(ctx context.Context, f hub.Filter) (page []hub.Stored, total int, err error) {
	// The same conditions count and list; an empty value matches everything.
	const where = ` WHERE ($1 = '' OR kiosk = $1) AND ($2 = '' OR kind = $2) AND ($3::boolean IS NULL OR accepted = $3)`
	args := []any{clean(f.Kiosk), clean(string(f.Kind)), f.Accepted}
	err = s.do(ctx, "list submissions", func() error {
		return pgx.BeginTxFunc(ctx, s.pool, moment(), func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, `SELECT count(*) FROM submission`+where, args...).Scan(&total); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, submissionColumns+where+` ORDER BY n DESC LIMIT $4 OFFSET $5`, append(args, limit(f.Limit), max(f.Offset, 0))...)
			if err != nil {
				return err
			}
			page, err = pgx.AppendRows([]hub.Stored(nil), rows, func(r pgx.CollectableRow) (hub.Stored, error) { return scanSubmission(r) })
			return err
		})
	})
	if err != nil {
		return nil, 0, err
	}
	return page, total, nil
}

// Counts counts submissions by kind.
func (s *Store) Counts(ctx context.Context) ([]hub.Count, error) {
	return list(ctx, s, "count submissions", func(r pgx.CollectableRow) (c hub.Count, err error) {
		err = r.Scan(&c.Kind, &c.Accepted, &c.Refused)
		return c, err
	}, `SELECT kind, count(*) FILTER (WHERE accepted), count(*) FILTER (WHERE NOT accepted) FROM submission GROUP BY kind ORDER BY kind`)
}

func scanSubmission(row pgx.Row) (hub.Stored, error) {
	var r hub.Stored
	var kind string
	var signed *time.Time
	var verdict, checks, summary []byte
	err := row.Scan(&r.ID, &r.Kiosk, &r.Schema, &r.KeyID, &r.Sealed, &r.Hash, &kind, &r.DocumentHash, &signed, &r.StoredAt,
		&r.Verdict.Accepted, &verdict, &checks, &summary, &r.Ack, &r.Private)
	if err != nil {
		return hub.Stored{}, err
	}
	r.Kind, r.StoredAt = wire.Kind(kind), r.StoredAt.UTC()
	if signed != nil {
		r.SignedAt = signed.UTC()
	}
	if r.Private != nil {
		return r, nil
	}
	for _, part := range []struct { // of the first version
		text []byte
		into any
	}{{verdict, &r.Verdict}, {checks, &r.Checks}, {summary, &r.Summary}} {
		if err := json.Unmarshal(part.text, part.into); err != nil {
			return hub.Stored{}, fmt.Errorf("cannot read submission: %w", err)
		}
	}
	return r, nil
}
