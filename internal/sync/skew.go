package sync

import (
	"net/http"
	"slices"
	stdsync "sync"
	"time"
)

// The measurement of a clock.
const (
	skewSamples = 5
	// slowest is the longest round trip whose answer still says what time it is.
	slowest = 5 * time.Second
	// leastSkew is what a Date of whole seconds cannot tell from none.
	leastSkew = 2 * time.Second
)

// hubClock knows the hub's time from the Date of its answers. A kiosk's own clock
// may be off by years (its battery is empty) and may be set while the daemon
// runs; so what is kept is the hub's time at moments of the monotonic clock.
type hubClock struct {
	mu      stdsync.Mutex
	samples []hubTime // the newest last
}

// hubTime is the hub's time at one moment; both carry what it takes to go on from there.
type hubTime struct {
	hub time.Time
	at  time.Time // with the monotonic reading
}

// note takes one answer of the authenticated hub, sent out and come back then.
func (c *hubClock) note(h http.Header, sent, back time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || back.Sub(sent) > slowest {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == skewSamples {
		c.samples = slices.Delete(c.samples, 0, 1)
	}
	// A Date is cut to whole seconds, so the hub's clock stood half a second later
	// on average, some time between sending and answer.
	c.samples = append(c.samples, hubTime{hub: date.Add(time.Second / 2), at: sent.Add(back.Sub(sent) / 2)})
}

// time is what the hub's clock shows now; false while no answer has told it.
func (c *hubClock) time(now time.Time) (time.Time, bool) {
	c.mu.Lock()
	known := len(c.samples) > 0
	c.mu.Unlock()
	return now.Add(c.skew(now)), known
}

// skew is how far the hub's clock is ahead of the wall clock that now shows: the
// median of the last answers, 0 when there is none or no difference to speak of.
func (c *hubClock) skew(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == 0 {
		return 0
	}
	ahead := make([]time.Duration, len(c.samples))
	for i, s := range c.samples {
		ahead[i] = s.hub.Add(now.Sub(s.at)).Sub(now.Round(0))
	}
	slices.Sort(ahead)
	if d := ahead[len(ahead)/2]; d.Abs() >= leastSkew {
		return d
	}
	return 0
}
