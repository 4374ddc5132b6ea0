package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// ErrForeign says that the database was made by a hub with other keys.
var ErrForeign = errors.New("cannot use this database: it belongs to a hub with other keys: " +
	"restore the whole keys folder from its backup, or begin with another data folder")

// Belong ties the database to the hub's keys at the first call, and later gives
// ErrForeign for any others: kiosks trust the old ones, and what waits there is sealed
// to them.
func (s *Store) Belong(ctx context.Context, keys string) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO owner (one, keys) VALUES (1, ?) ON CONFLICT DO NOTHING`, keys); err != nil {
			return wrap("tell whose database this is", err)
		}
		var have string
		if err := tx.QueryRowContext(ctx, `SELECT keys FROM owner`).Scan(&have); err != nil {
			return wrap("tell whose database this is", err)
		}
		if have != keys {
			return ErrForeign
		}
		return nil
	})
}
