package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"kioskd/internal/hub"
)

// BeatHub says that a hub lives, and forgets those that do not.
func (s *Store) BeatHub(ctx context.Context, id string, life time.Duration) error {
	now := time.Now()
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO hub (id, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until`,
			id, now.Add(life).UnixMilli())
		if err != nil {
			return wrap("say that the hub lives", err)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM hub WHERE until < ? AND id <> ?`, now.UnixMilli(), id); err != nil {
			return wrap("forget hubs", err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM link WHERE hub NOT IN (SELECT id FROM hub)`)
		return wrap("forget links", err)
	})
}

// EndHub forgets a hub and its links.
func (s *Store) EndHub(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM link WHERE hub = ?`, id); err != nil {
			return wrap("forget links", err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM hub WHERE id = ?`, id)
		return wrap("forget hub", err)
	})
}

// MoveLinks adds and removes links of a hub.
func (s *Store) MoveLinks(ctx context.Context, id string, add []hub.Link, remove []string) (now []hub.Link, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		now = nil
		for _, r := range remove {
			if _, err := tx.ExecContext(ctx, `DELETE FROM link WHERE id = ? AND hub = ?`, r, id); err != nil {
				return wrap("forget link", err)
			}
		}
		kiosks := map[string]bool{}
		for _, l := range add {
			_, err := tx.ExecContext(ctx, `INSERT INTO link (id, kiosk, run, hub, remote, since) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				l.ID, l.Kiosk, l.Run, id, l.Remote, l.Since.UnixMilli())
			if err != nil {
				return wrap("note link", err)
			}
			kiosks[l.Kiosk] = true
		}
		for k := range kiosks {
			list, err := links(ctx, tx, hub.LinkFilter{Kiosk: k})
			if err != nil {
				return err
			}
			now = append(now, list...)
		}
		return nil
	})
	return now, err
}

// Links lists links of hubs that live.
func (s *Store) Links(ctx context.Context, f hub.LinkFilter) ([]hub.Link, error) {
	return links(ctx, s.db.Read(), f)
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func links(ctx context.Context, q querier, f hub.LinkFilter) (list []hub.Link, err error) {
	rows, err := q.QueryContext(ctx, `SELECT l.id, l.kiosk, l.run, l.hub, l.remote, l.since FROM link l JOIN hub h ON h.id = l.hub
		WHERE h.until > ?1 AND (?2 = '' OR l.kiosk = ?2) AND (?3 = '' OR l.hub = ?3)
		AND (NOT ?4 OR l.kiosk IN (SELECT kiosk FROM link GROUP BY kiosk HAVING count(*) > 1)) ORDER BY l.kiosk, l.n`,
		time.Now().UnixMilli(), f.Kiosk, f.Hub, f.Several)
	if err != nil {
		return nil, wrap("list links", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l hub.Link
		var since int64
		if err := rows.Scan(&l.ID, &l.Kiosk, &l.Run, &l.Hub, &l.Remote, &since); err != nil {
			return nil, wrap("read link", err)
		}
		l.Since = at(since)
		list = append(list, l)
	}
	return list, wrap("list links", rows.Err())
}

// ears are those who listen to hints. This store serves one hub, so hints stay in
// the process; those of another (a command beside the hub) are lost.
type ears struct {
	mu  sync.Mutex
	all map[*ear]struct{}
}

type ear struct{ hints chan string }

// manyHints is how many hints may wait for a slow listener before they are lost.
const manyHints = 1024

// Tell hints all listeners of this process.
func (s *Store) Tell(ctx context.Context, kiosk string) error {
	if err := ctx.Err(); err != nil {
		return wrap("hint", err)
	}
	s.ears.mu.Lock()
	defer s.ears.mu.Unlock()
	for e := range s.ears.all {
		select {
		case e.hints <- kiosk:
		default: // lost, as a hint may be
		}
	}
	return nil
}

// Listen calls hear for each hint.
func (s *Store) Listen(ctx context.Context, hear func(kiosk string)) {
	e := &ear{hints: make(chan string, manyHints)}
	s.ears.mu.Lock()
	if s.ears.all == nil {
		s.ears.all = map[*ear]struct{}{}
	}
	s.ears.all[e] = struct{}{}
	s.ears.mu.Unlock()
	defer func() {
		s.ears.mu.Lock()
		defer s.ears.mu.Unlock()
		delete(s.ears.all, e)
	}()
	hear("") // whatever was told before
	for {
		select {
		case kiosk := <-e.hints:
			hear(kiosk)
		case <-ctx.Done():
			return
		}
	}
}
