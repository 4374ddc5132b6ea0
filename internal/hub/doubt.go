package hub

import (
	"context"
	"fmt"
	"time"
)

const (
	// doubtAfter is how long a store may not have been looked after, by a hub's clock,
	// before that clock is doubted.
	doubtAfter = 7 * 24 * time.Hour
	// doubtFor is how long somebody has to look at it.
	doubtFor = 24 * time.Hour
)

// doubt is of this hub's own clock. What is cleared for being old does not come back, so
// a clock that has jumped ahead must not be believed at once. The store knows when it was
// looked after last: every hour, by any hub. A hub that comes a week later was off for so
// long, as all others were, or its clock is wrong; which of the two a person can tell.
type doubt struct {
	since time.Time // this hub has it; zero: it has none
	last  time.Time // the store was looked after then, when it began
}

// doubtful says whether to leave the store alone for now, and raises the alarm. When
// another hub has looked after it meanwhile, it is this one's clock that is wrong, and
// the doubt begins anew. Until the doubt is over the lease is not taken, so a restart
// does not forget it.
func (c *Caretaker) doubtful(ctx context.Context) (bool, error) {
	last, err := c.Store.LeaseEnd(ctx, careName)
	if err != nil {
		return false, fmt.Errorf("cannot tell whether the clock is right: %w", err)
	}
	now := c.Now()
	if last.IsZero() || now.Sub(last) <= doubtAfter {
		c.doubt = doubt{}
		return false, nil
	}
	if c.doubt.since.IsZero() || !last.Equal(c.doubt.last) {
		c.doubt = doubt{since: now, last: last}
	}
	if now.Sub(c.doubt.since) >= doubtFor {
		return false, nil
	}
	text := fmt.Sprintf("the store was last looked after %s, and by this hub's clock it is %s: nothing is cleared for %s",
		last.Format(time.RFC3339), now.UTC().Format(time.RFC3339), doubtFor)
	c.Log.Error("Clock is doubted", "last", last, "alarm", true)
	if err := c.Store.Raise(ctx, Alarm{Kind: AlarmHubClock, Text: text, Last: now}); err != nil {
		return true, fmt.Errorf("cannot raise alarm: %w", err)
	}
	return true, nil
}
