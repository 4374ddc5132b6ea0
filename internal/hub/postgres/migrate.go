package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var files embed.FS

// migrationLock is the advisory lock under which one hub migrates while others
// that start wait: "kioskd" in ASCII.
const migrationLock = 0x6b696f736b64

// migration is one step forward.
type migration struct {
	n    int
	name string
	text string
}

func migrations() ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("cannot list migrations: %w", err)
	}
	slices.Sort(names)
	var all []migration
	for i, path := range names {
		name := strings.TrimPrefix(path, "migrations/")
		n, err := strconv.Atoi(strings.SplitN(name, "_", 2)[0])
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("cannot apply migrations: %s is not number %d", name, i+1)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, fmt.Errorf("cannot read migration %s: %w", name, err)
		}
		all = append(all, migration{n, name, string(text)})
	}
	return all, nil
}

// migrate applies what is missing: all of it or, when one step fails, nothing.
func (s *Store) migrate(ctx context.Context) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	return s.write(ctx, "open database", func(tx pgx.Tx) error {
		// Whoever waits for another hub's migrations waits as long as they take.
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		return forward(ctx, tx, all)
	})
}

func forward(ctx context.Context, tx pgx.Tx, all []migration) error {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('schema_migrations') IS NOT NULL`).Scan(&there); err != nil {
		return err
	}
	if !there { // and only then: a role that may not create tables can run a hub, too
		_, err := tx.Exec(ctx, `CREATE TABLE schema_migrations (
			version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
		if err != nil {
			return err
		}
	}
	var have int
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&have); err != nil {
		return err
	}
	if have > len(all) {
		return fmt.Errorf("its schema %d is newer than this program's %d: install the newer hubd", have, len(all))
	}
	for _, m := range all[have:] {
		if _, err := tx.Exec(ctx, m.text); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO schema_migrations (version, name) VALUES ($1, $2)`, m.n, m.name); err != nil {
			return err
		}
	}
	return nil
}
