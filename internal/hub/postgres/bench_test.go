package postgres_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"kioskd/internal/wire"
)

// What a submission of 4 KiB costs, beside a bare insert of the same bytes with
// as many connections.
func BenchmarkPut(b *testing.B) {
	s := open(b, server.Database(b))
	sealed := make([]byte, 4<<10)
	_, _ = rand.Read(sealed)
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			in := row(wire.NewSubmissionID())
			in.Sealed, in.DocumentHash = sealed, in.Hash
			if _, err := s.Put(b.Context(), in, nil, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkBareInsert(b *testing.B) {
	url := server.Database(b)
	server.Exec(b, url, "CREATE TABLE bare (id text PRIMARY KEY, sealed bytea NOT NULL, at timestamptz NOT NULL)")
	pool, err := pgxpool.New(b.Context(), url+"&pool_max_conns=16")
	must(b, err)
	defer pool.Close()
	sealed := make([]byte, 4<<10)
	_, _ = rand.Read(sealed)
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := pool.Exec(b.Context(), "INSERT INTO bare VALUES ($1, $2, $3)", wire.NewSubmissionID(), sealed, time.Now()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
