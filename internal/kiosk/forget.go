package kiosk

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// The rounds in which an ended visit is forgotten. A connection that is closed has
// goroutines, which have buffers and take a moment to end.
const (
	forgetRounds = 2
	forgetPause  = time.Second
)

// forgetter has what ended visits left in memory overwritten, beside the loop: it
// takes a moment, and no touch may wait for it. Visits that end meanwhile take
// turns.
type forgetter struct {
	mu  sync.Mutex
	do  func() // may be nil
	log *slog.Logger
}

// after waits until nothing of a visit runs any more, its slip included, and then
// has its memory overwritten.
func (f *forgetter) after(work context.Context, visits ...*visit) {
	for _, v := range visits {
		v.jobs.Wait()
	}
	if f.do == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for round := range forgetRounds {
		if round > 0 {
			select {
			case <-time.After(forgetPause):
			case <-work.Done():
				return // the process ends, and its memory with it
			}
		}
		began := time.Now()
		f.do()
		f.log.Debug("Forgot what ended visits left in memory", "round", round+1, "ms", time.Since(began).Milliseconds())
	}
}
