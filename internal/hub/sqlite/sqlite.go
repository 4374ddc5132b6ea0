// Package sqlite is the hub's built-in store: one SQLite file, one writer,
// FULL durability. It implements hub.Store.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/sqlitedb"
	"kioskd/internal/wire"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is the hub's database in one SQLite file. It is safe for concurrent use.
type Store struct {
	db   *sqlitedb.DB
	ears ears
}

var _ hub.Store = (*Store)(nil)

// Open opens or creates the file at path.
func Open(ctx context.Context, path string) (*Store, error) {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("cannot find migrations: %w", err)
	}
	d, err := sqlitedb.Open(ctx, path, sub)
	if err != nil {
		return nil, err
	}
	return &Store{db: d}, nil
}

// Close writes the WAL back and closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Check says whether the store can be used.
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// EnsureKiosk enrols a kiosk, or does nothing.
func (s *Store) EnsureKiosk(ctx context.Context, id string, now time.Time) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO kiosk (id, enrolled_at) VALUES (?, ?) ON CONFLICT DO NOTHING`,
			id, now.UnixMilli())
		return wrap("enrol kiosk", err)
	})
}

const kioskColumns = `SELECT id, name, key_hash, enrolled_at, cert_until, revoked_at, revoked_for, reported_at, report FROM kiosk`

// Kiosk gives one kiosk.
func (s *Store) Kiosk(ctx context.Context, id string) (hub.Kiosk, error) {
	return scanKiosk(s.db.Read().QueryRowContext(ctx, kioskColumns+` WHERE id = ?`, id))
}

// Kiosks lists all kiosks by name.
func (s *Store) Kiosks(ctx context.Context) (ks []hub.Kiosk, err error) {
	rows, err := s.db.Read().QueryContext(ctx, kioskColumns+` ORDER BY id`)
	if err != nil {
		return nil, wrap("list kiosks", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		k, err := scanKiosk(rows)
		if err != nil {
			return nil, err
		}
		ks = append(ks, k)
	}
	return ks, wrap("list kiosks", rows.Err())
}

// Report stores a kiosk's sign of life.
func (s *Store) Report(ctx context.Context, id string, r wire.Report, at time.Time) error {
	b, err := json.Marshal(r)
	if err != nil {
		return wrap("encode report", err)
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE kiosk SET reported_at = ?, report = ? WHERE id = ?`,
			at.UnixMilli(), string(b), id)
		return wrap("store report", err)
	})
}

// Answer gives a stored answer that has not expired.
func (s *Store) Answer(ctx context.Context, k hub.AnswerKey, now time.Time) (hub.Answer, error) {
	var a hub.Answer
	var expires int64
	err := s.db.Read().QueryRowContext(ctx, `SELECT request_tag, status, sealed, expires FROM answer
		WHERE kiosk = ? AND scope = ? AND request_id = ? AND expires > ?`,
		k.Kiosk, k.Scope, k.RequestID, now.UnixMilli()).Scan(&a.RequestTag, &a.Status, &a.Sealed, &expires)
	if err != nil {
		return hub.Answer{}, wrap("read answer", err)
	}
	a.Expires = time.UnixMilli(expires).UTC()
	return a, nil
}

// PutAnswer stores an answer, with what it hands out, and forgets those that have expired.
func (s *Store) PutAnswer(ctx context.Context, k hub.AnswerKey, a hub.Answer, now time.Time) error {
	key, err := hub.KeyOf(a.Sealed)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM answer WHERE expires <= ?`, now.UnixMilli()); err != nil {
			return wrap("forget answers", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO answer (kiosk, scope, request_id, request_tag, status, sealed, expires, vault_key)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			k.Kiosk, k.Scope, k.RequestID, a.RequestTag, a.Status, a.Sealed, a.Expires.UnixMilli(), key)
		if err != nil || a.Issued == nil {
			return wrap("store answer", err)
		}
		return issue(ctx, tx, *a.Issued)
	})
}

type scanner interface{ Scan(dest ...any) error }

func scanKiosk(row scanner) (hub.Kiosk, error) {
	var k hub.Kiosk
	var enrolled int64
	var until, revoked, reported sql.NullInt64
	var report sql.NullString
	if err := row.Scan(&k.ID, &k.Name, &k.KeyHash, &enrolled, &until, &revoked, &k.RevokedFor, &reported, &report); err != nil {
		return hub.Kiosk{}, wrap("read kiosk", err)
	}
	if until.Valid {
		k.CertUntil = at(until.Int64)
	}
	if revoked.Valid {
		k.RevokedAt = at(revoked.Int64)
	}
	k.EnrolledAt = time.UnixMilli(enrolled).UTC()
	if reported.Valid {
		k.ReportedAt = time.UnixMilli(reported.Int64).UTC()
		if err := json.Unmarshal([]byte(report.String), &k.Report); err != nil {
			return hub.Kiosk{}, wrap("read report", err)
		}
	}
	return k, nil
}

// wrap names the operation; a missing row becomes hub.ErrNotFound.
func wrap(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return hub.ErrNotFound
	}
	return fmt.Errorf("cannot %s: %w", op, err)
}
