package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// DefaultMessages is how many messages an hour a kiosk may send to phones.
const DefaultMessages = 30

const (
	budgetRequests = "requests"
	budgetMessages = "messages"

	// shareEvery is how often at most a hub tells the store what a kiosk asked of it.
	shareEvery = 5 * time.Second
	// quiet is the part of its rate that a kiosk may use at each hub without the
	// others hearing of it: no honest kiosk costs a write.
	quiet = 10
	// spendLimit is how long a request waits for the store's word on a budget.
	spendLimit = 2 * time.Second
)

// tellings is what each kiosk asked of this hub and the store has not heard of yet.
// The hub's own limiter goes before it, and holds also when the store does not answer.
//
// So a kiosk that talks to n hubs gets, in any time T, at most rate·T + burst from
// the shared budget and, from each hub, rate/quiet·T that is not told, and what the
// hub lets through before it asks: burst + rate·shareEvery.
type tellings struct {
	mu  sync.Mutex
	all map[string]*telling
}

type telling struct {
	since   time.Time // of the last word with the store
	n       int
	owed    bool // the store refused n: it is asked for again before anything else
	asking  bool
	blocked time.Time
}

// wait counts one request and gives 0, or says how long the kiosk must wait because
// of what it asked of all hubs.
func (t *tellings) wait(ctx context.Context, s Store, kiosk string, limit rate.Limit, burst int, now time.Time) (time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*telling{}
	}
	k, ok := t.all[kiosk]
	if !ok {
		k = &telling{since: now}
		t.all[kiosk] = k
	}
	if d := k.blocked.Sub(now); d > 0 {
		return d, nil
	}
	k.n++
	since := now.Sub(k.since)
	switch {
	case k.asking || !k.owed && since < shareEvery:
		return 0, nil
	case !k.owed && float64(k.n) <= float64(limit)*since.Seconds()/quiet+1:
		k.n, k.since = 0, now
		return 0, nil
	}
	n := k.n
	k.n, k.asking = 0, true
	t.mu.Unlock()
	d, err := spend(ctx, s, kiosk, budgetRequests, span(n, limit), span(burst, limit), now)
	t.mu.Lock()
	k.asking, k.since, k.owed = false, now, d > 0
	if d > 0 {
		k.n += n - 1 // this one is refused
		k.blocked = now.Add(d)
	}
	return d, err
}

// span is how long n requests take at this rate.
func span(n int, limit rate.Limit) time.Duration {
	return time.Duration(float64(n) / float64(limit) * float64(time.Second))
}

func spend(ctx context.Context, s Store, kiosk, what string, cost, most time.Duration, now time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, spendLimit)
	defer cancel()
	return s.Spend(ctx, kiosk, what, cost, most, now)
}

// message has one message sent, from the kiosk's budget. What the kiosk will ask for
// again, because the issuer was away or wants it to wait, costs nothing; only where the
// issuer did not answer in time the message may have gone out.
func (a *API) message(ctx context.Context, kiosk string, send func() (wire.IssueStarted, error)) (wire.IssueStarted, error) {
	if err := a.mayMessage(ctx, kiosk); err != nil {
		return wire.IssueStarted{}, err
	}
	out, err := send()
	if err == nil || errors.Is(err, context.DeadlineExceeded) || asProblem(err, fault.IssuerDown).final() {
		return out, err
	}
	if _, e := spend(ctx, a.Store, kiosk, budgetMessages, -a.messageCost(), time.Hour, a.Now()); e != nil {
		a.Log.Warn("Budget of messages not given back", "kiosk", kiosk, "error", e)
	}
	return out, err
}

// messagesHourly is how many messages a kiosk may send, and messageCost what one takes.
func (a *API) messagesHourly() int {
	if a.Messages <= 0 {
		return DefaultMessages
	}
	return a.Messages
}

func (a *API) messageCost() time.Duration { return time.Hour / time.Duration(a.messagesHourly()) }

// mayMessage takes one message from the kiosk's budget, which all hubs share. A
// kiosk in wrong hands must not send messages to phones by the thousand. It begins
// full, and fills at its rate.
func (a *API) mayMessage(ctx context.Context, kiosk string) error {
	wait, err := spend(ctx, a.Store, kiosk, budgetMessages, a.messageCost(), time.Hour, a.Now())
	if err != nil {
		return fmt.Errorf("cannot ask for the budget of messages: %w", err)
	}
	if wait > 0 {
		a.Log.Error("Messages of this kiosk are not sent: too many", "kiosk", kiosk, "hourly", a.messagesHourly(), "alarm", true)
		a.raise(ctx, Alarm{Kind: AlarmMessages, Kiosk: kiosk, Text: fmt.Sprintf("wants to send more than %d messages an hour", a.messagesHourly())})
		return &Refusal{Code: fault.TooFast, RetryAfter: wait, Detail: "too many messages of this kiosk"}
	}
	return nil
}
