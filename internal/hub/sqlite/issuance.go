package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"kioskd/internal/hub"
)

// issue notes an issuance, unless it is there.
func issue(ctx context.Context, tx *sql.Tx, i hub.Issuance) error {
	key, err := hub.KeyOf(i.Private)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO issuance (tag, kiosk, issued_at, private, vault_key) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		i.Tag, i.Kiosk, i.IssuedAt.UnixMilli(), i.Private, key)
	return wrap("store issuance", err)
}

// record notes that a kiosk's record of its issuance has come.
func record(ctx context.Context, tx *sql.Tx, in hub.Stored) error {
	if in.IssueTag == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE issuance SET record = ? WHERE tag = ? AND kiosk = ? AND record IS NULL`, in.ID, in.IssueTag, in.Kiosk)
	return wrap("note record of issuance", err)
}

// Issuances lists a page, newest first.
func (s *Store) Issuances(ctx context.Context, f hub.IssuanceFilter) (page []hub.Issuance, total int, err error) {
	// The same conditions count and list; an empty value matches everything.
	const where = ` FROM issuance WHERE (?1 = '' OR kiosk = ?1) AND (NOT ?2 OR record IS NULL)`
	args := []any{f.Kiosk, f.Unrecorded}
	if err := s.db.Read().QueryRowContext(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
		return nil, 0, wrap("count issuances", err)
	}
	all, err := s.db.Read().QueryContext(ctx, `SELECT tag, kiosk, issued_at, ifnull(record, ''), private`+where+` ORDER BY n DESC LIMIT ?3 OFFSET ?4`,
		append(args, f.Limit, f.Offset)...)
	if err != nil {
		return nil, 0, wrap("list issuances", err)
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	for all.Next() {
		var i hub.Issuance
		var issued int64
		if err := all.Scan(&i.Tag, &i.Kiosk, &issued, &i.Record, &i.Private); err != nil {
			return nil, 0, wrap("read issuance", err)
		}
		i.IssuedAt = at(issued)
		page = append(page, i)
	}
	return page, total, wrap("list issuances", all.Err())
}
