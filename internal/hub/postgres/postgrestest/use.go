package postgrestest

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Main runs the tests of a package, ends the server if they started one, and
// gives the exit code.
func (s *Server) Main(m *testing.M) int {
	code := m.Run()
	if err := s.close(); err != nil {
		fmt.Fprintln(os.Stderr, "postgrestest:", err)
		code = max(code, 1)
	}
	return code
}

// New gives a server that ends with the test: for what others must not feel.
func New(t testing.TB) *Server {
	s := &Server{}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Database makes an empty database and gives its URL.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.DatabaseWith(t, "")
}

// DatabaseWith makes an empty database with these options of CREATE DATABASE.
func (s *Server) DatabaseWith(t testing.TB, options string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.databases++
	name := fmt.Sprintf("t%d", s.databases)
	s.Exec(t, s.url(owner, "postgres"), "CREATE DATABASE "+name+" TEMPLATE template0 "+options)
	return s.url(owner, name)
}

// Folder is where all lies that the server keeps.
func (s *Server) Folder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dir
}

// As gives the URL of a database for another role.
func (s *Server) As(t testing.TB, database, role string) string {
	t.Helper()
	c, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	return s.url(role, c.Database)
}

// Exec runs statements as the role of the URL.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := s.Try(t, database, sql); err != nil {
		t.Fatal(err)
	}
}

// Try runs statements that may fail.
func (s *Server) Try(t testing.TB, database, sql string) error {
	t.Helper()
	c := connect(t, database)
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	_, err := c.Exec(t.Context(), sql)
	return err
}

// Int asks for a number.
func (s *Server) Int(t testing.TB, database, sql string) (n int) {
	t.Helper()
	c := connect(t, database)
	defer func() { _ = c.Close(context.WithoutCancel(t.Context())) }()
	if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Stop ends the server at once, as a power cut of it would.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// Start runs the server again, with the data that it had.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

func connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
