package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/postgres/postgrestest"
	"kioskd/internal/wire"
)

func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHubsThatStartAtOnceMigrateOnce(t *testing.T) {
	url := server.Database(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := server.Int(t, url, "SELECT count(*) - max(version) FROM schema_migrations"); n != 0 {
		t.Errorf("%d migrations too many", n)
	}
	server.Exec(t, url, "INSERT INTO schema_migrations (version, name) VALUES (1000, 'of the future')")
	if _, err := postgres.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "install the newer hubd") {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestUnfitServersAreRefused(t *testing.T) {
	for setting, word := range map[string]string{
		"synchronous_commit = off":           "synchronous_commit is off",
		"default_transaction_read_only = on": "read-only",
	} {
		url := server.Database(t)
		open(t, url)
		c := server.Int(t, url, "SELECT regexp_replace(current_database(), '\\D', '', 'g')::int")
		server.Exec(t, url, fmt.Sprintf("ALTER DATABASE t%d SET %s", c, setting))
		began := time.Now()
		_, err := postgres.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), word) || !strings.HasPrefix(err.Error(), "cannot open database") {
			t.Errorf("%s: %v", setting, err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s: said after %v", setting, d)
		}
	}
	_, err := postgres.Open(t.Context(), server.DatabaseWith(t, "ENCODING 'SQL_ASCII'"))
	if err == nil || !strings.Contains(err.Error(), "ENCODING 'UTF8'") {
		t.Errorf("another encoding: %v", err)
	}
}

// What a server without fsync calls stored is gone after a power cut. That is set for the
// server as a whole, so this one is nobody else's.
func TestAServerThatFlushesNothingIsRefused(t *testing.T) {
	own := postgrestest.New(t)
	url := own.Database(t)
	s, err := postgres.Open(t.Context(), url)
	must(t, err)
	must(t, s.Close())
	own.Exec(t, url, "ALTER SYSTEM SET fsync = off")
	own.Stop(t)
	own.Start(t)
	if _, err := postgres.Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "fsync is off") || !strings.HasPrefix(err.Error(), "cannot open database") {
		t.Errorf("err = %v", err)
	}
}

// A role that may only read and write rows can run a hub, once somebody else has
// migrated; and what it must not do it is told how to get.
func TestRoleWithoutTheRightToMakeTables(t *testing.T) {
	url := server.Database(t)
	// Roles belong to the server, which serves every run of this test in a process.
	role := fmt.Sprintf("clerk%d", time.Now().UnixNano())
	server.Exec(t, url, "CREATE ROLE "+role+" LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	clerk := server.As(t, url, role)
	if _, err := postgres.Open(t.Context(), clerk); err == nil || !strings.Contains(err.Error(), "OWNER TO") {
		t.Errorf("an empty database: %v", err)
	}
	open(t, url)
	server.Exec(t, url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+role)
	s := open(t, clerk)
	must(t, s.EnsureKiosk(t.Context(), "demo", time.Now()))
	_, err := s.Put(t.Context(), row("a"), nil, nil)
	must(t, err)
}

func TestDatabaseBelongsToOneSetOfKeys(t *testing.T) {
	url := server.Database(t)
	a, b := open(t, url), open(t, url)
	var wg sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		wg.Go(func() { errs[i] = []*postgres.Store{a, b}[i%2].Belong(t.Context(), fmt.Sprint("keys ", i%2)) })
	}
	wg.Wait()
	refused := 0
	for i, err := range errs {
		if err != nil && !errors.Is(err, postgres.ErrForeign) {
			t.Fatal(err)
		}
		if err != nil {
			refused++
		}
		if (err == nil) != (errs[i%2] == nil) {
			t.Errorf("%d: %v, and %d: %v", i, err, i%2, errs[i%2])
		}
	}
	if refused != 5 {
		t.Errorf("%d refused", refused)
	}
}

func TestCallsOfSeveralHubs(t *testing.T) {
	url := server.Database(t)
	a, b := open(t, url), open(t, url)
	key := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "aaaaaaaa"}
	other := hub.AnswerKey{Kiosk: "demo", Scope: "/v1/x", RequestID: "bbbbbbbb"}
	unlock, err := a.LockCall(t.Context(), key)
	must(t, err)
	unlockOther, err := b.LockCall(t.Context(), other) // another call waits for nobody
	must(t, err)
	unlockOther()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := b.LockCall(short, key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two hubs make one call: %v", err)
	}
	got := make(chan func(), 1)
	go func() {
		u, err := b.LockCall(t.Context(), key)
		if err != nil {
			t.Error(err)
		}
		got <- u
	}()
	unlock()
	(<-got)()
	if n := server.Int(t, url, "SELECT count(*) FROM call"); n != 0 {
		t.Errorf("%d calls are left over", n)
	}
	// What a dead hub has begun ends by itself.
	_, err = a.LockCall(t.Context(), key)
	must(t, err)
	server.Exec(t, url, "UPDATE call SET until = now() - interval '1 second'")
	unlock, err = b.LockCall(t.Context(), key)
	must(t, err)
	unlock()
}

// Connections are cut all the time, in the middle of everything; whatever Put
// says, each row is there once in the end, with its alarm.
func TestCutConnections(t *testing.T) {
	url := server.Database(t)
	s := open(t, url)
	ctx, stop := context.WithCancel(t.Context())
	cutter := sync.WaitGroup{}
	cutter.Go(func() {
		for ctx.Err() == nil {
			server.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND application_name = 'hubd' AND random() < 0.3`)
		}
	})
	const writers, each = 8, 25
	var wg sync.WaitGroup
	failed := make([]int, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				in := row(fmt.Sprint(w, i))
				a := &hub.Alarm{Kind: hub.AlarmForged, Kiosk: "demo", Subject: in.ID, Last: time.Now(), Private: in.Private}
				for {
					out, err := s.Put(t.Context(), in, nil, a)
					if err == nil {
						if string(out.Private) != string(in.Private) {
							t.Errorf("another acknowledgement: %q", out.Private)
						}
						break
					}
					failed[w]++
				}
			}
		})
	}
	wg.Wait()
	stop()
	cutter.Wait()
	t.Logf("calls that failed: %v", failed)
	_, total, err := s.Submissions(t.Context(), hub.Filter{})
	must(t, err)
	alarms, err := s.Alarms(t.Context(), -1)
	must(t, err)
	if total != writers*each || len(alarms) != total {
		t.Errorf("%d rows and %d alarms, not %d", total, len(alarms), writers*each)
	}
	for _, a := range alarms {
		if a.Times != 1 {
			t.Errorf("alarm %+v", a)
		}
	}
}

// The server loses its power. What was stored is there, what was not fails in
// time, and nobody has to start the hub again.
func TestServerRestart(t *testing.T) {
	server := postgrestest.New(t)
	s := open(t, server.Database(t))
	before := row("before")
	_, err := s.Put(t.Context(), before, nil, nil)
	must(t, err)
	server.Stop(t)
	began := time.Now()
	if err := s.Check(t.Context()); err == nil {
		t.Error("without its server the store says that it can be used")
	}
	if d := time.Since(began); d > 5*time.Second { // is it ready? it must say soon
		t.Errorf("the store says so after %v", d)
	}
	if _, err := s.Submission(t.Context(), before.ID); err == nil || errors.Is(err, hub.ErrNotFound) {
		t.Errorf("without its server the store says: %v", err)
	}
	during := row("during")
	done := make(chan error, 1)
	go func() {
		for {
			_, err := s.Put(t.Context(), during, nil, nil)
			if err == nil || t.Context().Err() != nil {
				done <- err
				return
			}
		}
	}()
	server.Start(t)
	must(t, <-done)
	must(t, s.Check(t.Context()))
	for _, in := range []hub.Stored{before, during} {
		got, err := s.Submission(t.Context(), in.ID)
		if err != nil || string(got.Private) != string(in.Private) {
			t.Errorf("afterwards: %q (%v)", got.Private, err)
		}
	}
}

func row(content string) hub.Stored {
	hash := sha256.Sum256([]byte(content))
	return hub.Stored{
		ID: wire.NewSubmissionID(), Kiosk: "demo", KeyID: "k1", Sealed: []byte(content), Hash: hash[:],
		Kind: wire.KindReservation, StoredAt: time.Now(), Verdict: wire.Verdict{Accepted: true},
		Private: []byte("KV2\x00\x01\x02\x03\x04\x05\x06\x07" + content), // looks sealed, and is told apart
	}
}
