package kiosk

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

const (
	journalRoom   = 256              // notes that wait to be written
	journalLimit  = 10 * time.Second // for one note
	journalEnd    = 5 * time.Second  // for all that is left when the kiosk ends
	repeatedEvery = 10 * time.Minute // between notes of one kind that anybody can cause
	repeatedLook  = time.Minute      // between looks for counts to write
)

// note is one thing for the audit log.
type note struct {
	event           ksync.AuditEvent
	subject, detail string
	often           bool // anybody can cause it, again and again
}

// journal writes notes into the audit log, beside the loop: the visit never waits for
// it. It has room for a crowd of notes; those beyond are counted, and the count is
// noted. What anybody can cause is counted before that, so that a flood takes no room
// from anything else. A storage that fails is a fault that the log tells, and the
// outbox's own business elsewhere.
type journal struct {
	notes chan note
	lost  atomic.Int64

	mu    sync.Mutex
	often map[note]repeats
}

// repeats counts what is not noted one by one.
type repeats struct {
	since time.Time
	more  int64
}

func newJournal() *journal {
	return &journal{notes: make(chan note, journalRoom), often: map[note]repeats{}}
}

// put never blocks.
func (j *journal) put(n note) {
	if n.often {
		first, before := j.first(n)
		if before > 0 {
			j.send(note{event: ksync.AuditRepeated, detail: count(before)})
		}
		if !first {
			return
		}
	}
	j.send(n)
}

func (j *journal) send(n note) {
	select {
	case j.notes <- n:
	default:
		j.lost.Add(1)
	}
}

// first reports whether n is the first of its kind for a while, with the count of
// those before that were not noted, and else counts it.
func (j *journal) first(n note) (first bool, before int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, counting := j.often[n]
	if counting && time.Since(r.since) < repeatedEvery {
		r.more++
		j.often[n] = r
		return false, 0
	}
	j.often[n] = repeats{since: time.Now()}
	return true, r.more
}

// repeated gives the counts to be noted, of all kinds or of those whose time is over.
// The next of such a kind is a first one again.
func (j *journal) repeated(all bool) []note {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []note
	for n, r := range j.often {
		if !all && time.Since(r.since) < repeatedEvery {
			continue
		}
		delete(j.often, n)
		if r.more > 0 {
			list = append(list, note{event: ksync.AuditRepeated, detail: count(r.more)})
		}
	}
	return list
}

// run writes until ctx ends, and then what is left.
func (j *journal) run(ctx context.Context, out Outbox, log *slog.Logger) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(journalEnd):
			cancel()
		case <-last.Done():
		}
	})()
	write := func(list ...note) {
		one := func(n note) bool {
			ctx, cancel := context.WithTimeout(last, journalLimit)
			defer cancel()
			err := out.Note(ctx, n.event, n.subject, n.detail)
			if err != nil {
				log.Error("Cannot write into the audit log", "event", string(n.event), "fault", fault.CodeOf(err), "err", err, "alarm", true)
			}
			return err == nil
		}
		for _, n := range list {
			if !one(n) {
				j.lost.Add(1) // told once there is room again
			}
		}
		if lost := j.lost.Swap(0); lost > 0 && !one(note{event: ksync.AuditLost, detail: count(lost)}) {
			j.lost.Add(lost)
		}
	}
	look := time.NewTicker(repeatedLook)
	defer look.Stop()
	for {
		select {
		case n := <-j.notes:
			write(n)
			continue
		case <-look.C:
			write(j.repeated(false)...)
			continue
		case <-ctx.Done():
		}
		break
	}
	for len(j.notes) > 0 && last.Err() == nil { // whoever put notes has ended
		write(<-j.notes)
	}
	write(j.repeated(true)...)
	if left := len(j.notes); left > 0 {
		log.Error("Cannot write all into the audit log before the end", "left", left, "alarm", true)
	}
}

// writeJournal begins to write; the function that it gives ends that, and waits.
func (k *Kiosk) writeJournal(ctx context.Context) func() {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { k.journal.run(ctx, k.opt.Outbox, k.log) })
	return func() { end(); running.Wait() }
}

// count is a number as the audit log takes it.
func count(n int64) string { return fmt.Sprint(min(n, 999_999)) }

// Refused notes that a local request was refused, and why. It never blocks.
func (k *Kiosk) Refused(why string) {
	k.journal.put(note{event: ksync.AuditRefused, detail: why, often: true})
}

// DockUsed notes that somebody has moved simulated hardware. It never blocks.
func (k *Kiosk) DockUsed(handle string) {
	k.journal.put(note{event: ksync.AuditDock, detail: handle, often: true})
}

// told is what the audit log was last told of the state.
type told struct {
	visit     string
	procedure flow.Procedure
	staff     bool
}

// tellJournal notes what the last fact has changed: visits and procedures begun and
// ended, staff called and done, PINs that were wrong.
func (k *Kiosk) tellJournal(fact flow.Fact) {
	was, is := k.told, told{procedure: k.state.Procedure(), staff: k.state.StaffCalled()}
	if n := k.state.Visit(); n != 0 {
		is.visit = k.visitName(n)
	}
	say := func(event ksync.AuditEvent, visit, detail string) {
		k.journal.put(note{event: event, subject: visit, detail: detail})
	}
	if signed, ok := fact.(flow.DocumentSigned); ok && signed.Ticket.Visit != 0 {
		of := k.visitName(signed.Ticket.Visit)
		switch signed.Fault {
		case fault.PINWrong: // pin_tries_low is none: the PIN was not sent
			say(ksync.AuditPINWrong, of, fmt.Sprint(max(0, signed.TriesLeft)))
		case fault.PINBlocked:
			say(ksync.AuditPINBlocked, of, "")
		default:
		}
	}
	if _, ok := fact.(flow.StaffEnds); ok {
		say(ksync.AuditStaffEnds, was.visit, "")
	}
	if was.visit != "" && was.visit != is.visit {
		say(ksync.AuditVisitOver, was.visit, k.howItEnded())
	}
	if is.visit != "" && was.visit != is.visit {
		say(ksync.AuditVisitBegun, is.visit, string(k.state.Plan()))
	}
	if is.visit != "" && is.procedure != was.procedure {
		say(ksync.AuditProcedure, is.visit, string(is.procedure))
	}
	if is.staff != was.staff {
		visit := is.visit
		if visit == "" {
			visit = was.visit
		}
		how := "screen"
		if _, ok := fact.(flow.ButtonPressed); ok {
			how = "button"
		}
		if is.staff {
			say(ksync.AuditStaffCalled, visit, how)
		} else {
			say(ksync.AuditStaffDone, visit, "")
		}
	}
	k.told = is
}

// howItEnded is the word for the end of a visit; one that hardly began has shown no
// goodbye.
func (k *Kiosk) howItEnded() string {
	if word := k.state.Leaving(); word != "" {
		return word
	}
	return "left"
}

// visitName is how the outbox knows a visit.
func (k *Kiosk) visitName(n uint64) string { return fmt.Sprintf("%d-%d", k.life, n) }
