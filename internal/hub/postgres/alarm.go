package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

// Quarantine keeps a conflicting submission and raises its alarm.
func (s *Store) Quarantine(ctx context.Context, q hub.Quarantine, a hub.Alarm) error {
	return s.write(ctx, "quarantine submission", func(tx pgx.Tx) error {
		if err := quarantine(ctx, tx, q); err != nil {
			return err
		}
		return raise(ctx, tx, a)
	})
}

// Raise raises an alarm, or counts it up.
func (s *Store) Raise(ctx context.Context, a hub.Alarm) error {
	return s.do(ctx, "raise alarm", func() error { return raise(ctx, s.pool, a) })
}

// Alarms lists alarms, newest first.
func (s *Store) Alarms(ctx context.Context, n int) ([]hub.Alarm, error) {
	return s.alarms(ctx, ``, limit(n))
}

// AlarmsOf lists the alarms of one kiosk.
func (s *Store) AlarmsOf(ctx context.Context, kiosk string, n int) ([]hub.Alarm, error) {
	return s.alarms(ctx, `WHERE kiosk = $2`, limit(n), clean(kiosk))
}

func (s *Store) alarms(ctx context.Context, which string, args ...any) ([]hub.Alarm, error) {
	return list(ctx, s, "list alarms", func(r pgx.CollectableRow) (a hub.Alarm, err error) {
		err = r.Scan(&a.Kind, &a.Kiosk, &a.Subject, &a.Text, &a.First, &a.Last, &a.Times, &a.Private)
		a.First, a.Last = a.First.UTC(), a.Last.UTC()
		return a, err
	}, `SELECT kind, kiosk, subject, coalesce(text, ''), first, last, times, private FROM alarm `+which+`
		ORDER BY last DESC, kind, kiosk, subject LIMIT $1`, args...)
}

func quarantine(ctx context.Context, r runner, q hub.Quarantine) error {
	key, err := hub.KeyOf(q.Private)
	if err != nil {
		return err
	}
	_, err = r.Exec(ctx, `INSERT INTO quarantine (submission, kiosk, hash, sealed, at, private, vault_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		clean(q.Submission), clean(q.Kiosk), q.Hash, q.Sealed, ms(q.At), q.Private, key)
	return err
}

func raise(ctx context.Context, r runner, a hub.Alarm) error {
	key, err := hub.KeyOf(a.Private)
	if err != nil {
		return err
	}
	_, err = r.Exec(ctx, `INSERT INTO alarm (kind, kiosk, subject, first, last, times, private, vault_key)
		VALUES ($1, $2, $3, $4, $4, 1, $5, $6)
		ON CONFLICT (kind, kiosk, subject) DO UPDATE SET text = NULL, last = excluded.last, times = alarm.times + 1,
			private = excluded.private, vault_key = excluded.vault_key`,
		clean(string(a.Kind)), clean(a.Kiosk), clean(a.Subject), ms(a.Last), a.Private, key)
	return err
}
