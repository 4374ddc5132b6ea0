package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/postgres/postgrestest"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// How much is drained: in rounds that take turns with the peer's.
const (
	drainRounds = 10
	drainRound  = 1024 // submissions, in equal shares
	rowRest     = 1500 // bytes of a row beside what is sealed: acknowledgement, verdict, checks, summary
	drainers    = 32   // kiosks that send at the same time, each over a connection of its own
)

// drain measures how many queued submissions a second a hub on PostgreSQL takes in
// and acknowledges, verified at the kiosk's end, beside a server that only inserts
// the same bytes: one row, one transaction, over the same TLS. That one is asked over
// as many connections, and by a plain loop.
func drain(ctx context.Context, out io.Writer) (err error) {
	dir, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	var server postgrestest.Server
	url, err := server.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.End()) }()
	keys, err := pki.Open(dir+"/keys", time.Now())
	if err != nil {
		return err
	}
	people, err := newPeople(50)
	if err != nil {
		return err
	}
	upstream, err := startHub(ctx, url, keys, people.roots)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, upstream.end()) }()
	bare, err := startBare(ctx, url, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.end()) }()

	clients := make([]*ksync.Client, drainers)
	plain := make([]*http.Client, drainers)
	queues := make([][]wire.Submission, drainers)
	for i := range drainers {
		kiosk := fmt.Sprintf("bench-%d", i)
		e, err := keys.Enrol(kiosk, upstream.url, time.Now())
		if err != nil {
			return err
		}
		if err := upstream.store.EnsureKiosk(ctx, kiosk, time.Now()); err != nil {
			return err
		}
		if clients[i], err = ksync.NewClient(e, ksync.ClientOptions{}); err != nil {
			return err
		}
		if plain[i], err = plainClient(e); err != nil {
			return err
		}
		if queues[i], err = people.queue(e, (drainRounds+1)*drainRound/drainers); err != nil {
			return err
		}
	}
	body := make([]byte, len(queues[0][0].Sealed)+rowRest)
	_, _ = rand.Read(body) // sealed bytes are as random

	next := make([]int, drainers) // of each kiosk's queue
	submit := func(ctx context.Context, kiosk int) error {
		s := queues[kiosk][next[kiosk]]
		next[kiosk]++
		ack, err := clients[kiosk].Submit(ctx, s)
		if err == nil && !ack.Verdict().Accepted {
			err = fmt.Errorf("cannot drain: refused: %s", ack.Verdict().Code)
		}
		return err
	}
	insert := func(ctx context.Context, kiosk int) error {
		return put(ctx, plain[kiosk], bare.url+wire.PathSubmissions+wire.NewSubmissionID(), body)
	}
	field := []struct {
		callers int
		one     func(context.Context, int) error
		rate    []float64
	}{{callers: drainers, one: submit}, {callers: drainers, one: insert}, {callers: 1, one: insert}}
	for round := range drainRounds + 1 {
		for i, f := range field {
			took, err := crowdOf(ctx, f.callers, drainRound, f.one)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms up: connections, plans, caches
				field[i].rate = append(field[i].rate, drainRound/took.Seconds())
			}
		}
	}
	for _, f := range field {
		slices.Sort(f.rate)
	}
	ours := field[0].rate[drainRounds/2]
	report(out, "drain_into_postgres", ours, field[1].rate[drainRounds/2], "submissions/s")
	report(out, "drain_into_postgres_beside_a_loop", ours, field[2].rate[drainRounds/2], "submissions/s", atLeast(0.7))
	secrets, err := cryptography(ctx, keys, people, queues[0])
	if err != nil {
		return err
	}
	// No hub can be faster here than insert and cryptography together.
	least := afterAnother(field[1].rate[drainRounds/2], secrets)
	report(out, "drain_limit_of_insert_and_cryptography", least, field[1].rate[drainRounds/2], "submissions/s")
	report(out, "drain_into_postgres_beside_that_limit", ours, least, "submissions/s")
	queued, err := drainQueues(ctx, out, dir, keys, people, upstream, insert)
	if err != nil {
		return err
	}
	report(out, "drain_10000_queued_beside_a_loop", queued, field[2].rate[drainRounds/2], "submissions/s", atLeast(0.7))
	return nil
}

// crowdOf has each of n callers do its share of jobs, and times it.
func crowdOf(ctx context.Context, n, jobs int, do func(ctx context.Context, caller int) error) (time.Duration, error) {
	errs := make(chan error, n)
	began := time.Now()
	for c := range n {
		go func() {
			var err error
			for i := c; i < jobs && err == nil; i += n {
				err = do(ctx, c)
			}
			errs <- err
		}()
	}
	var all error
	for range n {
		all = errors.Join(all, <-errs)
	}
	return time.Since(began), all
}

// site is an HTTPS server of the bench.
type site struct {
	url   string
	store hub.Store
	end   func() error
}

// startHub runs the kiosks' API on PostgreSQL. Behind it is a platform that says
// yes at once: what real ones take is not the hub's.
func startHub(ctx context.Context, url string, keys *pki.PKI, roots *x509.CertPool) (*site, error) {
	bare, err := postgres.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	v, err := keys.Vault()
	if err == nil {
		err = hub.Admit(ctx, bare, v)
	}
	if err != nil {
		return nil, errors.Join(err, bare.Close())
	}
	store := hub.Seal(bare, v)
	log := slog.New(slog.DiscardHandler)
	api := &hub.API{
		Ingest: &hub.Ingest{
			Store: store, Platform: &yes{}, Keys: keys.Keys, Vault: v, Now: time.Now, Log: log,
			Verifier: &hub.Verifier{Roots: roots, MaxAge: hub.DefaultMaxAge, MaxAhead: hub.DefaultMaxAhead},
		},
		Store: store, Vault: v, Now: time.Now, Log: log, Rate: 1e9, Burst: 1e9,
	}
	s, err := serveTLS(ctx, keys, api.Handler(), "127.0.0.1:0", nil)
	if err != nil {
		return nil, errors.Join(err, bare.Close())
	}
	s.store = store
	stop := s.end
	s.end = func() error { return errors.Join(stop(), bare.Close()) }
	return s, nil
}

// startBare runs the least that could be called a hub: it stores what it is sent.
func startBare(ctx context.Context, url string, keys *pki.PKI) (*site, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 16 // as many as the hub has
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	_, err = pool.Exec(ctx, `CREATE TABLE bare (id text PRIMARY KEY, body bytea NOT NULL, at timestamptz NOT NULL)`)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s, err := serveTLS(ctx, keys, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
		if err == nil {
			_, err = pool.Exec(r.Context(), `INSERT INTO bare VALUES ($1, $2, $3)`, r.URL.Path, b, time.Now())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), "127.0.0.1:0", nil)
	if err != nil {
		pool.Close()
		return nil, err
	}
	stop := s.end
	s.end = func() error {
		err := stop()
		pool.Close()
		return err
	}
	return s, nil
}

// serveTLS serves h as a hub does, through a door if there is one.
func serveTLS(ctx context.Context, keys *pki.PKI, h http.Handler, at string, door *hub.Door) (*site, error) {
	cert, err := keys.Server(time.Now(), "127.0.0.1")
	if err != nil {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	if door != nil {
		door.Watch(server)
		ln = door.Listen(ln)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(tls.NewListener(ln, hub.ServerTLS(cert, keys.Pool()))) }()
	return &site{url: "https://" + ln.Addr().String(), end: func() error {
		err := server.Close()
		if serving := <-done; !errors.Is(serving, http.ErrServerClosed) {
			err = errors.Join(err, serving)
		}
		return err
	}}, nil
}

func put(ctx context.Context, c *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("cannot insert: %s", resp.Status)
	}
	return nil
}

// yes is a platform that takes everything.
type yes struct{ n atomic.Int64 }

// Reserve implements hub.Platform.
func (y *yes) Reserve(context.Context, hub.ReserveOrder) (wire.Private, error) {
	return wire.Private(fmt.Sprintf("MK%08d", y.n.Add(1))), nil
}

// Apply implements hub.Platform.
func (*yes) Apply(context.Context, hub.ApplyOrder) (time.Time, error) { return time.Now(), nil }

// Standing implements hub.Platform.
func (*yes) Standing(context.Context, hub.Person) (wire.Standing, error) { return wire.Standing{}, nil }
