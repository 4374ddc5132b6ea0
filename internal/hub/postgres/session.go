package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errUnfit marks a server that must not hold the truth.
var errUnfit = errors.New("this PostgreSQL server is unfit")

// prepareSession checks a new connection and pins its durability: a setting that
// is changed on the server later reaches new connections only, which are checked.
func prepareSession(ctx context.Context, c *pgx.Conn) error {
	var commit, fsync, encoding string
	err := c.QueryRow(ctx, `SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false),
		current_setting('fsync'), current_setting('server_encoding')`).Scan(&commit, &fsync, &encoding)
	switch {
	case err != nil:
		return err
	case commit == "off":
		return fmt.Errorf("%w: synchronous_commit is off, so what is acknowledged can be lost: "+
			"set it on, in postgresql.conf and for this role and database", errUnfit)
	case fsync != "on":
		return fmt.Errorf("%w: fsync is off, so what is acknowledged can be lost: set it on in postgresql.conf", errUnfit)
	case encoding != "UTF8":
		return fmt.Errorf("%w: the database's encoding is %s: make one with ENCODING 'UTF8'", errUnfit, encoding)
	}
	return nil
}

// acceptsWrites refuses a standby. Of several hosts in the URL the next is tried.
func acceptsWrites(ctx context.Context, c *pgconn.PgConn) error {
	r := c.ExecParams(ctx, "SELECT current_setting('transaction_read_only')", nil, nil, nil, nil).Read()
	if r.Err != nil {
		return r.Err
	}
	if len(r.Rows) != 1 || string(r.Rows[0][0]) != "off" {
		return fmt.Errorf("%w: it is read-only (a standby?): name the primary in the store's URL", errUnfit)
	}
	return nil
}
