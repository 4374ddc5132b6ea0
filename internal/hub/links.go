package hub

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	mrand "math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// What a link costs is what fifteen thousand of them cost, so each has one
// goroutine, which reads, and small buffers; one goroutine pings all of them, and
// one looks after the rest: the store's rows, hints and revocations.
const (
	linkBuffer  = 256              // of reading and of writing; the latter are shared
	linkWrite   = time.Second      // for one message to a kiosk; they are so short that nothing waits
	drainMost   = 10 * time.Second // for telling all; who has heard nothing by then only loses the link
	linkUpgrade = 5 * time.Second
	linkFrames  = 16 // from a kiosk between two pings; two is usual
	linkAsked   = 4  // newest pings to which an answer counts; a link that lives has answered one of three
	linksEach   = 4  // of one kiosk; a fifth ends the oldest
	pingSlots   = 64
	retryLinks  = 30 * time.Second // and up to twice that, when a hub is full
	// hubLives is how many sweeps a hub may miss before others take it for dead.
	hubLives = 4
	// sweepMargin is how far clocks of hubs, and an enrolment that took its time, may be
	// behind a sweep.
	sweepMargin = 5 * time.Minute
	// drainRate is how many kiosks a second may come to another hub at a drain.
	drainRate = 1000
	drainLast = 2 * time.Second
)

// Defaults of [Links].
const (
	DefaultMaxLinks = 16000
	defaultPing     = 30 * time.Second
	defaultSweep    = 15 * time.Second
	defaultBatch    = 100 * time.Millisecond
)

// Links are the open links of kiosks to this hub. Run must be running. Its methods
// are safe for concurrent use.
//
// Over a link the hub tells a kiosk to look, that it was revoked, or to go to
// another hub; all of that are hints, and the rows are the truth. What a hint was
// lost about is noticed at the next sweep.
type Links struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	Max   int           // of links; 0 = DefaultMaxLinks
	Ping  time.Duration // between two pings of a link; 0 = 30 s
	Sweep time.Duration // between two looks at the store; 0 = 15 s
	Batch time.Duration // how long the store waits for more to be noted with it; 0 = 100 ms

	hub     string    // names this start of the hub
	swept   time.Time // last sweep; watch's own
	buffers sync.Pool
	wake    chan struct{} // settle has something to do

	mu      sync.Mutex
	open    bool // Run is running and does not drain
	kiosks  map[string][]*link
	count   int
	slots   [pingSlots]map[*link]struct{}
	due     due
	pushed  map[string]map[string]*pushed // by kiosk and run
	pinged  uint64                        // number of the last ping
	started sync.Once
}

// due is what settle has to do.
type due struct {
	add    []*link
	remove []string
	hints  map[string]struct{}
	all    bool // any kiosk may have something new
	clones []clone
}

func (d due) nothing() bool {
	return len(d.add)+len(d.remove)+len(d.hints)+len(d.clones) == 0 && !d.all
}

func (l *Links) start() {
	l.started.Do(func() {
		l.hub, l.wake, l.kiosks = rand.Text(), make(chan struct{}, 1), map[string][]*link{}
		for i := range l.slots {
			l.slots[i] = map[*link]struct{}{}
		}
	})
}

// Hub names this start of the hub in the store's links.
func (l *Links) Hub() string {
	l.start()
	return l.hub
}

// Count is how many links are open.
func (l *Links) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Run looks after the links until ctx ends, then sends every kiosk to another hub.
func (l *Links) Run(ctx context.Context) error {
	l.start()
	l.beat(ctx)
	l.setOpen(true)
	var wg sync.WaitGroup
	wg.Go(func() { l.Store.Listen(ctx, l.hear) })
	wg.Go(func() { l.ping(ctx) })
	wg.Go(func() { l.watch(ctx) })
	wg.Wait()
	l.drain(context.WithoutCancel(ctx))
	return nil
}

func (l *Links) setOpen(open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = open
}

var runName = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// link takes a kiosk's link.
func (a *API) link(w http.ResponseWriter, r *http.Request, k Kiosk) {
	run := r.Header.Get(wire.HeaderRun)
	switch {
	case a.Links == nil || !a.Links.room():
		p := refuse(http.StatusServiceUnavailable, fault.HubRefused, "this hub takes no further link: try again, or another hub")
		p.RetryAfter = retryLinks + mrand.N(retryLinks)
		w.Header().Set("Connection", "close") // the next try may reach another hub
		replyProblem(w, p)
	case !websocket.IsWebSocketUpgrade(r):
		replyProblem(w, refuse(http.StatusBadRequest, fault.BadMessage, "a link is a WebSocket"))
	case !runName.MatchString(run):
		p := refuse(http.StatusBadRequest, fault.BadMessage, "8 to 64 letters, digits, - and _")
		p.Field = wire.HeaderRun
		replyProblem(w, p)
	default:
		a.Links.accept(w, r, k.ID, run)
	}
}

// room says whether a link more may come. A few that ask at the same moment may all
// be let in.
func (l *Links) room() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open && l.count < or(l.Max, DefaultMaxLinks)
}

// accept makes a link of the request. The handler then returns, so that what
// net/http keeps for a request is free again.
func (l *Links) accept(w http.ResponseWriter, r *http.Request, kiosk, run string) {
	up := websocket.Upgrader{
		HandshakeTimeout: linkUpgrade, ReadBufferSize: linkBuffer, WriteBufferSize: linkBuffer, WriteBufferPool: &l.buffers,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			w.Header().Set("Sec-Websocket-Version", "13")
			replyProblem(w, refuse(status, fault.BadMessage, reason.Error()))
		},
	}
	cert := r.TLS.VerifiedChains[0][0]
	until := cert.NotAfter.Unix()
	remote := r.RemoteAddr
	arrived, since := l.number(), l.Now().UTC().Truncate(time.Millisecond)
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		l.Log.Debug("Link not opened", "kiosk", kiosk, "error", err)
		return
	}
	n := &link{all: l, conn: conn, until: until, issued: issuedAt(cert), arrived: arrived, row: Link{
		ID: rand.Text(), Kiosk: kiosk, Run: run, Hub: l.hub, Remote: remote, Since: since,
	}}
	old, suspect, ok := l.put(n)
	if !ok {
		n.leave(drainLast)
		return
	}
	for _, o := range old {
		o.end(websocket.CloseNormalClosure, "replaced")
	}
	if slices.Contains(old, n) {
		return
	}
	go n.read()
	if suspect != nil {
		n.suspect(*suspect)
	}
}

// put adds a link, and gives those whose place is taken: of the same run, and more than a
// kiosk may have. That may be the link itself, when later ones are there already; then it
// is not added. Where its run was pushed out before, put also gives the link for which
// it was.
func (l *Links) put(n *link) (old []*link, suspect *Link, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		return nil, nil, false
	}
	at := 0 // its place among them: they are in the order of arrival
	var have []*link
	for i, o := range l.kiosks[n.row.Kiosk] {
		if o.arrived < n.arrived {
			at = i + 1
		}
		switch {
		case o.leaves: // its reader has not ended yet
		case o.row.Run != n.row.Run:
			have = append(have, o)
		case o.arrived > n.arrived:
			n.leaves = true
		default:
			old = append(old, o)
		}
	}
	full := len(have) >= linksEach
	if n.leaves || full && have[0].arrived > n.arrived {
		n.leaves = true
		return []*link{n}, nil, true
	}
	if by, ok := l.pusher(n); ok {
		suspect = &by
	}
	if full {
		old = append(old, have[0])
		l.pushOut(have[0], n)
	}
	for _, o := range old {
		o.leaves = true
	}
	l.kiosks[n.row.Kiosk] = slices.Insert(l.kiosks[n.row.Kiosk], at, n)
	l.count++
	n.slot = uint8(mrand.N(pingSlots))
	l.slots[n.slot][n] = struct{}{}
	l.due.add = append(l.due.add, n)
	l.signal()
	return old, suspect, true
}

// gone forgets a link whose reader has ended.
func (l *Links) gone(n *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := slices.DeleteFunc(l.kiosks[n.row.Kiosk], func(o *link) bool { return o == n })
	if len(left) == 0 {
		delete(l.kiosks, n.row.Kiosk)
	} else {
		l.kiosks[n.row.Kiosk] = left
	}
	l.count--
	delete(l.slots[n.slot], n)
	l.due.add = slices.DeleteFunc(l.due.add, func(o *link) bool { return o == n })
	l.due.remove = append(l.due.remove, n.row.ID)
	l.signal()
}

// signal wakes watch. l.mu is held, so nothing is added behind its back.
func (l *Links) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// of gives this hub's links of a kiosk.
func (l *Links) of(kiosk string) []*link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kiosks[kiosk])
}

// every gives all links of this hub.
func (l *Links) every() (all []*link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.kiosks {
		all = append(all, of...)
	}
	return all
}

// Look tells every kiosk that is connected here to look at what is desired of it.
func (l *Links) Look() {
	l.start()
	l.hear("")
}

// hear notes a hint.
func (l *Links) hear(kiosk string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case kiosk == "":
		l.due.all = true
	case len(l.kiosks[kiosk]) == 0:
		return // another hub's
	default:
		if l.due.hints == nil {
			l.due.hints = map[string]struct{}{}
		}
		l.due.hints[kiosk] = struct{}{}
	}
	l.signal()
}

// ping pings every link in turn, a slot at a time.
func (l *Links) ping(ctx context.Context) {
	t := time.NewTicker(or(l.Ping, defaultPing) / pingSlots)
	defer t.Stop()
	for slot := 0; ; slot = (slot + 1) % pingSlots {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		l.mu.Lock()
		links := slices.Collect(maps.Keys(l.slots[slot]))
		l.mu.Unlock()
		now := l.Now().Unix()
		for _, n := range links {
			if n.until < now { // it was good when the link began
				n.end(websocket.ClosePolicyViolation, "certificate expired")
				continue
			}
			if n.look.Swap(false) {
				n.send(wire.LinkMessage{Kind: wire.LinkLook})
			}
			n.ping()
		}
	}
}

// drain sends every kiosk to another hub, spread over as long as it takes to take
// them in there.
func (l *Links) drain(ctx context.Context) {
	l.setOpen(false)
	all := l.every()
	spread := max(drainLast, time.Duration(len(all))*time.Second/drainRate)
	late := time.Now().Add(drainMost)
	for _, n := range all {
		if time.Now().Before(late) {
			n.leave(spread)
		}
		_ = n.conn.Close()
	}
	end, cancel := context.WithTimeout(ctx, linkUpgrade)
	defer cancel()
	if err := l.Store.EndHub(end, l.hub); err != nil {
		l.Log.Warn("Links not forgotten: they vanish by themselves", "error", err)
	}
	l.Log.Info("Links drained", "links", len(all))
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
