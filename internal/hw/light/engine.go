package light

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Lamp is one light of any make. Set is called from one goroutine. A lamp that is
// an [io.Closer] is closed when its engine ends, dark.
type Lamp interface {
	Set(c Colour, level float64) error
}

// frame is the step of a gliding level: smoother than the eye can tell.
const frame = 25 * time.Millisecond

// again is how long a lamp that fails is left alone at most.
const again = time.Second

// Engine plays patterns on a lamp. It implements [Lights].
//
// Whatever is shown, and however fast signals follow each other, the lamp never
// flashes more than three times in any second: a rise that would be the fourth
// is put off.
type Engine struct {
	lamp Lamp
	log  *slog.Logger

	mu     sync.Mutex
	signal Signal
	news   chan struct{}
}

var (
	_ Lights   = (*Engine)(nil)
	_ Reporter = (*Engine)(nil)
	_ Speaker  = (*Engine)(nil)
)

// NewEngine makes an engine that begins with OutOfService: nobody has said yet
// that anything works.
func NewEngine(lamp Lamp, log *slog.Logger) *Engine {
	return &Engine{lamp: lamp, log: log, signal: OutOfService, news: make(chan struct{}, 1)}
}

// Show implements [Lights]. Showing the same signal again does not restart it.
func (e *Engine) Show(s Signal) {
	e.mu.Lock()
	changed := e.signal != s
	e.signal = s
	e.mu.Unlock()
	if !changed {
		return
	}
	select {
	case e.news <- struct{}{}:
	default:
	}
}

// Signal gives what is shown.
func (e *Engine) Signal() Signal {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.signal
}

// Parts implements [Reporter].
func (e *Engine) Parts() []Part {
	if r, ok := e.lamp.(Reporter); ok {
		return r.Parts()
	}
	return nil
}

// Shining implements [Speaker].
func (e *Engine) Shining(c Colour) []string {
	if s, ok := e.lamp.(Speaker); ok {
		return s.Shining(c)
	}
	return nil
}

// nearest is the level that the lamp shows for one.
func (e *Engine) nearest(level float64) float64 {
	if l, ok := e.lamp.(Coarse); ok {
		return l.Nearest(level)
	}
	return level
}

// Run implements [Lights]. It returns ctx's error. First of all the lamp is made
// dark: nobody knows what an earlier run has left. A lamp that fails is tried again
// with every change and at least every few seconds; it never ends Run.
func (e *Engine) Run(ctx context.Context) error {
	var (
		out   = output{lamp: e.lamp, log: e.log}
		shown = e.Signal()
		start = time.Now()
		timer = time.NewTimer(0)
	)
	defer out.end()
	defer timer.Stop()
	out.set(Colour{}, 0)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.news:
			if s := e.Signal(); s != shown {
				shown, start = s, time.Now()
			}
		case <-timer.C:
		}
		p, now := PatternOf(shown), time.Now()
		level, stays := p.At(now.Sub(start))
		if level = e.nearest(level); stays == 0 {
			stays = frame
		}
		if out.failed {
			stays = min(stays, again)
		}
		if wait := out.guard.after(now, p.Colour, level); wait > 0 {
			stays = wait
		} else {
			out.guard.note(now, p.Colour, level)
			out.set(p.Colour, level)
		}
		timer.Reset(stays)
	}
}

// output drives the lamp and says once when it fails and once when it is back.
type output struct {
	lamp   Lamp
	log    *slog.Logger
	guard  guard
	colour Colour
	level  float64
	begun  bool
	failed bool
}

func (o *output) set(c Colour, level float64) {
	if o.begun && !o.failed && o.colour == c && o.level == level {
		return
	}
	err := o.lamp.Set(c, level)
	o.begun, o.colour, o.level = true, c, level
	switch failed := err != nil; {
	case failed && !o.failed:
		o.log.Warn("A status light fails", "err", err)
	case !failed && o.failed:
		o.log.Info("The status light is back")
	}
	o.failed = err != nil
}

// end leaves the lamp dark and gives it back.
func (o *output) end() {
	o.set(Colour{}, 0)
	if c, ok := o.lamp.(io.Closer); ok {
		if err := c.Close(); err != nil && !o.failed {
			o.log.Warn("A status light was not given back", "err", err)
		}
	}
}
