package kiosk

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

// noted is an outbox that remembers what was to be noted.
type noted struct {
	Outbox
	mu   sync.Mutex
	list []string
	err  error
	hold chan struct{} // not nil: each note waits for it
}

func (o *noted) Note(ctx context.Context, event ksync.AuditEvent, subject, detail string) error {
	if o.hold != nil {
		<-o.hold
	}
	o.mu.Lock()
	o.list = append(o.list, strings.TrimSpace(string(event)+" "+subject+" "+detail))
	err := o.err
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return o.Outbox.Note(ctx, event, subject, detail) // the rules of the true one count
}

func (o *noted) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.list)
}

// watched puts a noted outbox under the kiosk of a world, before it boots.
func watched(t *testing.T, spoil func(*noted), f func(w *world, o *noted)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir+"/outbox.db")
		o := &noted{Outbox: w.outbox}
		spoil(o)
		w.k.opt.Outbox = o
		w.boot()
		defer w.stop()
		f(w, o)
	})
}

func hold(t *testing.T, o *noted, want ...string) {
	t.Helper()
	synctest.Wait()
	if d := cmp.Diff(want, o.all()); d != "" {
		t.Error(d)
	}
}

func TestJournalTellsOfVisits(t *testing.T) {
	watched(t, func(*noted) {}, func(w *world, o *noted) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		w.expect(flow.StepPIN)
		w.keys("9999")
		w.touch(flow.Next{})
		w.expect(flow.StepPIN)
		w.touch(flow.CallStaff{On: true}, flow.CallStaff{On: false})
		if err := w.k.EndVisit(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.expect(flow.StepGoodbye)
		hold(t, o, "visit_begun 0-1 reserve", "procedure_begun 0-1 reserve", "pin_wrong 0-1 2",
			"staff_called 0-1 screen", "staff_done 0-1", "staff_ends 0-1", "visit_over 0-1 staff")
		// In the file they are as they were noted, and hold together.
		if _, _, err := w.outbox.VerifyAudit(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestJournalTellsOfABlockedPIN(t *testing.T) {
	watched(t, func(*noted) {}, func(w *world, o *noted) {
		w.touch(flow.Start{Plan: flow.PlanReserve})
		w.put("taro")
		for range 2 {
			w.expect(flow.StepPIN)
			w.keys("9999")
			w.touch(flow.Next{})
		}
		for range 3 { // the last try is asked for
			w.look()
			if s := w.look(); s.Screen.Step == string(flow.StepLastTry) {
				w.touch(flow.Next{})
			} else if s.Screen.Step == string(flow.StepPIN) {
				w.keys("9999")
				w.touch(flow.Next{})
			}
		}
		synctest.Wait()
		all := strings.Join(o.all(), "\n")
		if !strings.Contains(all, "pin_wrong 0-1 2\npin_wrong 0-1 1") || !strings.Contains(all, "pin_blocked 0-1") {
			t.Error(all)
		}
		if strings.Contains(all, "9999") {
			t.Error("the PIN is noted")
		}
	})
}

// What anybody can cause is noted the first time, then counted.
func TestJournalBoundsWhatAnybodyCanCause(t *testing.T) {
	watched(t, func(*noted) {}, func(w *world, o *noted) {
		for range 1000 {
			w.k.Refused("foreign_host")
			synctest.Wait()
		}
		w.k.Refused("foreign_origin")
		hold(t, o, "request_refused  foreign_host", "request_refused  foreign_origin")
		pass(repeatedEvery)
		w.k.Refused("foreign_host")
		hold(t, o, "request_refused  foreign_host", "request_refused  foreign_origin", "repeated  999", "request_refused  foreign_host")
		w.k.DockUsed("card")
		w.k.DockUsed("card")
		hold(t, o, "request_refused  foreign_host", "request_refused  foreign_origin", "repeated  999", "request_refused  foreign_host", "dock_used  card")
	})
}

// The count is written also when nothing more comes, once.
func TestJournalCountsAFloodThatHasEnded(t *testing.T) {
	watched(t, func(*noted) {}, func(w *world, o *noted) {
		for range 3 {
			w.k.Refused("no_token")
		}
		hold(t, o, "request_refused  no_token")
		pass(repeatedEvery + repeatedLook)
		hold(t, o, "request_refused  no_token", "repeated  2")
		pass(3 * repeatedEvery)
		hold(t, o, "request_refused  no_token", "repeated  2")
	})
}

// A flood of what anybody can cause pushes nothing else out, however slow the storage.
func TestJournalKeepsRoomInAFlood(t *testing.T) {
	watched(t, func(o *noted) { o.hold = make(chan struct{}) }, func(w *world, o *noted) {
		for range 4 * journalRoom {
			w.k.Refused("foreign_host")
		}
		w.touch(flow.CallStaff{On: true})
		close(o.hold)
		hold(t, o, "request_refused  foreign_host", "staff_called  screen")
	})
}

// What runs to the very end of the kiosk is noted too.
func TestJournalOutlivesTheWork(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir+"/outbox.db")
		o := &noted{Outbox: w.outbox}
		w.k.opt.Outbox = o
		w.boot()
		w.k.running.Go(func() {
			<-time.After(time.Second)
			w.k.journal.put(note{event: ksync.AuditStaffDone})
		})
		w.stop()
		hold(t, o, "staff_done")
	})
}

// A storage that hangs holds up the end once, not once for each note.
func TestJournalEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		j := newJournal()
		for range 10 {
			j.put(note{event: ksync.AuditStaffDone})
		}
		ended := make(chan struct{})
		go func() { defer close(ended); j.run(ctx, stuckNotes{}, slog.New(slog.DiscardHandler)) }()
		synctest.Wait()
		cancel()
		began := time.Now()
		<-ended
		if took := time.Since(began); took > journalEnd {
			t.Errorf("it took %v", took)
		}
	})
}

type stuckNotes struct{ Outbox }

func (stuckNotes) Note(ctx context.Context, _ ksync.AuditEvent, _, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// A storage that hangs or fails holds up no visit, and what did not fit is counted.
func TestJournalNeverHoldsUpTheVisit(t *testing.T) {
	watched(t, func(o *noted) { o.hold = make(chan struct{}) }, func(w *world, o *noted) {
		for range journalRoom {
			w.touch(flow.CallStaff{On: true}, flow.CallStaff{On: false})
		}
		w.touch(flow.Start{Plan: flow.PlanManage}) // the visit goes on
		w.expect(flow.StepManagePhone)
		close(o.hold)
		synctest.Wait()
		lost := slices.IndexFunc(o.all(), func(s string) bool { return strings.HasPrefix(s, "notes_lost") })
		if lost < 0 || len(o.all()) > journalRoom+4 {
			t.Errorf("%d notes, %v", len(o.all()), lost)
		}
	})
	watched(t, func(o *noted) { o.err = errors.New("disk on fire") }, func(w *world, o *noted) {
		w.touch(flow.Start{Plan: flow.PlanManage})
		w.expect(flow.StepManagePhone)
		synctest.Wait()
		if text := w.log.String(); !strings.Contains(text, "Cannot write into the audit log") || !strings.Contains(text, "alarm=true") {
			t.Error("the log does not tell")
		}
	})
}

// What is left is written when the daemon ends.
func TestJournalIsWrittenToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		out := &quietNotes{}
		j := newJournal()
		for range 10 {
			j.put(note{event: ksync.AuditRefused, detail: "no_token", often: true})
			j.put(note{event: ksync.AuditStaffDone})
		}
		cancel()
		j.run(ctx, out, slog.New(slog.DiscardHandler))
		if want := 10 + 2; len(out.list) != want || out.list[want-1] != "repeated 9" {
			t.Errorf("%v", out.list)
		}
	})
}

type quietNotes struct {
	Outbox
	list []string
}

func (o *quietNotes) Note(ctx context.Context, event ksync.AuditEvent, _, detail string) error {
	if _, limited := ctx.Deadline(); !limited || ctx.Err() != nil {
		return errors.New("no time to write")
	}
	o.list = append(o.list, strings.TrimSpace(string(event)+" "+detail))
	return nil
}

// What cannot be written is counted, and the log tells so once it can be written again.
func TestJournalTellsWhatItLost(t *testing.T) {
	const failing = 3
	watched(t, func(*noted) {}, func(w *world, o *noted) {
		set := func(err error) { o.mu.Lock(); defer o.mu.Unlock(); o.err, o.list = err, nil }
		set(errors.New("no room"))
		for range failing {
			w.touch(flow.CallStaff{On: true}, flow.CallStaff{On: false})
		}
		synctest.Wait()
		tried := 0
		for _, n := range o.all() {
			if !strings.HasPrefix(n, string(ksync.AuditLost)) {
				tried++
			}
		}
		set(nil)
		<-time.After(repeatedLook)
		hold(t, o, string(ksync.AuditLost)+"  "+strconv.Itoa(tried))
		if tried == 0 {
			t.Error("nothing was to be noted")
		}
	})
}
