package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/hub/storetest"
	"kioskd/internal/wire"
)

var server postgrestest.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func place(url string) storetest.Place {
	return storetest.Place{
		Open:        func(ctx context.Context) (storetest.Store, error) { return postgres.Open(ctx, url) },
		Quarantined: func(t testing.TB) int { return server.Int(t, url, "SELECT count(*) FROM quarantine") },
		Try:         func(t testing.TB, statement string) error { return server.Try(t, url, statement) },
		Dump:        func(t testing.TB) []byte { return dump(t, url) },
		Shared:      true,
		Change: func(t testing.TB, statements string, force bool) error {
			if force {
				statements = "ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER; " + statements
			}
			return server.Try(t, url, statements)
		},
		Age: func(t testing.TB, by time.Duration) {
			server.Exec(t, url, fmt.Sprintf("UPDATE budget SET full_at = full_at - interval '%d microseconds'", by.Microseconds()))
		},
	}
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place(server.Database(t)) })
}

// What the first version kept in clear is sealed.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	url := server.Database(t)
	schema, err := os.ReadFile("migrations/001_hub.sql")
	must(t, err)
	id := wire.NewSubmissionID()
	server.Exec(t, url, string(schema)+fmt.Sprintf(`; CREATE TABLE schema_migrations (
			version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
		INSERT INTO schema_migrations (version, name) VALUES (1, '001_hub.sql');
		INSERT INTO submission (id, kiosk, schema, key_id, sealed, hash, kind, stored_at, accepted, verdict, checks, summary, ack)
			VALUES ('%[1]s', 'demo', 1, 'k', '\x01', '\x%064[2]d', 'reservation', now(), true,
			'{"accepted":true,"mykey_id":"ZEBRAMYKEY"}', '[{"name":"payload","ok":true,"detail":"ZEBRADETAIL"}]',
			'{"person":"ZEBRAPERSON"}', '{"ack": "ZEBRAACK"}');
		INSERT INTO quarantine (submission, kiosk, hash, sealed, reason, at) VALUES ('%[1]s', 'demo', '\x02', '\x03', 'ZEBRAREASON', now());
		INSERT INTO alarm VALUES ('document_forged', 'demo', '%[1]s', 'ZEBRATEXT', now(), now(), 3)`, id, 7))
	storetest.Upgrade(t, place(url), id)
}

// Every version of the schema has a database in testdata, also the newest: that of the
// version before, the migration, and rows for what it has added.
func TestUpgradeFromEveryVersion(t *testing.T) {
	names, err := filepath.Glob("migrations/*.sql")
	must(t, err)
	for version := 1; version <= len(names); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			text, err := os.ReadFile(fmt.Sprintf("testdata/version-%03d.sql", version))
			must(t, err)
			url := server.Database(t)
			server.Exec(t, url, string(text))
			if empty := emptyTables(t, url); len(empty) > 0 {
				t.Fatalf("no rows in %s", empty)
			}
			storetest.Upgraded(t, place(url), version)
			s := open(t, url)
			must(t, s.Belong(t.Context(), "keys of the hub"))
			if err := s.Belong(t.Context(), "other keys"); !errors.Is(err, postgres.ErrForeign) {
				t.Errorf("it belongs to anybody: %v", err)
			}
			unlock, err := s.LockCall(t.Context(), hub.AnswerKey{Kiosk: "kiosk-2", Scope: wire.PathIssueComplete, RequestID: "request-2"})
			must(t, err) // a dead hub's
			unlock()
		})
	}
}

// emptyTables gives those without rows.
func emptyTables(t *testing.T, url string) (names []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer func() { must(t, c.Close(context.WithoutCancel(t.Context()))) }()
	for _, table := range values(t, c, "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'") {
		if server.Int(t, url, "SELECT count(*) FROM "+string(table)) == 0 {
			names = append(names, string(table))
		}
	}
	return names
}

// dump gives every value of every table.
func dump(t testing.TB, url string) []byte {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer func() { must(t, c.Close(context.WithoutCancel(t.Context()))) }()
	var out bytes.Buffer
	for _, table := range values(t, c, "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'") {
		for _, v := range values(t, c, "SELECT * FROM "+string(table)) {
			out.Write(append(v, '\n'))
		}
	}
	return out.Bytes()
}

func values(t testing.TB, c *pgx.Conn, query string) (all [][]byte) {
	t.Helper()
	rows, err := c.Query(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		must(t, err)
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				all = append(all, b)
				continue
			}
			all = append(all, fmt.Append(nil, v))
		}
	}
	must(t, rows.Err())
	return all
}
