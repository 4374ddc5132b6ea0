package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kioskd/internal/hub"
)

// A restart of the server takes a second or two; whoever waits longer is
// answered that the hub is busy, and comes again by itself.
const (
	tries     = 8
	firstWait = 20 * time.Millisecond
	mostWait  = time.Second
)

// do runs f until it succeeds, up to tries times, as long as the failure is one
// that another try can heal. f must be a whole transaction and idempotent.
func (s *Store) do(ctx context.Context, op string, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil {
			return nil
		}
		if try == tries || ctx.Err() != nil || !passing(err) || pause(ctx, try) != nil {
			return wrap(op, err)
		}
	}
}

// pause waits with full jitter, or until ctx ends. try may grow without end: a hub
// listens again for as long as the server is away.
func pause(ctx context.Context, try int) error {
	t := time.NewTimer(rand.N(min(firstWait<<min(try, 10), mostWait)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passing says whether the failure may be gone at the next try.
func passing(err error) bool {
	if errors.Is(err, errUnfit) {
		return false
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pe.Code {
		case "40001", "40P01": // serialisation failure, deadlock
			return true
		case "57P01", "57P02", "57P03", "53300": // shutting down, crashed, starting, all connections taken
			return true
		}
		return strings.HasPrefix(pe.Code, "08") // connection exceptions
	}
	if pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	// Refused, reset, no such socket: the server is away just now.
	_, line := errors.AsType[*net.OpError](err)
	return line
}

// wrap names the operation and, where there is one, the remedy. A missing row
// becomes hub.ErrNotFound; what the hub decides on stays as it is.
func wrap(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return hub.ErrNotFound
	case errors.Is(err, hub.ErrNotFound), errors.Is(err, hub.ErrOtherContent), errors.Is(err, hub.ErrDocumentUsed),
		errors.Is(err, hub.ErrInvitation), errors.Is(err, hub.ErrNotSealed), errors.Is(err, ErrForeign):
		return err
	}
	if r := remedy(err); r != "" {
		return fmt.Errorf("cannot %s: %w: %s", op, err, r)
	}
	return fmt.Errorf("cannot %s: %w", op, err)
}

// remedy says what an operator can do.
func remedy(err error) string {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok && !errors.Is(err, errUnfit) {
		if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
			return "start PostgreSQL, or correct host and port of the store's URL"
		}
	}
	if pe == nil {
		return ""
	}
	switch pe.Code {
	case "28P01", "28000":
		return "correct user and password of the store's URL, or pg_hba.conf"
	case "3D000":
		return "create the database (CREATE DATABASE … ENCODING 'UTF8'), or correct its name in the store's URL"
	case "42501":
		return "make the hub's role the owner of its database (ALTER DATABASE … OWNER TO …)"
	case "53300":
		return "raise max_connections on the server, or lower pool_max_conns in the store's URL"
	case "53100":
		return "the server's disk is full: make room"
	case "57014":
		return "the server was too slow: look for long transactions and locks"
	case "55P03":
		return "another transaction holds the row: look for long transactions and locks"
	}
	return ""
}
