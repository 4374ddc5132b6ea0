// Command queues lets other SQLite queues do what the bench has our outbox do: take
// entries of 4 kB, one after the other or from many callers, at the same level of
// durability. It has a module of its own, so that they stay out of the product's.
//
// Each line of its input, "QUEUE CALLERS ENTRIES", is one round; each line of its
// output is how long that took, in seconds.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/mikestefanello/backlite"
	"maragu.dev/goqite"
)

const size = 4 << 10

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: queues DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "queues:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	goqite, err := startGoqite(ctx, dir)
	if err != nil {
		return err
	}
	backlite, err := startBacklite(dir)
	if err != nil {
		return err
	}
	peers := map[string]func(context.Context) error{"goqite": goqite, "backlite": backlite}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var name string
		var callers, entries int
		if _, err := fmt.Sscan(lines.Text(), &name, &callers, &entries); err != nil || peers[name] == nil {
			return fmt.Errorf("cannot understand %q", lines.Text())
		}
		began := time.Now()
		if err := round(ctx, callers, entries, peers[name]); err != nil {
			return fmt.Errorf("cannot measure %s: %w", name, err)
		}
		if _, err := fmt.Fprintln(out, time.Since(began).Seconds()); err != nil {
			return err
		}
	}
	return nil
}

func round(ctx context.Context, callers, entries int, enqueue func(context.Context) error) error {
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := c; i < entries && errs[c] == nil; i += callers {
				errs[c] = enqueue(ctx)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// open uses the settings of internal/sqlitedb.
func open(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_busy_timeout=5000&_foreign_keys=on&_secure_delete=on")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	var level string
	if err := db.QueryRow("PRAGMA synchronous").Scan(&level); err != nil || level != "2" {
		return nil, fmt.Errorf("synchronous is %q: %w", level, err)
	}
	return db, nil
}

func startGoqite(ctx context.Context, dir string) (func(context.Context) error, error) {
	db, err := open(filepath.Join(dir, "goqite.db"))
	if err != nil {
		return nil, err
	}
	q := goqite.New(goqite.NewOpts{DB: db, Name: "outbox"})
	schema, err := schemaOfGoqite(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, err
	}
	body := make([]byte, size)
	return func(ctx context.Context) error { return q.Send(ctx, goqite.Message{Body: body}) }, nil
}

// schemaOfGoqite reads the file that goqite leaves to its users to apply.
func schemaOfGoqite(ctx context.Context) (string, error) {
	dir, err := exec.CommandContext(ctx, "go", "list", "-C", "tools/queues", "-m", "-f", "{{.Dir}}", "maragu.dev/goqite").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find goqite: %w", err)
	}
	schema, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema_sqlite.sql"))
	return string(schema), err
}

// task is 4 kB as JSON, which is how backlite keeps it.
type task struct{ Body string }

func (task) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "outbox", MaxAttempts: 1, Timeout: time.Second}
}

func startBacklite(dir string) (func(context.Context) error, error) {
	db, err := open(filepath.Join(dir, "backlite.db"))
	if err != nil {
		return nil, err
	}
	c, err := backlite.NewClient(backlite.ClientConfig{DB: db, NumWorkers: 1, ReleaseAfter: time.Hour})
	if err != nil {
		return nil, err
	}
	if err := c.Install(); err != nil {
		return nil, err
	}
	c.Register(backlite.NewQueue(func(context.Context, task) error { return nil }))
	t := task{Body: strings.Repeat("x", size-len(`{"Body":""}`))}
	return func(ctx context.Context) error { _, err := c.Add(t).Ctx(ctx).Save(); return err }, nil
}
