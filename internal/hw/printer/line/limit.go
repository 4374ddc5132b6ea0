package line

import (
	"os"
	"sync"
	"time"
)

// limit is a deadline that also ends a wait which has already begun.
type limit struct {
	mu     sync.Mutex
	timer  *time.Timer
	passed chan struct{} // closed when the deadline has passed
}

func newLimit() *limit { return &limit{passed: make(chan struct{})} }

// set moves the deadline; the zero time takes it away.
func (l *limit) set(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil && !l.timer.Stop() {
		<-l.passed // it has fired and closes the channel now, if it has not yet
	}
	l.timer = nil
	select {
	case <-l.passed:
		l.passed = make(chan struct{})
	default: // kept, so that who waits already learns of the new deadline
	}
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		close(l.passed)
		return
	}
	passed := l.passed
	l.timer = time.AfterFunc(left, func() { close(passed) })
}

func (l *limit) over() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passed
}

// rest waits for d, or less when the port is closed or over is (nil = never).
func rest(d time.Duration, done, over <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-done:
		return os.ErrClosed
	case <-over:
		return os.ErrDeadlineExceeded
	}
}
