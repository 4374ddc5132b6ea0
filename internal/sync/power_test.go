package sync

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kioskd/internal/sqlitedb/powertest"
	"kioskd/internal/wire"
)

// settingOf reads a number that a long run sets.
func settingOf(t *testing.T, env string, usual int) int {
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

// cutChild runs this test binary as a child until the power fails, and returns what it
// said it had committed.
func cutChild(t *testing.T, dir string, disk *powertest.Disk, events int64) (ids []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), disk.Env(t)...), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	disk.DieIn(events)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if len(lines.Text()) == 26 { // the last line may be cut
			ids = append(ids, lines.Text())
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return ids
}

// The outbox commits and sends, and the power fails, also while the outbox is opened
// after the cut before: what was committed is in the outbox or at the hub, once, the
// audit log holds, and nothing counts as damaged.
func TestPowerFailsAtAnyMoment(t *testing.T) {
	seed := settingOf(t, "KIOSKD_POWER_SEED", int(time.Now().UnixNano()%1_000_000))
	rounds := settingOf(t, "KIOSKD_POWER_CUTS", 6)
	t.Logf("again: KIOSKD_POWER_SEED=%d KIOSKD_POWER_CUTS=%d", seed, rounds)
	rnd := rand.New(rand.NewPCG(uint64(seed), 3))
	k := newKeys(t)
	hub := newLedger(k)
	serve(t, k, hub)
	dir := t.TempDir()
	disk := powertest.New(t, powertest.Build(t), dir)
	if err := wire.StoreEnrolment(filepath.Join(dir, "enrolment.json"), k.enrol); err != nil {
		t.Fatal(err)
	}
	said, less := map[string]bool{}, 0
	for range rounds {
		for _, id := range cutChild(t, dir, disk, 1+rnd.Int64N([]int64{60, 1500}[rnd.IntN(2)])) {
			said[id] = true
		}
		if disk.Cut(t, rnd) {
			less++
		}
		o := openOutbox(t, filepath.Join(dir, "outbox.db"), k)
		if _, _, err := o.VerifyAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if codes := o.Troubles(t.Context()); len(codes) > 0 {
			dirs, _ := folders(filepath.Join(dir, "outbox.db"))
			var why []byte
			for _, d := range dirs {
				b, err := os.ReadFile(filepath.Join(d, reportName))
				why = append(append(why, b...), fmt.Sprint(err)...)
			}
			t.Fatalf("troubles: %v: %s", codes, why)
		}
		held := map[string]bool{}
		for _, id := range append(column(t, o, "SELECT id FROM submissions"), hub.ids()...) {
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
	committed := map[string]bool{}
	for _, id := range column(t, o, "SELECT subject FROM audit WHERE event = 'committed'") {
		committed[id] = true
	}
	for id := range said {
		if !committed[id] {
			t.Errorf("said, and not in the audit log: %s", id)
		}
	}
	t.Logf("%d cuts, %d of them lost something that was written, %d commits, %d of them said", rounds, less, len(committed), len(said))
	if len(said) == 0 || less == 0 {
		t.Error("nothing was tested")
	}
	same(t, hub, committed)
}
