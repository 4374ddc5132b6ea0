package postgrestest

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Begin starts the server for a program that is no test, and gives the URL of a
// new, empty database. End ends it and removes its data.
func (s *Server) Begin(ctx context.Context) (url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		return "", err
	}
	s.databases++
	name := fmt.Sprintf("t%d", s.databases)
	c, err := pgx.Connect(ctx, s.url(owner, "postgres"))
	if err != nil {
		return "", fmt.Errorf("cannot make a database: %w", err)
	}
	_, err = c.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0")
	if err = errors.Join(err, c.Close(ctx)); err != nil {
		return "", fmt.Errorf("cannot make a database: %w", err)
	}
	return s.url(owner, name), nil
}

// End ends what Begin has started.
func (s *Server) End() error { return s.close() }
