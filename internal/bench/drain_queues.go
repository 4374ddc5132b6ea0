package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"kioskd/internal/hub/pki"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// How much waits when the line comes back, and with whom.
const (
	queuedAll    = 10_000
	queueKiosks  = 8
	queueSenders = 4 // connections that a courier uses at a time
)

// queued is a kiosk whose line was down for long.
type queued struct {
	outbox *ksync.Outbox
	client *ksync.Client
}

// drainQueues measures how long whole kiosks take to empty their queues into the hub:
// read from the outbox, sent, judged, stored, acknowledged, verified, noted and deleted.
// Beside it stands the loop that only inserts as much, over as many connections. It gives how
// many a second they were. Kiosks, hub and database have one machine and one disk between
// them here.
func drainQueues(ctx context.Context, out io.Writer, dir string, keys *pki.PKI, people *people, ours *site, insert func(context.Context, int) error) (rate float64, err error) {
	kiosks := make([]queued, queueKiosks)
	for i := range kiosks {
		e, err := keys.Enrol(fmt.Sprintf("queue-%d", i), ours.url, time.Now())
		if err != nil {
			return 0, err
		}
		if err := ours.store.EnsureKiosk(ctx, e.Kiosk, time.Now()); err != nil {
			return 0, err
		}
		k := queued{}
		path := filepath.Join(dir, e.Kiosk, "outbox.db")
		k.outbox, err = ksync.OpenOutbox(ctx, path, func() (*wire.Enrolment, bool) { return e, true }, slog.New(slog.DiscardHandler))
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, k.outbox.Close()) }()
		if k.client, err = ksync.NewClient(e, ksync.ClientOptions{}); err != nil {
			return 0, err
		}
		if err := k.fill(ctx, e, people, queuedAll/queueKiosks); err != nil {
			return 0, err
		}
		kiosks[i] = k
	}
	syscall.Sync() // what was done before is on the disk: it is in nobody's way
	bare, err := crowdOf(ctx, queueKiosks*queueSenders, queuedAll, insert)
	if err != nil {
		return 0, err
	}
	syscall.Sync()
	began := time.Now()
	errs := make([]error, len(kiosks))
	var wg sync.WaitGroup
	for i, k := range kiosks {
		wg.Go(func() { errs[i] = k.drain(ctx) })
	}
	wg.Wait()
	took := time.Since(began)
	rate = queuedAll / took.Seconds()
	report(out, "drain_10000_queued_into_postgres", rate, queuedAll/bare.Seconds(), "submissions/s")
	return rate, errors.Join(errs...)
}

// fill commits n reservations, each of a visit of its own.
func (k queued) fill(ctx context.Context, e *wire.Enrolment, p *people, n int) error {
	_, err := crowdOf(ctx, crowd, n, func(ctx context.Context, caller int) error {
		signed, err := p.cards[caller%len(p.cards)].sign(wire.Document{
			Schema: wire.Schema, Kind: wire.KindReservation, Kiosk: e.Kiosk, Time: time.Now().UTC().Truncate(time.Second),
			Nonce: wire.NewNonce(), Reservation: &wire.Reservation{},
		})
		if err != nil {
			return err
		}
		id := wire.NewSubmissionID()
		_, err = k.outbox.Commit(ctx, ksync.Entry{ID: id, Visit: id + strconv.Itoa(caller), Slip: "reservation",
			Payload: wire.Payload{Schema: wire.Schema, Kind: wire.KindReservation, Signed: &signed}})
		return err
	})
	return err
}

// drain runs the courier until nothing waits any more.
func (k queued) drain(ctx context.Context) error {
	c := ksync.NewCourier(k.outbox, k.client, slog.New(slog.DiscardHandler), ksync.CourierOptions{})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(running) }()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-c.Acks():
			continue
		case <-ctx.Done():
		case <-look.C:
		}
		n, err := k.outbox.Pending(ctx)
		if err == nil && n > 0 {
			continue
		}
		stop()
		return errors.Join(err, <-ended)
	}
}
