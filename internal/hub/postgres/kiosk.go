package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
	"kioskd/internal/wire"
)

// EnsureKiosk enrols a kiosk, or does nothing.
func (s *Store) EnsureKiosk(ctx context.Context, id string, now time.Time) error {
	return s.exec(ctx, "enrol kiosk", `INSERT INTO kiosk (id, enrolled_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, clean(id), ms(now))
}

const kioskColumns = `SELECT id, name, key_hash, enrolled_at, cert_until, revoked_at, revoked_for, reported_at, report FROM kiosk`

// Kiosk gives one kiosk.
func (s *Store) Kiosk(ctx context.Context, id string) (k hub.Kiosk, err error) {
	err = s.do(ctx, "read kiosk", func() error {
		k, err = scanKiosk(s.pool.QueryRow(ctx, kioskColumns+` WHERE id = $1`, clean(id)))
		return err
	})
	return k, err
}

// Kiosks lists all kiosks by name.
func (s *Store) Kiosks(ctx context.Context) ([]hub.Kiosk, error) {
	return list(ctx, s, "list kiosks", func(r pgx.CollectableRow) (hub.Kiosk, error) { return scanKiosk(r) }, kioskColumns+` ORDER BY id`)
}

// Report stores a kiosk's sign of life.
func (s *Store) Report(ctx context.Context, id string, r wire.Report, at time.Time) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot encode report: %w", err)
	}
	return s.exec(ctx, "store report", `UPDATE kiosk SET reported_at = $2, report = $3 WHERE id = $1`, clean(id), ms(at), b)
}

func scanKiosk(row pgx.Row) (hub.Kiosk, error) {
	var k hub.Kiosk
	var until, revoked, reported *time.Time
	var report []byte
	if err := row.Scan(&k.ID, &k.Name, &k.KeyHash, &k.EnrolledAt, &until, &revoked, &k.RevokedFor, &reported, &report); err != nil {
		return hub.Kiosk{}, err
	}
	k.EnrolledAt = k.EnrolledAt.UTC()
	if until != nil {
		k.CertUntil = until.UTC()
	}
	if revoked != nil {
		k.RevokedAt = revoked.UTC()
	}
	if reported != nil {
		k.ReportedAt = reported.UTC()
		if err := json.Unmarshal(report, &k.Report); err != nil {
			return hub.Kiosk{}, fmt.Errorf("cannot read report: %w", err)
		}
	}
	return k, nil
}
