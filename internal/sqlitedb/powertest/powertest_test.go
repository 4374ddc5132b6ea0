package powertest_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"kioskd/internal/sqlitedb"
	"kioskd/internal/sqlitedb/powertest"
)

// What the child is told.
const (
	fileEnv    = "POWERTEST_CHILD"      // the database
	syncEnv    = "POWERTEST_CHILD_SYNC" // the level, "" = as sqlitedb has it
	writersEnv = "POWERTEST_CHILD_LOAD" // how many write at a time, and how often
	traceEnv   = "POWERTEST_TRACE"      // of the layer's own
)

// Each commit stores a row in both tables.
const schema = `CREATE TABLE a (id TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE b (id TEXT NOT NULL) STRICT;`

func TestMain(m *testing.M) {
	if path := os.Getenv(fileEnv); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child commits and says so: the ID, and how far the trace was then.
func child(path string) error {
	ctx := context.Background()
	d, err := sqlitedb.Open(ctx, path, fstest.MapFS{"001_x.sql": {Data: []byte(schema)}})
	if err != nil {
		return err
	}
	if level := os.Getenv(syncEnv); level != "" {
		if _, err := d.Exec(ctx, "PRAGMA synchronous = "+level); err != nil {
			return err
		}
	}
	// Checkpoints often enough that there are some.
	if _, err := d.Exec(ctx, "PRAGMA wal_autocheckpoint = 20"); err != nil {
		return err
	}
	var writers, times int
	if _, err := fmt.Sscan(os.Getenv(writersEnv), &writers, &times); err != nil {
		return err
	}
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range times {
				if err := commit(ctx, d, fmt.Sprintf("%d-%d", w, n), 100+(w*7919+n*104729)%9000); err != nil {
					errs[w] = err // the next one may do better
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), d.Close())
}

func commit(ctx context.Context, d *sqlitedb.DB, id string, size int) error {
	err := d.WriteTogether(ctx, func(ctx context.Context, tx *sqlitedb.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO a VALUES (?, zeroblob(?))", id, size); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO b VALUES (?)", id)
		return err
	})
	at, stat := powertest.Position(os.Getenv(traceEnv))
	switch {
	case errors.Is(err, sqlitedb.ErrUnsure):
		at = unsure
	case err != nil:
		at = -at
	}
	_, say := io.WriteString(os.Stdout, fmt.Sprintf("%s %d\n", id, at))
	return errors.Join(err, stat, say)
}

// unsure stands for a commit of which nobody knows whether it stands.
const unsure = math.MaxInt64

// bench is one folder on one disk, and what was said to be in it.
type bench struct {
	disk *powertest.Disk
	dir  string
	said map[string]int64 // ID → where the trace was then; below 0 it failed then
}

func newBench(t *testing.T, lib string) *bench {
	t.Helper()
	dir := t.TempDir()
	return &bench{disk: powertest.New(t, lib, dir), dir: dir, said: map[string]int64{}}
}

// run runs a child to its end, whatever that is.
func (b *bench) run(t *testing.T, level, load string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), b.disk.Env(t)...)
	cmd.Env = append(cmd.Env, fileEnv+"="+filepath.Join(b.dir, "x.db"), syncEnv+"="+level, writersEnv+"="+load)
	var said, wrong strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	for lines := bufio.NewScanner(strings.NewReader(said.String())); lines.Scan(); {
		id, at, _ := strings.Cut(lines.Text(), " ")
		n, bad := strconv.ParseInt(at, 10, 64)
		if bad != nil {
			t.Fatal(bad)
		}
		b.said[id] = n
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, wrong.String())
	}
	return nil
}

// verdict is what is wrong with a database after a cut.
// ghosts were said to have failed and are there.
type verdict struct {
	damaged, lost, doubled, halved, ghosts int
}

func (v verdict) add(o verdict) verdict {
	return verdict{v.damaged + o.damaged, v.lost + o.lost, v.doubled + o.doubled, v.halved + o.halved, v.ghosts + o.ghosts}
}

// judge opens what a cut has left. said holds what must be there.
func judge(t *testing.T, path string, said map[string]int64, at int64) (v verdict) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_busy_timeout=5000&_synchronous=OFF")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var ok string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check(1)").Scan(&ok); err != nil || ok != "ok" {
		v.damaged++
		return v
	}
	var tables int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	switch tables {
	case 1:
		v.halved++
	case 2:
		times = count(t, db)
	}
	for _, n := range times {
		if n/1000 != n%1000 {
			v.halved++
		} else if n != 1001 {
			v.doubled++
		}
	}
	for id, told := range said {
		if told >= 0 && told <= at && times[id] == 0 {
			v.lost++
		}
		if told < 0 && -told <= at && times[id] > 0 {
			v.ghosts++
		}
	}
	return v
}

// count says how often each ID is in the tables: 1 for the one, 1000 for the other.
func count(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT id, sum(n) FROM
		(SELECT id, 1 AS n FROM a UNION ALL SELECT id, 1000 FROM b) GROUP BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	times := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			t.Fatal(err)
		}
		times[id] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return times
}

// cutAll cuts the power so many times, more or less, spread over all moments of the run.
func (b *bench) cutAll(t *testing.T, rnd *rand.Rand, want int) (all verdict, cuts, less int) {
	t.Helper()
	moments := 0
	for range b.disk.Moments(t, rnd) {
		moments++
	}
	dir := t.TempDir()
	for m := range b.disk.Moments(t, rnd) {
		for n := want; n > 0 && rnd.IntN(moments) < n; n -= moments {
			if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
				t.Fatal(err)
			}
			lost, err := m.Leave(dir, rnd)
			if err != nil {
				t.Fatal(err)
			}
			if lost {
				less++
			}
			cuts++
			all = all.add(judge(t, filepath.Join(dir, "x.db"), b.said, m.At))
		}
	}
	return all, cuts, less
}

// number reads a setting of a long run.
func number(t *testing.T, env string, usual int) int {
	t.Helper()
	s := os.Getenv(env)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// chance gives what is random, from one printed seed.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := number(t, "KIOSKD_POWER_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("again: KIOSKD_POWER_SEED=%d KIOSKD_POWER_CUTS=%d", seed, number(t, "KIOSKD_POWER_CUTS", usualCuts))
	return rand.New(rand.NewPCG(uint64(seed), 5))
}

const usualCuts = 60

// What was said to be committed is there after a power cut, once, and whole. The same
// commits at the levels below lose some: the test can fail.
func TestPowerCuts(t *testing.T) {
	lib := powertest.Build(t)
	rnd := chance(t)
	cuts := number(t, "KIOSKD_POWER_CUTS", usualCuts)
	for _, c := range []struct {
		name, level, load string
		loses             bool
	}{
		{"FULL", "", "1 60", false},
		{"FULL, writers together", "", "8 12", false},
		{"NORMAL", "NORMAL", "1 60", true},
		{"OFF", "OFF", "1 60", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, lib)
			if err := b.run(t, c.level, c.load); err != nil {
				t.Fatal(err)
			}
			v, made, less := b.cutAll(t, rnd, cuts)
			t.Logf("%d commits, %d events, %d cuts, %d of them lost something that was written: %+v", len(b.said), b.disk.Events(), made, less, v)
			if c.loses {
				if v.lost+v.damaged == 0 {
					t.Error("nothing was lost: the layer does not work")
				}
				return
			}
			if v != (verdict{}) {
				t.Errorf("%+v", v)
			}
			if made < cuts/2 || less == 0 {
				t.Error("the power was hardly ever cut")
			}
		})
	}
}

// A disk that is full or broken for a while: what was said to be committed is there
// after a power cut, and what was said to have failed is not.
func TestFaultsAndPowerCuts(t *testing.T) {
	lib := powertest.Build(t)
	rnd := chance(t)
	cuts := number(t, "KIOSKD_POWER_CUTS", usualCuts)
	for _, c := range []struct {
		name                 string
		begin                func(d *powertest.Disk)
		good, failed, unsure bool // what of commits there has to be
	}{
		{"no room", func(d *powertest.Disk) { d.Fill(300_000) }, true, true, false},
		{"WAL not written once", func(d *powertest.Disk) { d.Break(powertest.Write, powertest.WAL, 150, 1) }, true, true, false},
		{"WAL not synced once", func(d *powertest.Disk) { d.Break(powertest.Sync, powertest.WAL, 10, 1) }, true, true, false},
		{"WAL not synced for a while", func(d *powertest.Disk) { d.Break(powertest.Sync, powertest.WAL, 10, 9) }, true, false, true},
		{"database not written", func(d *powertest.Disk) { d.Break(powertest.Write, powertest.Database, 30, 9) }, true, false, false},
		{"database not synced", func(d *powertest.Disk) { d.Break(powertest.Sync, powertest.Database, 2, 3) }, true, false, false},
		{"everything breaks for good", func(d *powertest.Disk) {
			d.Break(powertest.Write|powertest.Sync|powertest.Read, powertest.AllFiles, 400, -1)
		}, true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, lib)
			c.begin(b.disk)
			ended := b.run(t, "", "1 60")
			v, made, less := b.cutAll(t, rnd, cuts)
			var good, failed, open int
			for _, at := range b.said {
				switch {
				case at == unsure:
					open++
				case at < 0:
					failed++
				default:
					good++
				}
			}
			t.Logf("%d commits, %d failed, %d may stand; %d calls refused, %d broken; %d cuts, %d of them lost something: %+v; %v",
				good, failed, open, b.disk.Refused(), b.disk.Broken(), made, less, v, ended)
			if v != (verdict{}) {
				t.Errorf("%+v", v)
			}
			if b.disk.Refused()+b.disk.Broken() == 0 || less == 0 {
				t.Error("nothing went wrong: nothing was tested")
			}
			if (good > 0) != c.good || (failed > 0) != c.failed || (open > 0) != c.unsure {
				t.Error("other commits came to grief than should")
			}
		})
	}
}
