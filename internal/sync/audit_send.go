package sync

import (
	"context"
	"errors"
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

// auditLoop brings the audit log to the hub, whenever no submission is on its way. It
// says nothing of the line, and nothing waits for it.
func (c *Courier) auditLoop(ctx context.Context, hub AuditUpstream) error {
	timer := time.NewTimer(rand.N(min(time.Second, c.opts.Audit)))
	defer timer.Stop()
	failures := 0
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
			failures = 0
			timer.Reset(0)
		case err == nil:
			failures = 0
			timer.Reset(c.opts.Audit*4/5 + rand.N(c.opts.Audit*2/5))
		case notTaken(err):
			c.log.ErrorContext(ctx, "audit log not taken", "code", string(fault.CodeOf(err)), "alarm", true, "err", err)
			timer.Reset(disputed + rand.N(disputed/5))
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
	b, ok, err := c.outbox.auditBatch(ctx)
	if err != nil || !ok {
		return false, err
	}
	a, err := hub.Audit(ctx, b)
	if err != nil {
		return false, err
	}
	// What the hub has is noted whatever it says besides, also when the daemon ends.
	ctx = context.WithoutCancel(ctx)
	again, err := c.outbox.auditAnswered(ctx, b.Log, a)
	if err != nil {
		if errors.Is(err, errOtherAudit) {
			err = errors.Join(err, c.outbox.auditDisputed(ctx, b.Log, wire.AuditFork))
		}
		return false, err
	}
	last := b.Entries[len(b.Entries)-1].N
	switch {
	case a.Verdict == wire.AuditTaken:
		return last < b.Head && a.N >= last, nil
	case a.Verdict == wire.AuditGap && again && a.N < b.Entries[0].N-1:
		return true, nil // the hub has lost some: it gets them again
	}
	return false, errors.Join(errDisputed, c.outbox.auditDisputed(ctx, b.Log, a.Verdict))
}

// asked is for how long the hub wants silence.
func (c *Courier) asked() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.demand.Sub(c.now())
}
