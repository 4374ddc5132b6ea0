package postgres_test

import (
	"context"
	"os"
	"testing"

	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/hub/storetest"
)

var server postgrestest.Server

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place {
		url := server.Database(t)
		return storetest.Place{
			Open:        func(ctx context.Context) (storetest.Store, error) { return postgres.Open(ctx, url) },
			Quarantined: func(t testing.TB) int { return server.Int(t, url, "SELECT count(*) FROM quarantine") },
			Shared:      true,
			Change: func(t testing.TB, statements string, force bool) error {
				if force {
					statements = "ALTER TABLE audit DISABLE TRIGGER USER; ALTER TABLE audit_head DISABLE TRIGGER USER; " + statements
				}
				return server.Try(t, url, statements)
			},
		}
	})
}
