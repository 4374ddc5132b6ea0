package sync

import stdsync "sync"

// downAfter is how many calls in a row must fail before the line counts as down:
// one lost packet must not change the first screen.
const downAfter = 2

// line is the hub's reachability as the screen sees it, with hysteresis: one
// success makes it up, downAfter failures make it down. Until the first result
// nothing is said, and the first result counts at once.
type line struct {
	mu       stdsync.Mutex
	known    bool
	up       bool
	failures int
	out      chan bool // capacity 1: only the newest state matters
}

func newLine() *line { return &line{out: make(chan bool, 1)} }

// observe takes one result and reports whether the line came up by it.
func (l *line) observe(ok bool) (cameUp bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		l.failures = 0
	} else {
		l.failures++
	}
	was, wasKnown := l.up, l.known
	switch {
	case ok:
		l.up = true
	case !wasKnown || l.failures >= downAfter:
		l.up = false
	}
	l.known = true
	if wasKnown && was == l.up {
		return false
	}
	select {
	case <-l.out: // an older state that nobody has read
	default:
	}
	l.out <- l.up // has room: observe is the only sender and holds the lock
	return l.up
}
