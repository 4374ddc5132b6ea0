package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
)

const (
	// channel carries kiosk IDs between hubs.
	channel = "kioskd_kiosk"
	// quietLimit is how long a listening connection may say nothing before it is
	// asked whether it still is one.
	quietLimit = 20 * time.Second
)

// Tell hints all hubs that there is something new about a kiosk.
func (s *Store) Tell(ctx context.Context, kiosk string) error {
	return s.do(ctx, "hint other hubs", func() error { return tell(ctx, s.pool, kiosk) })
}

func tell(ctx context.Context, r runner, kiosk string) error {
	if !hub.ValidKioskID(kiosk) {
		return nil // no such kiosk can be connected; and payloads stay small
	}
	_, err := r.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, kiosk)
	return err
}

// Listen calls hear for each hint, over a connection of its own that is not one of
// the pool. When it breaks it is made again, and whatever was told meanwhile is
// made good by hear("").
func (s *Store) Listen(ctx context.Context, hear func(kiosk string)) {
	for try := 1; ctx.Err() == nil; try++ {
		if s.listen(ctx, hear) {
			try = 1
		}
		_ = pause(ctx, try) // ends early with ctx
	}
}

// listen listens until the connection breaks, and says whether there was one.
func (s *Store) listen(ctx context.Context, hear func(kiosk string)) (heard bool) {
	c, err := s.connect(ctx)
	if err != nil {
		return false
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingLimit)
		defer cancel()
		_ = c.Close(end)
	}()
	hear("")
	for {
		n, err := notification(ctx, c)
		switch {
		case err != nil:
			return true
		case n != "":
			hear(n)
		}
	}
}

func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to listen: %w", err)
	}
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen: %w", err), c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// notification waits for a hint. "" says that there was none for a while and that
// the server still answers.
func notification(ctx context.Context, c *pgx.Conn) (string, error) {
	wait, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	n, err := c.WaitForNotification(wait)
	switch {
	case err == nil:
		return n.Payload, nil
	case ctx.Err() == nil && wait.Err() != nil:
		ping, cancel := context.WithTimeout(ctx, pingLimit)
		defer cancel()
		return "", c.Ping(ping)
	}
	return "", err
}
