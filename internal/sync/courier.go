package sync

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	stdsync "sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Upstream is the hub as the courier needs it. *Client is one.
type Upstream interface {
	Submit(ctx context.Context, s wire.Submission) (wire.Ack, error)
	Report(ctx context.Context, r wire.Report) error
}

// CourierOptions change the courier's pace. The zero value is what a kiosk uses.
type CourierOptions struct {
	Backoff Backoff                           // default 1 s to 1 min
	Every   time.Duration                     // between signs of life; default 30 s
	Report  func(context.Context) wire.Report // content of the sign of life; default empty
	Audit   time.Duration                     // between looks for new rows of the audit log; default Every
}

// Acked is one submission that the hub has stored.
type Acked struct {
	ID      string
	Verdict wire.Verdict
}

// Courier empties the outbox, for ever.
type Courier struct {
	outbox *Outbox
	hub    Upstream
	kiosk  string // whose submissions are sent, as the hub knows it; "" for all
	log    *slog.Logger
	opts   CourierOptions
	kick   chan struct{}
	look   chan struct{}
	acks   chan Acked
	line   *line
	now    func() time.Time // time.Now, but for tests that set the wall clock

	// Owned by the sending loop. Times carry the monotonic clock, and only by that
	// are they compared: setting the wall clock changes nothing.
	failures int                  // of the line, in a row
	failed   time.Time            // when the last of them was
	resume   time.Time            // no sending before
	broken   int                  // rounds in a row in which the outbox failed
	visits   map[string]retryPlan // visits whose next submission failed
	taken    time.Time            // when the hub last took a submission

	sending atomic.Bool // submissions are on their way: the audit log waits

	mu     stdsync.Mutex
	demand time.Time // the hub asked for silence until then; guarded by mu
}

// retryPlan is when a visit may be tried again.
type retryPlan struct {
	failures int
	at       time.Time
	since    time.Time // the first answer that was about this submission alone
	told     bool      // that it is stuck
}

// NewCourier makes a courier. When hub says for which kiosk it is, as a *Client does,
// what was committed under another ID stays in the outbox: the hub takes it from
// nobody else. When hub is a *Client, what its interactive calls tell about the line is
// used too.
func NewCourier(o *Outbox, hub Upstream, log *slog.Logger, opts CourierOptions) *Courier {
	if opts.Backoff == (Backoff{}) {
		opts.Backoff = Backoff{Floor: time.Second, Cap: time.Minute}
	}
	if opts.Every == 0 {
		opts.Every = 30 * time.Second
	}
	if opts.Audit == 0 {
		opts.Audit = opts.Every
	}
	if opts.Report == nil {
		opts.Report = func(context.Context) wire.Report { return wire.Report{} }
	}
	c := &Courier{
		outbox: o, hub: hub, log: log, opts: opts,
		kick: make(chan struct{}, 1), look: make(chan struct{}, 1), acks: make(chan Acked, 64), line: newLine(), now: time.Now,
		visits: map[string]retryPlan{},
	}
	if named, ok := hub.(interface{ Kiosk() string }); ok {
		c.kiosk = named.Kiosk()
	}
	if client, ok := hub.(*Client); ok {
		client.Observe(c.observe)
	}
	return c
}

// Kick asks for an attempt soon, without waiting out a backoff of the line beyond
// its floor; a wait that the hub asked for is kept. It never blocks.
func (c *Courier) Kick() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// LinkChanged says that the machine's network link went or came: the courier
// looks at once what that means for the hub. It never blocks.
func (c *Courier) LinkChanged() {
	select {
	case c.look <- struct{}{}:
	default:
	}
}

// Acks tells of each submission that left the outbox. It holds 64; when nobody
// reads, the oldest is dropped: the outbox, not this channel, is the truth.
func (c *Courier) Acks() <-chan Acked { return c.acks }

// Line tells when the hub becomes reachable or unreachable. Only the newest state
// is kept for a slow reader.
func (c *Courier) Line() <-chan bool { return c.line.out }

// Run works until ctx ends and then returns nil, after every call that it made
// has come back. Nothing else ends it: what fails is logged and tried again.
func (c *Courier) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.sendLoop(ctx) })
	g.Go(func() error { return c.reportLoop(ctx) })
	if hub, ok := c.hub.(AuditUpstream); ok {
		g.Go(func() error { return c.auditLoop(ctx, hub) })
	}
	return g.Wait()
}

func (c *Courier) sendLoop(ctx context.Context) error {
	c.tellStranded(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-c.outbox.fresh:
			c.hurry()
		case <-c.kick:
			c.hurry()
		}
		wait := c.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		timer.Reset(wait)
	}
}

// tellStranded says what stays in the outbox as long as this kiosk has the ID that it
// has: people must know. It counts among what waits.
func (c *Courier) tellStranded(ctx context.Context) {
	if c.kiosk == "" {
		return
	}
	n, err := c.outbox.stranded(ctx, c.kiosk)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.log.ErrorContext(ctx, "outbox fails", "code", string(fault.CodeOf(err)), "alarm", true, "err", err)
	case n > 0:
		c.log.ErrorContext(ctx, "submissions of another enrolment wait", "count", n, "kiosk", c.kiosk, "alarm", true)
	}
}

// hurry shortens the backoff of the line to its floor: kicks never make the
// kiosk knock faster than that on a hub that does not answer.
func (c *Courier) hurry() {
	if soonest := c.failed.Add(c.opts.Backoff.Floor); soonest.Before(c.resume) {
		c.resume = soonest
	}
}

// idle is the wait when nothing is due; commits and kicks end it at once.
const idle = time.Minute

// round sends all that is due and returns the wait until more may be.
func (c *Courier) round(ctx context.Context) time.Duration {
	defer c.sending.Store(false)
	for ctx.Err() == nil {
		if wait := c.notBefore().Sub(c.now()); wait > 0 {
			return wait
		}
		heads, err := c.outbox.heads(ctx, c.kiosk)
		if err != nil {
			return c.diskTrouble(ctx, err)
		}
		ready, wait := c.ready(heads)
		if len(ready) == 0 {
			return wait
		}
		c.sending.Store(true)
		down, disk := c.sendReady(ctx, ready)
		if down != nil { // one failure of the line, however many sendings it broke
			c.observe(down)
			c.failures++
			c.failed = c.now()
			c.resume = c.failed.Add(c.pace(down, c.opts.Backoff.Cap).after(c.failures, 0))
		}
		if disk != nil {
			return c.diskTrouble(ctx, disk)
		}
		c.broken = 0
	}
	return 0
}

// committed reports whether something new stands in the queue: it goes before what has
// failed.
func (c *Courier) committed() bool {
	select {
	case <-c.outbox.fresh:
		return true
	default:
		return false
	}
}

func (c *Courier) notBefore() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.demand.After(c.resume) {
		return c.demand
	}
	return c.resume
}

// ready picks from the heads a batch whose visits need not wait: first those that have
// not failed, and of the others those that are due the longest. So what fails again and
// again, however much of it there is, holds up nothing new.
func (c *Courier) ready(heads []due) ([]due, time.Duration) {
	wait := idle
	waiting := make(map[string]retryPlan, len(c.visits))
	var ready []due
	for _, h := range heads {
		plan, ok := c.visits[h.visit]
		if ok {
			waiting[h.visit] = plan
		}
		if left := plan.at.Sub(c.now()); ok && left > 0 {
			wait = min(wait, left)
		} else {
			ready = append(ready, h)
		}
	}
	c.visits = waiting // visits without a head are settled: forget them
	slices.SortStableFunc(ready, func(a, b due) int { return waiting[a.visit].at.Compare(waiting[b.visit].at) })
	return ready[:min(len(ready), sendersARound)], wait
}

// judge settles one result. It returns what the result says against the line,
// and the outbox failing.
func (c *Courier) judge(ctx context.Context, d due, r result) (lineErr, err error) {
	var refusal *RefusalError
	isRefusal := errors.As(r.err, &refusal)
	if isStorage(r.err) && !isRefusal { // not the hub's, whatever is wrong with its disk
		return nil, r.err
	}
	if errors.Is(r.err, errSpoilt) {
		return nil, c.setAside(ctx, d, fault.StorageDamaged, 0)
	}
	if r.err == nil {
		return nil, c.settled(ctx, d, r)
	}
	if ctx.Err() != nil {
		return nil, nil //nolint:nilerr // shutting down says nothing about line or outbox
	}
	code := fault.CodeOf(r.err)
	if !isRefusal || !refusal.single() {
		c.obey(r.err)
	}
	switch {
	case refusal != nil && refusal.final():
		c.observe(r.err)
		return nil, c.setAside(ctx, d, code, refusal.Problem.Status)
	case code == fault.KioskRevoked: // that is about no submission: all wait
		lineErr = r.err
	case refusal != nil:
		c.observe(r.err)
		c.delayVisit(d.visit, r.err)
	case code == fault.HubRubbish: // it may be about this submission alone
		lineErr = r.err
		c.delayVisit(d.visit, r.err)
	default:
		lineErr = r.err
	}
	c.log.WarnContext(ctx, "submission not sent", "submission", d.id, "code", string(code), "err", r.err)
	return lineErr, c.outbox.attempted(ctx, d.id, c.holdsUpNobody(ctx, d, refusal, code), isRefusal)
}

// setAside keeps a submission that will never be taken for a person to look at, so
// that it holds up no other. status is the hub's, 0 when it has not been asked.
func (c *Courier) setAside(ctx context.Context, d due, code fault.Code, status int) error {
	c.log.ErrorContext(ctx, "submission quarantined", "submission", d.id, "code", string(code), "status", status, "alarm", true)
	if err := c.outbox.quarantine(ctx, d.id, code); err != nil {
		return err
	}
	delete(c.visits, d.visit)
	return nil
}

func (c *Courier) settled(ctx context.Context, d due, r result) error {
	c.failures, c.resume = 0, time.Time{}
	c.observe(nil)
	if errors.Is(r.noted, ErrUnproven) {
		c.log.ErrorContext(ctx, "acknowledgement for something else", "submission", d.id, "alarm", true, "err", r.noted)
		c.delayVisit(d.visit, r.noted)
		return c.outbox.attempted(ctx, d.id, c.holdsUpNobody(ctx, d, nil, fault.HubRubbish), false)
	}
	if r.noted != nil {
		return r.noted
	}
	delete(c.visits, d.visit)
	c.taken = c.now()
	v := r.ack.Verdict()
	c.log.InfoContext(ctx, "submission acknowledged", "submission", d.id, "accepted", v.Accepted, "code", string(v.Code))
	v.Code = known(v.Code) // a screen may show it
	c.publish(Acked{ID: d.id, Verdict: v})
	return nil
}

func (c *Courier) delayVisit(visit string, err error) {
	p := c.visits[visit]
	p.failures++
	p.at = c.now().Add(c.opts.Backoff.after(p.failures, retryAfterOf(err)))
	c.visits[visit] = p
}

// obey keeps silent for as long as the hub asks.
func (c *Courier) obey(err error) {
	if asked := retryAfterOf(err); asked > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.demand = c.now().Add(min(asked, maxRetryAfter))
	}
}

// diskTrouble keeps the courier alive through a full disk: it may be freed.
func (c *Courier) diskTrouble(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil {
		c.log.ErrorContext(ctx, "outbox fails", "code", string(fault.CodeOf(err)), "alarm", true, "err", err)
	}
	c.broken++
	wait := c.opts.Backoff.after(c.broken, 0)
	c.failed = c.now()
	if until := c.failed.Add(wait); until.After(c.resume) { // commits and kicks do not end it
		c.resume = until
	}
	return wait
}

func (c *Courier) publish(a Acked) {
	for {
		select {
		case c.acks <- a:
			return
		default:
		}
		select {
		case <-c.acks:
			c.log.Warn("acknowledgement not read in time")
		default:
		}
	}
}

// observe feeds the line; a line that came up is a reason to send.
func (c *Courier) observe(err error) {
	if c.line.observe(answered(err)) {
		c.Kick()
	}
}

// reportLoop sends the sign of life, sooner when the line is in doubt.
func (c *Courier) reportLoop(ctx context.Context) error {
	timer := time.NewTimer(rand.N(min(time.Second, c.opts.Every)))
	defer timer.Stop()
	failures := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-c.look:
			failures = 0 // what was known of the line is out of date
		}
		err := c.hub.Report(ctx, c.opts.Report(ctx))
		if ctx.Err() != nil {
			return nil
		}
		c.observe(err)
		c.obey(err)
		if err == nil {
			failures = 0
			timer.Reset(c.opts.Every*4/5 + rand.N(c.opts.Every*2/5))
			continue
		}
		failures++
		c.log.WarnContext(ctx, "report not sent", "code", string(fault.CodeOf(err)), "err", err)
		timer.Reset(c.pace(err, c.opts.Every).after(failures, retryAfterOf(err)))
	}
}

// revokedCap is the longest wait of a kiosk that its hub does not accept any more:
// it keeps looking, for it may be restored.
const revokedCap = 5 * time.Minute

// pace is the backoff after a failure, up to ceiling.
func (c *Courier) pace(err error, ceiling time.Duration) Backoff {
	if fault.CodeOf(err) == fault.KioskRevoked {
		ceiling = max(ceiling, revokedCap)
	}
	return Backoff{Floor: c.opts.Backoff.Floor, Cap: ceiling}
}
