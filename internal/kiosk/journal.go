package kiosk

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	ksync "kioskd/internal/sync"
)

const (
	journalRoom   = 256              // notes that wait to be written
	journalLimit  = 10 * time.Second // for one note
	repeatedEvery = 10 * time.Minute // between notes of one kind that anybody can cause
)

// note is one thing for the audit log.
type note struct {
	event           ksync.AuditEvent
	subject, detail string
	often           bool // anybody can cause it, again and again
}

// journal writes notes into the audit log, beside the loop: the visit never waits for
// it. It has room for a crowd of notes; those beyond are counted, and the count is
// noted. A storage that fails is a fault that the log tells, and the outbox's own
// business elsewhere.
type journal struct {
	notes chan note
	lost  atomic.Int64
}

func newJournal() *journal { return &journal{notes: make(chan note, journalRoom)} }

// put never blocks.
func (j *journal) put(n note) {
	select {
	case j.notes <- n:
	default:
		j.lost.Add(1)
	}
}

// repeats counts what is not noted one by one.
type repeats struct {
	since time.Time
	more  int
}

// run writes until ctx ends, and then what is left.
func (j *journal) run(ctx context.Context, out Outbox, log *slog.Logger) {
	write := func(n note) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalLimit)
		defer cancel()
		if err := out.Note(ctx, n.event, n.subject, n.detail); err != nil {
			log.Error("Cannot write into the audit log", "event", string(n.event), "fault", fault.CodeOf(err), "err", err, "alarm", true)
		}
	}
	often := map[note]repeats{}
	take := func(n note) {
		if n.often {
			r, known := often[n]
			if known && time.Since(r.since) < repeatedEvery {
				r.more++
				often[n] = r
				return
			}
			if r.more > 0 {
				write(note{event: ksync.AuditRepeated, detail: count(int64(r.more))})
			}
			often[n] = repeats{since: time.Now()}
		}
		write(n)
		if lost := j.lost.Swap(0); lost > 0 {
			write(note{event: ksync.AuditLost, detail: count(lost)})
		}
	}
	for {
		select {
		case n := <-j.notes:
			take(n)
			continue
		case <-ctx.Done():
		}
		for {
			select {
			case n := <-j.notes:
				take(n)
				continue
			default:
			}
			break
		}
		for _, r := range often {
			if r.more > 0 {
				write(note{event: ksync.AuditRepeated, detail: count(int64(r.more))})
			}
		}
		return
	}
}

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
