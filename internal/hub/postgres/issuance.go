package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

// issue notes an issuance, unless it is there.
func issue(ctx context.Context, tx pgx.Tx, i hub.Issuance) error {
	key, err := hub.KeyOf(i.Private)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO issuance (tag, kiosk, issued_at, private, vault_key) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		i.Tag, clean(i.Kiosk), ms(i.IssuedAt), i.Private, key)
	return err
}

// record notes that a kiosk's record of its issuance has come.
func record(ctx context.Context, tx pgx.Tx, in hub.Stored) error {
	if in.IssueTag == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE issuance SET record = $1 WHERE tag = $2 AND kiosk = $3 AND record IS NULL`, clean(in.ID), in.IssueTag, clean(in.Kiosk))
	return err
}

// Issuances lists a page, newest first, and counts, both of one moment.
func (s *Store) Issuances(ctx context.Context, f hub.IssuanceFilter) (page []hub.Issuance, total int, err error) {
	// The same conditions count and list; an empty value matches everything.
	const where = ` FROM issuance WHERE ($1 = '' OR kiosk = $1) AND (NOT $2 OR record IS NULL)`
	args := []any{clean(f.Kiosk), f.Unrecorded}
	err = s.do(ctx, "list issuances", func() error {
		return pgx.BeginTxFunc(ctx, s.pool, moment(), func(tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, `SELECT tag, kiosk, issued_at, coalesce(record, ''), private`+where+` ORDER BY n DESC LIMIT $3 OFFSET $4`,
				append(args, limit(f.Limit), max(f.Offset, 0))...)
			if err != nil {
				return err
			}
			page, err = pgx.AppendRows([]hub.Issuance(nil), rows, func(r pgx.CollectableRow) (i hub.Issuance, err error) {
				err = r.Scan(&i.Tag, &i.Kiosk, &i.IssuedAt, &i.Record, &i.Private)
				i.IssuedAt = i.IssuedAt.UTC()
				return i, err
			})
			return err
		})
	})
	if err != nil {
		return nil, 0, err
	}
	return page, total, nil
}
