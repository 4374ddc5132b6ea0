package sync

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

const year = 365 * 24 * time.Hour

// wallClock is time.Now on a machine whose wall clock somebody sets while its
// monotonic clock goes on.
type wallClock struct {
	mu  stdsync.Mutex
	off time.Duration
}

func (c *wallClock) set(off time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.off = off }

// now builds what time.Now returns then: in a bubble that has no monotonic reading,
// there is no other way to such a time than its representation, and no way to set the
// clock of a machine that others use.
func (c *wallClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	monotonic := time.Now()
	wall := monotonic.Add(c.off)
	since1885 := wall.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	var t time.Time
	*(*struct { // as package time lays it out
		wall uint64 // a flag, 33 bits of seconds, 30 of nanoseconds
		ext  int64  // the monotonic clock
		loc  *time.Location
	})(unsafe.Pointer(&t)) = struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}{1<<63 | uint64(since1885)<<30 | uint64(wall.Nanosecond()), monotonic.UnixNano(), time.Local}
	return t
}

func TestTheTestsOwnWallClock(t *testing.T) {
	c := &wallClock{}
	before := c.now()
	if !strings.Contains(before.String(), " m=") {
		t.Fatalf("%v has no monotonic reading", before)
	}
	for _, off := range []time.Duration{year, -year} {
		c.set(off)
		jumped := c.now()
		if d := jumped.Sub(before); d < 0 || d > time.Minute {
			t.Errorf("the monotonic clock has jumped by %v", d)
		}
		if d := jumped.Round(0).Sub(before.Round(0)) - off; d < 0 || d > time.Minute {
			t.Errorf("the wall clock has jumped by %v more than %v", d, off)
		}
	}
}

// Whatever is done to the wall clock, the pace towards the hub stays the same: the
// backoff of the line, that of a visit, and the silence that the hub asks for.
func TestSettingTheClockChangesNothing(t *testing.T) {
	k := newKeys(t)
	busy := &RefusalError{Problem: wire.Problem{Status: 429, Code: fault.TooFast}, RetryAfter: 5 * time.Minute}
	refused := &RefusalError{Problem: wire.Problem{Status: 500, Code: fault.PlatformDown}}
	for name, tc := range map[string]struct {
		err         error
		least, most time.Duration
	}{
		"line down":   {errDown, time.Second, time.Minute},
		"refused":     {refused, time.Second, time.Minute},
		"retry after": {busy, 5 * time.Minute, 5*time.Minute*5/4 + 2*time.Minute},
	} {
		for _, jumps := range []string{"forward", "back", "both"} {
			t.Run(name+" "+jumps, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := newOutbox(t, k)
					hub := newFakeHub(k)
					hub.report = errDown
					hub.fail = func(wire.Submission) (error, error) { return tc.err, nil }
					c := NewCourier(o, hub, quiet(), CourierOptions{})
					clock := &wallClock{}
					c.now = clock.now
					id := commit(t, o, "1", wire.KindReservation)
					stop := run(t, c)
					for i := range 400 {
						pass(time.Duration(1+rand.IntN(20)) * time.Second)
						switch {
						case jumps == "forward", jumps == "both" && i%2 == 0:
							clock.set(year)
						default:
							clock.set(-year)
						}
						if i%2 == 1 && jumps != "both" {
							clock.set(0)
						}
					}
					hub.set(func() {
						for i := 1; i < len(hub.at); i++ {
							if gap := hub.at[i].Sub(hub.at[i-1]); gap < tc.least || gap > tc.most {
								t.Errorf("gap %d is %v", i, gap)
							}
						}
						if len(hub.at) < 5 {
							t.Errorf("only %d tries", len(hub.at))
						}
						hub.fail, hub.report = nil, nil
					})
					select {
					case a := <-c.Acks():
						if a.ID != id {
							t.Errorf("acked %+v", a)
						}
					case <-time.After(10 * time.Minute):
						t.Error("not sent after the fault was gone")
					}
					stop()
				})
			})
		}
	}
}

// The order in which things are sent is that of their commits, not of their dates.
func TestOrderDoesNotFollowTheClock(t *testing.T) {
	k := newKeys(t)
	o := newOutbox(t, k)
	var want []string
	for i := range 6 {
		id := commit(t, o, fmt.Sprint(i), wire.KindIssuance)
		if _, err := o.db.Exec(t.Context(), "UPDATE submissions SET created = created + ? WHERE id = ?", []int{0, 31536000, -31536000}[i%3], id); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	wantHeads(t, o, want...)
}

// Every place that asks what time it is, and why it may. A new one has to be put here
// by somebody who has thought about a clock that is set by a year.
func TestWhoAsksForTheTime(t *testing.T) {
	want := []string{
		"audit.go appendAudit",  // a date for people
		"client.go NewClient",   // the client's clock: see the tests of tlsclock.go
		"courier.go NewCourier", // the courier's clock: see the tests above
		"identity.go lookOnce",  // when it looked last, by the monotonic clock
		"identity.go lookOnce",  // the same
		"link.go Link",          // deadlines of a connection, by the monotonic clock
		"link.go Link",          // the same
		"link.go dialLink",      // when a call began, by the monotonic clock
		"outbox.go insert",      // a date for people
		"rescue.go rescue",      // a date for people
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
						got = append(got, name+" "+f.Name.Name)
					}
				}
				return true
			})
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
