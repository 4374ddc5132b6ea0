package sync

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// AuditUpstream is a hub that takes the audit log. *Client is one. A courier whose
// hub is none sends none.
type AuditUpstream interface {
	Audit(ctx context.Context, b wire.AuditBatch) (wire.AuditAnswer, error)
	Kiosk() string
}

// disputed is the wait before a log is offered again that the hub does not take: a
// person must look, and the kiosk does not knock meanwhile.
const disputed = time.Hour

// disputedFor is that wait after so many offers in a row. The first ones are shorter:
// what a person has just done, at the hub most often, may have set it right.
func disputedFor(offers int) time.Duration {
	wait := disputed
	switch offers {
	case 1:
		wait = 5 * time.Minute
	case 2:
		wait = 15 * time.Minute
	}
	return wait + rand.N(wait/5)
}

// auditLoop brings the audit log to the hub, whenever no submission is on its way. It
// says nothing of the line, and nothing waits for it.
func (c *Courier) auditLoop(ctx context.Context, hub AuditUpstream) error {
	timer := time.NewTimer(rand.N(min(time.Second, c.opts.Audit)))
	defer timer.Stop()
	failures, offers := 0, 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		more, err := c.sendAudit(ctx, hub)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && more:
			failures, offers = 0, 0
			timer.Reset(0)
		case err == nil:
			failures, offers = 0, 0
			timer.Reset(c.opts.Audit*4/5 + rand.N(c.opts.Audit*2/5))
		case notTaken(err):
			c.log.ErrorContext(ctx, "audit log not taken", "code", string(fault.CodeOf(err)), "alarm", true, "err", err)
			offers++
			timer.Reset(disputedFor(offers))
		default:
			failures++
			c.obey(err)
			c.log.WarnContext(ctx, "audit log not sent", "code", string(fault.CodeOf(err)), "err", err)
			timer.Reset(c.pace(err, c.opts.Backoff.Cap).after(failures, retryAfterOf(err)))
		}
	}
}

// errDisputed says that the hub has something against the log.
var errDisputed = errors.New("the hub does not take this kiosk's audit log")

// dispute notes what the hub has against the log, and gives it the code under which
// people read of it.
func (c *Courier) dispute(ctx context.Context, log string, v wire.AuditVerdict, why error) error {
	c.outbox.disputed.Store(true)
	return errors.Join(&fault.Error{
		Device: "outbox", Op: "hand over the audit log", Code: fault.AuditDisputed, Cause: fmt.Errorf("%w: %s", why, v),
		Hint: "find out who changed or copied the disk, of the kiosk or of the hub",
	}, c.outbox.auditDisputed(ctx, log, v))
}

// notTaken: the same again would bring the same answer. An older hub has no place for
// the log at all, in words of the protocol or not.
func notTaken(err error) bool {
	refusal, ok := errors.AsType[*RefusalError](err)
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
		return true
	}
	return ok && refusal.final() || errors.Is(err, errDisputed) || errors.Is(err, errOtherAudit)
}

// sendAudit sends one batch, if there is one and nothing else is to be done. more says
// that there is another.
func (c *Courier) sendAudit(ctx context.Context, hub AuditUpstream) (more bool, err error) {
	if c.sending.Load() || c.asked() > 0 {
		return false, nil
	}
	if err := c.outbox.auditFor(ctx, hub.Kiosk()); err != nil {
		return false, err
	}
	return c.offerAudit(ctx, hub, 0)
}

// offerAudit sends one batch of what comes behind entry after.
func (c *Courier) offerAudit(ctx context.Context, hub AuditUpstream, after int64) (more bool, err error) {
	b, ok, err := c.outbox.auditBatch(ctx, after)
	if err != nil || !ok {
		return false, err
	}
	a, err := hub.Audit(ctx, b)
	if err != nil {
		return false, err
	}
	// What the hub has is noted whatever it says besides, also when the daemon ends.
	noting := context.WithoutCancel(ctx)
	again, err := c.outbox.auditAnswered(noting, b.Log, a)
	last := b.Entries[len(b.Entries)-1].N
	switch {
	case errors.Is(err, errOtherAudit):
		err = c.dispute(noting, b.Log, wire.AuditFork, err)
		if a.Verdict == wire.AuditTaken && last < a.N {
			// All of these the hub has, and goes on differently: it sees that as soon as it
			// is shown what comes here behind them, and that is at least what was just noted.
			_, shown := c.offerAudit(ctx, hub, last)
			err = errors.Join(err, shown)
		}
		return false, err
	case err != nil:
		return false, err
	case a.Verdict == wire.AuditTaken:
		c.outbox.disputed.Store(false)
		return last < b.Head && a.N >= last, nil
	case a.Verdict == wire.AuditGap && again && a.N < b.Entries[0].N-1:
		return true, nil // the hub has lost some: it gets them again
	}
	return false, c.dispute(noting, b.Log, a.Verdict, errDisputed)
}

// asked is for how long the hub wants silence.
func (c *Courier) asked() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.demand.Sub(c.now())
}
