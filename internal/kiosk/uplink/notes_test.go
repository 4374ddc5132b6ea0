package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/fault"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// A storage that hangs keeps the kiosk from nothing, and each note has a limit.
func TestNotesHoldUpNothing(t *testing.T) {
	r := newRig(t)
	began, hold := make(chan time.Time, 1), make(chan struct{})
	r.write = func(ctx context.Context, _ ksync.AuditEvent, _, _ string) error {
		until, _ := ctx.Deadline()
		began <- until
		<-hold
		return errors.New("disk on fire")
	}
	defer close(hold)
	r.enrol().run().stand("")
	r.hub.UntilLinks(t, 1)
	r.hub.UntilStored(t, r.commit())
	if until := <-began; until.IsZero() || time.Until(until) > noteLimit {
		t.Errorf("the limit is %v", until)
	}
}

// The enrolment is noted, and the renewal once it is stored; what is changed by the
// hub's wish is neither.
func TestIdentityIsNoted(t *testing.T) {
	r := newRig(t)
	all := r.noted()
	digest := func() string { e, _ := r.up.Enrolment(); return fmt.Sprintf("%x", e.KeysDigest()) }
	r.hub.Life(90*day, 70*day) // two thirds are over
	r.enrol()
	old := r.certEnd()
	r.hub.Life(90*day, time.Hour)
	r.run().hub.UntilCert(t, old)
	id, _ := r.up.Identity()
	keys := digest()
	r.hub.RotateSeal(t)
	r.hub.UntilLinks(t, 1)
	r.until("the present keys", func() bool {
		e, ok := r.up.Enrolment()
		if ok && !e.Is(r.hub.Desired()) {
			nudge(r.up.now.Load().look)
		}
		return ok && e.Is(r.hub.Desired())
	})
	want := "enrolled:" + id + " hub_keys:" + keys + " renewed: hub_keys:" + digest()
	r.until("the note of the new keys", func() bool { return len(all()) >= len(want) })
	if got := all(); got != want || keys == digest() {
		t.Errorf("noted %q, want %q", got, want)
	}
}

// noted has the notes kept for a test instead of in the outbox, and gives them.
func (r *rig) noted() func() string {
	var mu sync.Mutex
	var list []string
	r.write = func(_ context.Context, event ksync.AuditEvent, _, detail string) error {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, string(event)+":"+detail)
		return nil
	}
	return func() string { mu.Lock(); defer mu.Unlock(); return strings.Join(list, " ") }
}

// Whether the hub accepts the kiosk is noted when it changes, and once.
func TestStandingIsNoted(t *testing.T) {
	r := newRig(t)
	all := r.noted()
	r.enrol().run().stand("")
	for _, revoked := range []bool{true, false} {
		r.hub.Revoke(revoked)
		r.until("the change", func() bool {
			r.up.LinkChanged() // look at once
			return r.up.standing.is(fault.KioskRevoked) == revoked
		})
	}
	r.until("both notes", func() bool { return strings.HasSuffix(all(), " revoked: restored:") })
	if got := all(); strings.Count(got, "revoked:") != 1 || strings.Count(got, "restored:") != 1 {
		t.Errorf("noted %q", got)
	}
}

// Keys whose acknowledgements are believed, though they cannot be stored, are noted.
func TestKeysThatCannotBeStoredAreNoted(t *testing.T) {
	r := newRig(t)
	all := r.noted()
	r.enrol().run().stand("")
	r.hub.UntilLinks(t, 1)
	e, _ := r.up.Enrolment()
	if err := os.Remove(r.home.File); err != nil {
		t.Fatal(err)
	}
	r.hub.RotateAck(t, 1)
	next := *e
	next.Take(r.hub.Desired())
	r.hub.Push(wire.LinkMessage{Kind: wire.LinkLook})
	r.until("the note", func() bool { return strings.HasSuffix(all(), fmt.Sprintf(" hub_keys:%x", next.KeysDigest())) })
	r.hub.UntilStored(t, r.commit())
	r.empty()
}

// What a call tells that comes back after the end is not written any more.
func TestNoNoteAfterTheEnd(t *testing.T) {
	var up Uplink
	up.opt.Log = slog.New(slog.DiscardHandler)
	n := 0 // notes are written one after the other
	up.notes.write = func(context.Context, ksync.AuditEvent, string, string) error { n++; return nil }
	up.note(t.Context(), ksync.AuditRevoked, "")
	up.notes.end()
	up.note(t.Context(), ksync.AuditRestored, "")
	up.notes.running.Wait()
	if n != 1 {
		t.Errorf("%d notes were written, want the one before the end", n)
	}
}

// A kiosk that is enrolled again, with the key that it has, notes that as it notes the
// first time; a start that finds the enrolment of before does not.
func TestAnotherEnrolmentIsNoted(t *testing.T) {
	r := newRig(t).enrol().run()
	r.stand("")
	id, _ := r.up.Identity()
	noted := func() (n int) {
		mark, err := r.outbox.AuditMark(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(mark.N)
	}
	r.hub.UntilLinks(t, 1)
	first := 0
	r.until("the first note", func() bool { first = noted(); return first == 4 }) // log_begun, started, enrolled, hub_keys
	r.enrol()
	r.until("the second note", func() bool { return noted() == first+1 })
	if again, _ := r.up.Identity(); again != id {
		t.Errorf("it is %s now, and was %s", again, id)
	}
}

// What cannot be written is counted, and the log tells so once it can be written again.
func TestLostNotesAreCounted(t *testing.T) {
	var up Uplink
	up.opt.Log = slog.New(slog.DiscardHandler)
	var list []string // the notes are written one after the other
	fails := true
	up.notes.write = func(_ context.Context, event ksync.AuditEvent, _, detail string) error {
		if fails {
			return errors.New("no room")
		}
		list = append(list, string(event)+":"+detail)
		return nil
	}
	for range 3 {
		up.note(t.Context(), ksync.AuditRenewed, "")
	}
	up.notes.running.Wait()
	fails = false
	for range 2 {
		up.note(t.Context(), ksync.AuditRenewed, "")
	}
	up.notes.running.Wait()
	if got, want := strings.Join(list, " "), "renewed: notes_lost:3 renewed:"; got != want {
		t.Errorf("noted %q, want %q", got, want)
	}
}
