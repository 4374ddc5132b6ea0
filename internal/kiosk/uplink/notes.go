package uplink

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"kioskd/internal/fault"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// noteLimit bounds one note for the audit log.
const noteLimit = 10 * time.Second

// notes are written into the audit log beside everything else, one after the other:
// a storage that hangs must not keep the kiosk from its hub.
type notes struct {
	write func(ctx context.Context, event ksync.AuditEvent, subject, detail string) error

	mu      sync.Mutex
	last    chan struct{} // closed when the last one so far is written
	lost    int           // that could not be written; whoever writes has it
	over    bool          // nothing more is noted
	running sync.WaitGroup
}

// end waits until all that was to be noted is. A call of a visit that comes back later may
// still tell something, when nobody writes any more.
func (n *notes) end() {
	n.mu.Lock()
	n.over = true
	n.mu.Unlock()
	n.running.Wait()
}

// note tells the audit log something about the kiosk's identity. It does not block;
// Run waits for it at its end.
func (u *Uplink) note(ctx context.Context, event ksync.AuditEvent, detail string) {
	u.notes.mu.Lock()
	defer u.notes.mu.Unlock()
	if u.notes.over {
		u.opt.Log.Warn("Identity not noted in the audit log: the program ends", "event", string(event))
		return
	}
	former, done := u.notes.last, make(chan struct{})
	u.notes.last = done
	u.notes.running.Go(func() {
		defer close(done)
		if former != nil {
			<-former
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteLimit)
		defer cancel()
		if err := u.notes.write(ctx, event, "", detail); err != nil {
			u.opt.Log.Error("Identity not noted in the audit log", "event", string(event), "code", string(fault.CodeOf(err)), "err", err)
			u.notes.lost++
			return
		}
		if n := u.notes.lost; n > 0 && u.notes.write(ctx, ksync.AuditLost, "", strconv.Itoa(n)) == nil {
			u.notes.lost = 0
		}
	})
}

// enrolledAnew is an enrolment of the kiosk that this one has been already. The audit log
// has the same word for it as for the first one.
const enrolledAnew ksync.AuditEvent = "enrolled_anew"

// noteEnrolled tells under which identity the kiosk goes on.
func (u *Uplink) noteEnrolled(ctx context.Context, e *wire.Enrolment) {
	id := e.Kiosk
	if !wire.AuditKiosk(id) {
		id = "" // the demo's
	}
	u.note(ctx, ksync.AuditEnrolled, id)
}

// noteKeys tells which keys of the hub count from now on.
func (u *Uplink) noteKeys(ctx context.Context, e *wire.Enrolment) {
	u.note(ctx, ksync.AuditHubKeys, fmt.Sprintf("%x", e.KeysDigest()))
}
