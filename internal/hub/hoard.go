package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Allowance is how much of a kind a kiosk may have stored. It begins with Most, and gets
// Daily more each day up to that.
type Allowance struct{ Daily, Most int }

// What is stored here stays for a year or for ever, so one kiosk in wrong hands could fill
// the disk of all. These bounds are beyond what a kiosk does where somebody applies every
// three minutes of the day, with a month without a line behind it; what goes beyond them
// waits at the kiosk.
const (
	submissionsDaily, submissionsMost = 5_000, 50_000
	auditDaily, auditMost             = 50_000, 500_000

	budgetSubmissions = "submissions"
	budgetAudit       = "audit"

	// hoardTells is how much of a kind a hub hears of before it tells the others.
	hoardTells = 64
	// retryHoard is when a kiosk should ask again at the latest.
	retryHoard = time.Minute
)

// or is a, or what it is where nobody says.
func (a Allowance) or(daily, most int) Allowance {
	if a.Daily <= 0 || a.Most <= 0 {
		return Allowance{daily, most}
	}
	return a
}

// cost is what n take of the budget, which is one of time.
func (a Allowance) cost(n int) time.Duration {
	return time.Duration(float64(n) / float64(a.Daily) * float64(24*time.Hour))
}

// hoards is what each kiosk had stored by this hub and the store has not been told of.
type hoards struct {
	mu  sync.Mutex
	all map[[2]string]*hoard // by kiosk and kind
}

type hoard struct {
	untold int
	until  time.Time // nothing more before
}

// wait counts n and gives 0, or says for how long nothing more is taken, and whether that
// has just been found out.
func (h *hoards) wait(ctx context.Context, s Store, kiosk, what string, a Allowance, n int, now time.Time) (d time.Duration, found bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[[2]string]*hoard{}
	}
	k, ok := h.all[[2]string{kiosk, what}]
	if !ok {
		k = &hoard{}
		h.all[[2]string{kiosk, what}] = k
	}
	if left := k.until.Sub(now); left > 0 {
		return left, false, nil
	}
	k.untold += n
	tells := min(hoardTells, max(1, a.Most/2))
	if k.untold < tells {
		return 0, false, nil
	}
	told := k.untold
	k.untold = 0 // while the store is asked, others count on
	h.mu.Unlock()
	d, err = spend(ctx, s, kiosk, what, a.cost(told), a.cost(a.Most), now)
	h.mu.Lock()
	if err != nil {
		k.untold += told
	}
	if d > 0 {
		k.untold += told - n // this one is not stored
		k.until = now.Add(d)
	}
	return d, d > 0, err
}

// mayHoard takes n of the kiosk's allowance of what is kept, or says how long it must wait.
func (a *API) mayHoard(ctx context.Context, kiosk, what string, allowed Allowance, n int) time.Duration {
	wait, found, err := a.hoards.wait(ctx, a.Store, kiosk, what, allowed, n, a.Now())
	if err != nil { // the store is away, and will take nothing else either
		a.Log.Error("Allowance not asked for", "kiosk", kiosk, "of", what, "error", err)
		return 0
	}
	if wait <= 0 {
		return 0
	}
	if !found { // told already
		return min(wait, retryHoard)
	}
	a.Log.Error("Kiosk has more stored than it may", "kiosk", kiosk, "of", what, "daily", allowed.Daily, "alarm", true)
	a.raise(ctx, Alarm{Kind: AlarmHoard, Kiosk: kiosk,
		Text: fmt.Sprintf("hands over more %s than %d and %d a day: the rest waits at the kiosk", what, allowed.Most, allowed.Daily)})
	return min(wait, retryHoard)
}

// mayStore says how long a submission must wait. One that is stored is answered as ever.
func (a *API) mayStore(ctx context.Context, kiosk string, sub wire.Submission) (wait time.Duration, ack []byte, err error) {
	wait = a.mayHoard(ctx, kiosk, budgetSubmissions, a.Submissions.or(submissionsDaily, submissionsMost), 1)
	if wait <= 0 {
		return 0, nil, nil
	}
	if ack, err = a.Ingest.again(ctx, kiosk, sub, a.Now().UTC()); errors.Is(err, ErrNotFound) {
		return wait, nil, nil
	}
	return 0, ack, err
}

// tooMuch is told to whoever must wait.
func tooMuch(wait time.Duration) *problem {
	p := refuse(http.StatusTooManyRequests, fault.TooFast, "more of this kiosk is stored than it may have")
	p.RetryAfter = wait
	return p
}
