package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Checkpoint folds the whole WAL into the file and empties it. It reports false when
// somebody is in its way: it waits for nobody, nothing is lost, and it can be tried
// later. Writers wait for it, so it is for times when there are none.
func (d *DB) Checkpoint(ctx context.Context) (done bool, err error) {
	err = d.w.alone(ctx, func() (err error) {
		wait := func(ms int) error {
			_, err := d.w.conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA busy_timeout = "+strconv.Itoa(ms))
			return err
		}
		defer func() { err = errors.Join(err, wait(busyTimeout)) }()
		if err := wait(0); err != nil {
			return err
		}
		var busy, pages, moved int
		err = d.w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
		done = err == nil && busy == 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("cannot fold the log into the database: %w", err)
	}
	return done, nil
}

// Verify reads the file through, with its indexes. Nobody has to wait for it. Of damage
// the error is ErrDamaged.
func (d *DB) Verify(ctx context.Context) error {
	var verdict string
	if err := d.r.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return Damaged(fmt.Errorf("cannot check database: %w", err))
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, verdict)
	}
	return nil
}
