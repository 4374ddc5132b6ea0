package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kioskd/internal/hw/printer"
)

// press is a driver on an instant line.
type press struct {
	line  *instantLine
	drv   *printer.Driver
	draw  printer.Drawing
	stop  context.CancelFunc
	ended chan error

	whole, band []time.Duration
	bytes       int // of the last slip
}

func newPress(ctx context.Context, p printer.Profile, draw printer.Drawing) *press {
	line := newInstantLine()
	dial := func(context.Context) (printer.Port, error) { return line, nil }
	running, stop := context.WithCancel(ctx)
	f := &press{line: line, draw: draw, stop: stop, ended: make(chan error, 1)}
	f.drv = printer.New(dial, p, slog.New(slog.DiscardHandler))
	go func() { f.ended <- f.drv.Run(running) }()
	return f
}

// run prints one slip.
func (f *press) run(ctx context.Context) error {
	f.line.begin()
	began := time.Now()
	outcome, err := f.drv.Print(ctx, printer.Job{ID: "bench", Draw: f.draw})
	whole := time.Since(began)
	if err != nil || outcome != printer.Printed {
		return fmt.Errorf("cannot measure slips: the outcome is %s: %w", outcome, err)
	}
	bytes, first := f.line.sum()
	f.whole, f.bytes = append(f.whole, whole), bytes
	if !first.IsZero() {
		f.band = append(f.band, first.Sub(began))
	}
	return nil
}

func (f *press) forget() { f.whole, f.band = nil, nil }

func (f *press) end() error {
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func median(d []time.Duration) float64 { return quantile(d, 0.5) }
