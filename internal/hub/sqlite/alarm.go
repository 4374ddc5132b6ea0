package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"kioskd/internal/hub"
)

// Quarantine keeps a conflicting submission and raises its alarm.
func (s *Store) Quarantine(ctx context.Context, q hub.Quarantine, a hub.Alarm) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := quarantine(ctx, tx, q); err != nil {
			return err
		}
		return raise(ctx, tx, a)
	})
}

// Raise raises an alarm, or counts it up.
func (s *Store) Raise(ctx context.Context, a hub.Alarm) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error { return raise(ctx, tx, a) })
}

// Alarms lists alarms, newest first.
func (s *Store) Alarms(ctx context.Context, limit int) ([]hub.Alarm, error) {
	return s.alarms(ctx, ``, limit)
}

// AlarmsOf lists the alarms of one kiosk.
func (s *Store) AlarmsOf(ctx context.Context, kiosk string, limit int) ([]hub.Alarm, error) {
	return s.alarms(ctx, `WHERE kiosk = ?`, kiosk, limit)
}

func (s *Store) alarms(ctx context.Context, which string, args ...any) (list []hub.Alarm, err error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT kind, kiosk, subject, text, first, last, times, private
		FROM alarm `+which+` ORDER BY last DESC, kind, kiosk, subject LIMIT ?`, args...)
	if err != nil {
		return nil, wrap("list alarms", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a hub.Alarm
		var first, last int64
		if err := rows.Scan(&a.Kind, &a.Kiosk, &a.Subject, &a.Text, &first, &last, &a.Times, &a.Private); err != nil {
			return nil, wrap("read alarm", err)
		}
		a.First, a.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		list = append(list, a)
	}
	return list, wrap("list alarms", rows.Err())
}

func quarantine(ctx context.Context, tx *sql.Tx, q hub.Quarantine) error {
	key, err := hub.KeyOf(q.Private)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO quarantine (submission, kiosk, hash, sealed, reason, at, private, vault_key)
		VALUES (?, ?, ?, ?, '', ?, ?, ?) ON CONFLICT DO NOTHING`,
		q.Submission, q.Kiosk, q.Hash, q.Sealed, q.At.UnixMilli(), q.Private, key)
	return wrap("quarantine submission", err)
}

func raise(ctx context.Context, tx *sql.Tx, a hub.Alarm) error {
	key, err := hub.KeyOf(a.Private)
	if err != nil {
		return err
	}
	at := a.Last.UnixMilli()
	_, err = tx.ExecContext(ctx, `INSERT INTO alarm (kind, kiosk, subject, text, first, last, times, private, vault_key)
		VALUES (?, ?, ?, '', ?, ?, 1, ?, ?)
		ON CONFLICT DO UPDATE SET text = '', last = excluded.last, times = times + 1,
			private = excluded.private, vault_key = excluded.vault_key`,
		string(a.Kind), a.Kiosk, a.Subject, at, at, a.Private, key)
	return wrap("raise alarm", err)
}
