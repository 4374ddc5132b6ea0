package sync

import (
	"context"
	"slices"
	"time"

	"kioskd/internal/fault"
)

// stuckAfter is how long the hub may fail at one submission before people are told,
// and others do not wait for it any more.
const stuckAfter = time.Hour

// holdsUpNobody gives the reason why a submission that was not taken keeps nothing of
// other visits back, or "". The hub does not hold its key; or it has failed at this one
// for long, by answers that are about it alone, and takes others: then it is the one
// that is ill. While the hub takes nothing the order is kept, for what waits behind a
// reservation may be refused for good without it.
//
// It is sent again for ever, and its own visit waits for it.
func (c *Courier) holdsUpNobody(ctx context.Context, d due, refusal *RefusalError, code fault.Code) fault.Code {
	if refusal != nil && refusal.locked() {
		return fault.HubRefused
	}
	if !aboutOne(refusal, code) {
		return ""
	}
	p, now := c.visits[d.visit], c.now()
	if p.since.IsZero() {
		p.since = now
	}
	stuck := now.Sub(p.since) >= stuckAfter
	if stuck && !p.told {
		p.told = true
		c.log.ErrorContext(ctx, "submission is stuck", "submission", d.id, "code", string(code), "alarm", true)
	}
	c.visits[d.visit] = p
	if !stuck || !c.taken.After(p.since) {
		return ""
	}
	if code == fault.HubRefused { // which says of one that waits that the key is missing
		return fault.Internal
	}
	return code
}

// aboutOne reports whether a failure may be this submission's own. That the kiosk is too
// fast, or what stands behind the hub is away, is about all.
func aboutOne(refusal *RefusalError, code fault.Code) bool {
	all := []fault.Code{fault.TooFast, fault.PlatformDown, fault.IssuerDown, fault.KioskRevoked}
	return code == fault.HubRubbish || refusal != nil && !slices.Contains(all, code)
}
