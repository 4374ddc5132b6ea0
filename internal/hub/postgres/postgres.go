// Package postgres is the hub's store for a fleet: one PostgreSQL database that
// any number of hubs share. It implements hub.Store and hub.CallLocker.
//
// # Why it is right
//
// Transactions run at READ COMMITTED, and every promise hangs on a unique index,
// not on what a transaction has read. A submission is inserted ON CONFLICT DO
// NOTHING: of all hubs that insert one id or one document at the same time, the
// index lets one through, and the others wait until that one has committed or
// failed. Whoever was kept out then reads with a fresh snapshot, in which the
// winner's row is visible, and answers with it. Nothing that the winner adds
// (quarantine, alarm) is outside its transaction. Rows are locked in one order
// (submission, quarantine, alarm), so that two writers cannot wait for each other.
//
// # When the server or the line fails
//
// Each method tries again a few times, within its context, when the server says
// that it may (serialisation, deadlock, restart) or when the connection broke.
// A commit whose answer was lost may have happened: every method finds that out
// by itself when it is called again, because it is idempotent. Not so Raise, Note, Spend
// and what Enrol notes: an alarm may then count one too many, the hubs' own log tell of
// one thing twice, and a budget be charged twice, which beats losing any of them.
//
// # What a connection must promise
//
// A new connection is refused unless the server flushes what it commits (fsync on,
// synchronous_commit not off), encodes in UTF-8 and accepts writes; the level of
// synchronous_commit is then pinned for the life of the connection. Session state
// matters, so a pooler between hub and server must not share connections by
// transaction.
package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"kioskd/internal/hub"
)

// Store is the hub's database on a PostgreSQL server. It is safe for concurrent use.
type Store struct{ pool *pgxpool.Pool }

var (
	_ hub.Store      = (*Store)(nil)
	_ hub.CallLocker = (*Store)(nil)
)

// Open connects and applies the migrations that are missing. Its errors hold
// nothing of the URL that is secret.
func Open(ctx context.Context, url string) (*Store, error) {
	cfg, err := configure(url)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot use the store's URL: %w", err)
	}
	s := &Store{pool: pool}
	if err := s.migrate(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

// Check says whether the store can be used now. It does not try again.
func (s *Store) Check(ctx context.Context) error {
	var n int
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM schema_migrations`).Scan(&n); err != nil {
		return wrap("reach database", err)
	}
	return nil
}

// ErrForeign says that the database belongs to a hub with other keys.
var ErrForeign = errors.New("cannot use this database: it belongs to a hub with other keys: " +
	"give every hub on it a copy of the same keys folder, or name another database")

// Belong ties the database to the hub's keys at the first call, and later gives
// ErrForeign for any others: two hubs with keys of their own would refuse, and
// confirm with the wrong signature, what kiosks sealed for the other.
func (s *Store) Belong(ctx context.Context, keys string) error {
	return s.do(ctx, "tell whose database this is", func() error {
		_, err := s.pool.Exec(ctx, `INSERT INTO owner (keys) VALUES ($1) ON CONFLICT DO NOTHING`, keys)
		if err != nil {
			return err
		}
		var have string
		if err := s.pool.QueryRow(ctx, `SELECT keys FROM owner`).Scan(&have); err != nil {
			return err
		}
		if have != keys {
			return ErrForeign
		}
		return nil
	})
}

// runner is what runs a statement: the pool, or a transaction.
type runner interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// write runs f in one transaction, as often as do says.
func (s *Store) write(ctx context.Context, op string, f func(pgx.Tx) error) error {
	return s.do(ctx, op, func() error {
		return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, f)
	})
}

// exec runs one statement, which is a transaction by itself.
func (s *Store) exec(ctx context.Context, op, sql string, args ...any) error {
	return s.do(ctx, op, func() error {
		_, err := s.pool.Exec(ctx, sql, args...)
		return err
	})
}

// list runs a query and reads every row with scan.
func list[T any](ctx context.Context, s *Store, op string, scan func(pgx.CollectableRow) (T, error), sql string, args ...any) (all []T, err error) {
	err = s.do(ctx, op, func() error {
		rows, err := s.pool.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		all, err = pgx.AppendRows([]T(nil), rows, scan)
		return err
	})
	return all, err
}
