package kiosk

import (
	"sync/atomic"
	"time"
)

// Clock is the kiosk's clock: a base that runs, and an offset that the dock may
// move forward so that nobody has to wait for a deadline.
type Clock struct {
	base   func() time.Time
	offset atomic.Int64
	moved  chan struct{}
}

// NewClock makes a clock over base, which is time.Now outside of tests.
func NewClock(base func() time.Time) *Clock {
	return &Clock{base: base, moved: make(chan struct{}, 1)}
}

// Now is the time at the kiosk.
func (c *Clock) Now() time.Time { return c.base().Add(c.Offset()) }

// Offset is how far the clock runs ahead of its base.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Forward moves the clock on. The loop looks at its deadlines at once.
func (c *Clock) Forward(d time.Duration) {
	c.offset.Add(int64(max(0, d)))
	select {
	case c.moved <- struct{}{}:
	default:
	}
}
