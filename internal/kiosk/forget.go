package kiosk

import (
	"context"
	"log/slog"
	"sync/atomic"
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
	turn  chan struct{} // holds one value while something is being forgotten
	do    func()        // may be nil
	log   *slog.Logger
	asked atomic.Bool // something late waits for its turn
}

// after waits until nothing of a visit runs any more, its slip included, and then
// has its memory overwritten.
func (f *forgetter) after(work context.Context, visits ...*visit) {
	for _, v := range visits {
		v.jobs.Wait()
	}
	f.overwrite(work)
}

// late has memory overwritten for what came when its visit was over: the hub's answer to a
// reservation that waited tells a MyKey ID. All that comes before its turn is one.
func (f *forgetter) late(work context.Context) {
	if !f.asked.Swap(true) {
		f.overwrite(work)
	}
}

func (f *forgetter) overwrite(work context.Context) {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	f.asked.Store(false)
	if f.do == nil {
		return
	}
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
