package sync

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	stdsync "sync"
	"testing"
	"time"

	"kioskd/internal/wire"
)

// badLine dials real connections that cut, stall, half-close or spoil their
// bytes at random places, until mended.
type badLine struct {
	mu     stdsync.Mutex
	rnd    *rand.Rand
	mended bool
	spoilt int
}

func (l *badLine) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mended {
		return conn, nil
	}
	c := &badConn{TCPConn: conn.(*net.TCPConn), left: l.rnd.IntN(30000), how: l.rnd.IntN(5)}
	if c.how < 4 {
		l.spoilt++
	}
	return c, nil
}

type badConn struct {
	*net.TCPConn
	mu   stdsync.Mutex
	left int // bytes in both directions until it happens
	how  int
}

func (c *badConn) due(n int) (now bool, how int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.left
	c.left -= n
	return before >= 0 && c.left < 0, c.how
}

func (c *badConn) Write(b []byte) (int, error) {
	if now, how := c.due(len(b)); now {
		switch how {
		case 0: // cut in the middle of a record
			_, _ = c.TCPConn.Write(b[:len(b)/2])
			return 0, c.Close()
		case 1: // half-closed: the request may be whole, the answer comes
			n, err := c.TCPConn.Write(b)
			if err != nil {
				return n, err
			}
			return n, c.CloseWrite()
		case 2: // rubbish on the way
			b = append([]byte(nil), b...)
			b[len(b)/2] ^= 0xff
		}
	}
	return c.TCPConn.Write(b)
}

func (c *badConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if now, how := c.due(n); now && (how == 0 || how == 3) {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF // the hub has acted, its answer is lost
	}
	return n, err
}

func TestExactlyOnceOverABadLine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k := newKeys(t)
	hub := newLedger(k)
	serve(t, k, hub)
	line := &badLine{rnd: rand.New(rand.NewPCG(seed, 1))}
	client := newClient(t, k, ClientOptions{DialContext: line.dial, Background: time.Second})
	o := newOutbox(t, k)
	c := NewCourier(o, client, quiet(), CourierOptions{
		Backoff: Backoff{Floor: time.Millisecond, Cap: 5 * time.Millisecond}, Every: 10 * time.Millisecond})
	stop := run(t, c)
	want := map[string]bool{}
	for i := range 200 {
		want[commit(t, o, fmt.Sprint(i%7), wire.KindReservation)] = true
	}
	mend := time.AfterFunc(3*time.Second, func() { line.mu.Lock(); line.mended = true; line.mu.Unlock() })
	defer mend.Stop()
	drain(t, o, c, 30*time.Second)
	stop()
	same(t, hub, want)
	t.Logf("%d spoilt connections", line.spoilt)
	if line.spoilt == 0 {
		t.Error("the line was good: nothing was tested")
	}
}

// drain waits until the outbox is empty.
func drain(t *testing.T, o *Outbox, c *Courier, limit time.Duration) {
	t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for pending(t, o) > 0 {
		select {
		case <-end:
			t.Fatalf("%d still pending", pending(t, o))
		case <-tick.C:
		case <-c.Acks():
		}
	}
}

func same(t *testing.T, hub *ledger, want map[string]bool) {
	t.Helper()
	got := hub.ids()
	if len(got) != len(want) {
		t.Errorf("the hub has %d, committed were %d", len(got), len(want))
	}
	for _, id := range got {
		if !want[id] {
			t.Errorf("never committed, or twice: %s", id)
		}
		delete(want, id)
	}
	for id := range want {
		t.Errorf("lost: %s", id)
	}
}

const childEnv = "KIOSKD_SYNC_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	if path := os.Getenv(openEnv); path != "" {
		if err := openChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child commits and sends without end, and says so after each commit.
func child(dir string) error {
	e, err := wire.LoadEnrolment(filepath.Join(dir, "enrolment.json"))
	if err != nil {
		return err
	}
	o, err := OpenOutbox(context.Background(), filepath.Join(dir, "outbox.db"), func() (*wire.Enrolment, bool) { return e, true }, quiet())
	if err != nil {
		return err
	}
	client, err := NewClient(e, ClientOptions{})
	if err != nil {
		return err
	}
	c := NewCourier(o, client, quiet(), CourierOptions{})
	go func() { _ = c.Run(context.Background()) }()
	for i := 0; ; i++ {
		got, err := o.Commit(context.Background(), entry(fmt.Sprint(i%5), wire.KindReservation))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(os.Stdout, got.ID+"\n"); err != nil {
			return err
		}
	}
}

func TestKilledAtAnyMoment(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	k := newKeys(t)
	hub := newLedger(k)
	serve(t, k, hub)
	dir := t.TempDir()
	if err := wire.StoreEnrolment(filepath.Join(dir, "enrolment.json"), k.enrol); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for range rounds {
		for _, id := range killedChild(t, dir, time.Duration(rnd.Int64N(int64(60*time.Millisecond)))) {
			said[id] = true
		}
		o := openOutbox(t, filepath.Join(dir, "outbox.db"), k)
		if _, _, err := o.VerifyAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		for _, id := range column(t, o, "SELECT id FROM submissions") {
			held[id] = true
		}
		for _, id := range hub.ids() {
			held[id] = true
		}
		for id := range said {
			if !held[id] {
				t.Fatalf("committed and lost: %s", id)
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	o := openOutbox(t, filepath.Join(dir, "outbox.db"), k)
	defer func() { _ = o.Close() }()
	c := NewCourier(o, newClient(t, k, ClientOptions{}), quiet(), CourierOptions{})
	stop := run(t, c)
	drain(t, o, c, time.Minute)
	stop()
	// What the child committed but did not live to say may be there as well, so
	// the audit log is the measure of "exactly once".
	committed := map[string]bool{}
	for _, id := range column(t, o, "SELECT subject FROM audit WHERE event = 'committed'") {
		committed[id] = true
	}
	for id := range said {
		if !committed[id] {
			t.Errorf("said, and not in the audit log: %s", id)
		}
	}
	t.Logf("%d rounds, %d committed, %d of them said", rounds, len(committed), len(said))
	if len(said) == 0 {
		t.Error("the child was always killed before its first commit: nothing was tested")
	}
	same(t, hub, committed)
}

// column reads one column of text.
func column(t *testing.T, o *Outbox, query string) (list []string) {
	t.Helper()
	rows, err := o.db.Read().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}
