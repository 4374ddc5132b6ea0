package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing/fstest"
	"time"

	"kioskd/internal/sqlitedb"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// How much is stored, in turns: whatever else the machine does then disturbs all alike.
const (
	entrySize   = 4 << 10
	storeRounds = 12
	oneByOne    = 250  // entries of a round by one caller
	allAtOnce   = 2000 // entries of a round by many
	crowd       = 128  // that many
)

const queueSchema = `CREATE TABLE queue (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT`

// contestant stores entries durably.
type contestant struct {
	name  string
	round func(ctx context.Context, callers, entries int) (time.Duration, error)
	rate  []float64 // entries a second, of each round
}

func (c *contestant) median() float64 {
	slices.Sort(c.rate)
	return c.rate[len(c.rate)/2]
}

// store measures how many entries a second are on the disk, synced, beside a bare
// append and fsync of the same size and beside other queues on SQLite that are set
// to the same level.
func store(ctx context.Context, out io.Writer, queues string) (err error) {
	dir, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	ours, endOurs, err := ourQueue(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endOurs()) }()
	outbox, sealed, endOutbox, err := wholeOutbox(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endOutbox()) }()
	bare, endBare, err := bareAppend(filepath.Join(dir, "bare"), entrySize)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endBare()) }()
	bareSealed, endSealed, err := bareAppend(filepath.Join(dir, "bare-sealed"), sealed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endSealed()) }()
	peers, err := startQueues(ctx, queues, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peers.end()) }()

	figure := func(name string, callers, entries int, us func(context.Context, int, int) (time.Duration, error),
		limit func(context.Context, int, int) (time.Duration, error), goal []aim, others ...string,
	) error {
		field := []*contestant{{name: "ours", round: us}, {name: "bare", round: limit}}
		for _, o := range others {
			field = append(field, &contestant{name: o, round: peers.of(o)})
		}
		for range storeRounds {
			for _, c := range field {
				callers, entries := callers, entries
				if c.name == "bare" { // there is nothing that a crowd could share
					callers, entries = 1, oneByOne
				}
				took, err := c.round(ctx, callers, entries)
				if err != nil {
					return fmt.Errorf("cannot measure %s: %w", c.name, err)
				}
				c.rate = append(c.rate, float64(entries)/took.Seconds())
			}
		}
		for _, c := range field[1:] {
			label := name + "_beside_" + c.name
			aims := goal
			if c.name != "bare" {
				aims = []aim{atLeast(1)}
			}
			report(out, label, field[0].median(), c.median(), "entries/s", aims...)
		}
		return nil
	}
	return errors.Join(
		figure("enqueue_4k_single", 1, oneByOne, ours, bare, []aim{atLeast(0.9)}, "goqite", "backlite"),
		figure("enqueue_4k_grouped", crowd, allAtOnce, ours, bare, []aim{atLeast(8)}, "goqite", "backlite"),
		figure("outbox_commit_single", 1, oneByOne, outbox, bareSealed, nil),
		figure("outbox_commit_grouped", crowd, allAtOnce, outbox, bareSealed, nil),
	)
}

// by has callers work off entries and times it.
func by(ctx context.Context, callers, entries int, store func(context.Context) error) (time.Duration, error) {
	errs := make([]error, callers)
	var wg sync.WaitGroup
	began := time.Now()
	for c := range callers {
		wg.Go(func() {
			for i := c; i < entries && errs[c] == nil; i += callers {
				errs[c] = store(ctx)
			}
		})
	}
	wg.Wait()
	return time.Since(began), errors.Join(errs...)
}

// ourQueue is what the outbox stands on: one row of 4 kB under an ID of its own.
func ourQueue(ctx context.Context, dir string) (func(context.Context, int, int) (time.Duration, error), func() error, error) {
	db, err := sqlitedb.Open(ctx, filepath.Join(dir, "queue.db"), fstest.MapFS{"001_queue.sql": {Data: []byte(queueSchema)}})
	if err != nil {
		return nil, nil, err
	}
	body := make([]byte, entrySize)
	enqueue := func(ctx context.Context) error {
		id := wire.NewSubmissionID()
		return db.WriteTogether(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO queue (id, body) VALUES (?, ?)", id, body)
			return err
		})
	}
	return func(ctx context.Context, callers, entries int) (time.Duration, error) {
			return by(ctx, callers, entries, enqueue)
		},
		db.Close, nil
}

// wholeOutbox is a commit as a visit makes it: sealing, submission, slip, audit. It
// also gives the size of what it seals.
func wholeOutbox(ctx context.Context, dir string) (func(context.Context, int, int) (time.Duration, error), int, func() error, error) {
	key, err := wire.NewSealKey()
	if err != nil {
		return nil, 0, nil, err
	}
	en := &wire.Enrolment{Kiosk: "bench", SealKeyID: key.ID(), SealKey: key.Public().Bytes()}
	o, err := ksync.OpenOutbox(ctx, filepath.Join(dir, "outbox.db"), func() (*wire.Enrolment, bool) { return en, true }, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, 0, nil, err
	}
	payload := wire.Payload{Schema: wire.Schema, Kind: wire.KindIssuance, Issuance: &wire.Issuance{
		Kiosk: "bench", Time: time.Unix(1790000000, 0).UTC(), IssueRef: "ref", Service: "aeon",
	}}
	sealed, err := wire.Seal(key.Public(), "bench", wire.NewSubmissionID(), payload)
	if err != nil {
		return nil, 0, nil, errors.Join(err, o.Close())
	}
	var mu sync.Mutex
	visit := 0
	commit := func(ctx context.Context) error {
		mu.Lock()
		visit++
		name := strconv.Itoa(visit)
		mu.Unlock()
		_, err := o.Commit(ctx, ksync.Entry{Visit: name, Payload: payload, Slip: "issuance"})
		return err
	}
	return func(ctx context.Context, callers, entries int) (time.Duration, error) {
			return by(ctx, callers, entries, commit)
		},
		len(sealed.Sealed), o.Close, nil
}

// bareAppend is the least that a durable entry costs: its bytes at the end of a file,
// and the flush.
func bareAppend(path string, size int) (func(context.Context, int, int) (time.Duration, error), func() error, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	body := make([]byte, size)
	return func(ctx context.Context, callers, entries int) (time.Duration, error) {
		return by(ctx, callers, entries, func(context.Context) error {
			if _, err := f.Write(body); err != nil {
				return err
			}
			return f.Sync()
		})
	}, f.Close, nil
}

// queues are goqite and backlite in a process of their own: see tools/queues.
type queues struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startQueues(ctx context.Context, binary, dir string) (*queues, error) {
	cmd := exec.CommandContext(ctx, binary, dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot measure other queues: %w (make %s?)", err, binary)
	}
	return &queues{cmd: cmd, in: in, out: bufio.NewScanner(out)}, nil
}

// of gives a round of one of them.
func (q *queues) of(name string) func(context.Context, int, int) (time.Duration, error) {
	return func(_ context.Context, callers, entries int) (time.Duration, error) {
		if _, err := fmt.Fprintln(q.in, name, callers, entries); err != nil {
			return 0, err
		}
		if !q.out.Scan() {
			return 0, errors.Join(errors.New("it ended"), q.out.Err())
		}
		seconds, err := strconv.ParseFloat(q.out.Text(), 64)
		return time.Duration(seconds * float64(time.Second)), err
	}
}

func (q *queues) end() error { return errors.Join(q.in.Close(), q.cmd.Wait()) }
