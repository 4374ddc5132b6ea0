package sync

import (
	"math/rand/v2"
	"time"
)

// Backoff is exponential with full jitter: a fleet that lost its hub at one
// moment does not come back at one moment.
type Backoff struct {
	Floor time.Duration // never sooner
	Cap   time.Duration // never later, unless the hub asks for it
}

// maxRetryAfter bounds what a wrong header can do to a kiosk.
const maxRetryAfter = time.Hour

// After is the wait before the next try, for others than the courier: there were n
// failures (n ≥ 1), and err may say how long the hub asks to be left alone.
func (b Backoff) After(n int, err error) time.Duration { return b.after(n, retryAfterOf(err)) }

// after gives the wait before the next try when there were n failures (n ≥ 1)
// and the hub asked for at least asked.
func (b Backoff) after(n int, asked time.Duration) time.Duration {
	ceiling := b.Cap
	if shift := min(n, 30); b.Floor<<shift < ceiling && b.Floor<<shift > 0 {
		ceiling = b.Floor << shift
	}
	d := b.Floor
	if ceiling > b.Floor {
		d += rand.N(ceiling - b.Floor)
	}
	if asked = min(asked, maxRetryAfter); asked > 0 {
		d = max(d, asked+rand.N(asked/4+1))
	}
	return d
}
