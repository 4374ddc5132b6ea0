package sync

import (
	"context"
	"net/http"
	stdsync "sync"
	"sync/atomic"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// lookAgain is the least time between two looks at the hub's keys because of
// acknowledgements under an unknown one: a hub that signs wrongly must not be asked
// once more for each submission.
const lookAgain = time.Minute

// ackTrust is whose acknowledgements count.
type ackTrust struct {
	keys atomic.Pointer[wire.AckVerifier]

	mu     stdsync.Mutex // held while looking: who comes meanwhile waits for what is seen
	looked time.Time     // guarded by mu
}

// Desired asks what the hub wants this kiosk to be. The keys for acknowledgements
// that it names are trusted from then on, and no others.
func (c *Client) Desired(ctx context.Context) (wire.Desired, error) {
	const op = "look at desired state"
	ctx, cancel := context.WithTimeout(ctx, c.opts.Background)
	defer cancel()
	d, err := exchange[wire.Desired](ctx, c, op, http.MethodGet, wire.PathDesired, nil)
	if err != nil {
		return wire.Desired{}, err
	}
	if err := d.Validate(); err != nil {
		return wire.Desired{}, hubFault(op, fault.HubRubbish, err, "the keys that the hub names cannot be used")
	}
	trust, err := wire.NewAckVerifier(d.AckKeys...)
	if err != nil {
		return wire.Desired{}, hubFault(op, fault.HubRubbish, err, "the keys that the hub names cannot be used")
	}
	if c.opts.Desired != nil {
		c.opts.Desired(d)
	}
	c.trust.keys.Store(trust)
	return d, nil
}

// Renew asks for a new certificate for the key that signed csr.
func (c *Client) Renew(ctx context.Context, csr []byte) (wire.Renewed, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opts.Background)
	defer cancel()
	return exchange[wire.Renewed](ctx, c, "renew certificate", http.MethodPost, wire.PathRenew, wire.RenewRequest{CSR: csr})
}

// HubTime is what the hub's clock shows; false while no answer of it has told.
func (c *Client) HubTime() (time.Time, bool) { return c.clock.time(c.now()) }

// Follow takes over what former, a client of the same hub, knows of the hub's clock.
// It is called before the client is used.
func (c *Client) Follow(former *Client) { c.clock = former.clock }

// verifyAck verifies an acknowledgement. One under a key that is not known may be
// under a new one: the hub is asked once, before it counts as rubbish.
func (c *Client) verifyAck(ctx context.Context, signed wire.SignedAck, s wire.Submission) (wire.Ack, error) {
	trust := c.trust.keys.Load()
	ack, err := trust.Verify(signed, s.ID, s.Hash(), s.Kiosk)
	if err == nil || trust.Knows(signed.KeyID) {
		return ack, err
	}
	if fresh := c.lookOnce(ctx, trust); fresh != trust {
		return fresh.Verify(signed, s.ID, s.Hash(), s.Kiosk)
	}
	return ack, err
}

// lookOnce gives newer keys than known, if the hub names any.
func (c *Client) lookOnce(ctx context.Context, known *wire.AckVerifier) *wire.AckVerifier {
	c.trust.mu.Lock()
	defer c.trust.mu.Unlock()
	if now := c.trust.keys.Load(); now != known {
		return now // somebody has looked meanwhile
	}
	if !c.trust.looked.IsZero() && time.Since(c.trust.looked) < lookAgain {
		return known
	}
	c.trust.looked = time.Now()
	_, _ = c.Desired(ctx) // when it fails the keys stay, and the acknowledgement is tried again later
	return c.trust.keys.Load()
}

// judge passes on what an answer says about whether the hub accepts this kiosk.
func (c *Client) judge(err error, asked time.Time) {
	if c.opts.Accepted == nil {
		return
	}
	switch {
	case err == nil:
		c.opts.Accepted(true, asked)
	case fault.CodeOf(err) == fault.KioskRevoked:
		c.opts.Accepted(false, asked)
	}
}
