package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

// BeatHub says that a hub lives, and forgets those that do not. Rows that another
// hub is clearing away are skipped.
func (s *Store) BeatHub(ctx context.Context, id string, life time.Duration) error {
	return s.write(ctx, "say that the hub lives", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO hub (id, until) VALUES ($1, clock_timestamp() + make_interval(secs => $2))
			ON CONFLICT (id) DO UPDATE SET until = excluded.until`, clean(id), life.Seconds())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM hub WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM hub WHERE until < clock_timestamp() AND id <> $1 FOR UPDATE SKIP LOCKED))`, clean(id))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM link WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM link WHERE NOT EXISTS (SELECT FROM hub WHERE hub.id = link.hub) FOR UPDATE SKIP LOCKED))`)
		return err
	})
}

// EndHub forgets a hub and its links.
func (s *Store) EndHub(ctx context.Context, id string) error {
	return s.write(ctx, "forget hub", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM hub WHERE id = $1`, clean(id)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM link WHERE hub = $1`, clean(id))
		return err
	})
}

const linkColumns = `SELECT l.id, l.kiosk, l.run, l.hub, l.remote, l.since FROM link l JOIN hub h ON h.id = l.hub
	WHERE h.until > clock_timestamp()`

// MoveLinks adds and removes links of a hub. What the kiosks have is read after
// the commit: of two hubs that add links of one kiosk at the same moment, at least
// the later one then sees both.
func (s *Store) MoveLinks(ctx context.Context, id string, add []hub.Link, remove []string) ([]hub.Link, error) {
	var ids, kiosks, runs, remotes []string
	var since []time.Time
	for _, l := range add {
		ids, kiosks, runs = append(ids, clean(l.ID)), append(kiosks, clean(l.Kiosk)), append(runs, clean(l.Run))
		remotes, since = append(remotes, clean(l.Remote)), append(since, ms(l.Since))
	}
	err := s.write(ctx, "note links", func(tx pgx.Tx) error {
		if len(remove) > 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM link WHERE hub = $1 AND id = ANY ($2)`, clean(id), remove); err != nil {
				return err
			}
		}
		if len(add) == 0 {
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO link (id, kiosk, run, remote, since, hub)
			SELECT id, kiosk, run, remote, since, $6
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY AS l(id, kiosk, run, remote, since, n)
			ORDER BY n ON CONFLICT (id) DO NOTHING`, ids, kiosks, runs, remotes, since, clean(id))
		return err
	})
	if err != nil || len(add) == 0 {
		return nil, err
	}
	return list(ctx, s, "list links", scanLink, linkColumns+` AND l.kiosk = ANY ($1) ORDER BY l.kiosk, l.n`, kiosks)
}

// Links lists links of hubs that live.
func (s *Store) Links(ctx context.Context, f hub.LinkFilter) ([]hub.Link, error) {
	where := ` AND ($1 = '' OR l.kiosk = $1) AND ($2 = '' OR l.hub = $2)`
	if f.Several {
		where += ` AND l.kiosk IN (SELECT kiosk FROM link GROUP BY kiosk HAVING count(*) > 1)`
	}
	return list(ctx, s, "list links", scanLink, linkColumns+where+` ORDER BY l.kiosk, l.n`, clean(f.Kiosk), clean(f.Hub))
}

func scanLink(r pgx.CollectableRow) (l hub.Link, err error) {
	err = r.Scan(&l.ID, &l.Kiosk, &l.Run, &l.Hub, &l.Remote, &l.Since)
	l.Since = l.Since.UTC()
	return l, err
}
