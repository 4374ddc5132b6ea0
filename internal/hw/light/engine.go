package light

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Lamp is one light of any make. Set is called from one goroutine.
type Lamp interface {
	Set(c Colour, level float64) error
}

// frame is the step of a gliding level: smoother than the eye can tell.
const frame = 25 * time.Millisecond

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

var _ Lights = (*Engine)(nil)

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

// Run implements [Lights]. It returns ctx's error. A lamp that fails is tried
// again with every change; it never ends Run.
func (e *Engine) Run(ctx context.Context) error {
	var (
		out    = output{lamp: e.lamp, log: e.log}
		shown  = e.Signal()
		start  = time.Now()
		timer  = time.NewTimer(0)
		safely = func() { out.set(Colour{}, 0) }
	)
	defer safely()
	defer timer.Stop()
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
		if stays == 0 {
			stays = frame
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
		o.log.Warn("status light failed", "error", err)
	case !failed && o.failed:
		o.log.Info("status light is back")
	}
	o.failed = err != nil
}
