package main

import (
	"context"
	"log/slog"

	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/hw/board"
)

// examineLights drives the lights of the configuration as the daemon would. The
// driver for card readers runs beside it only where a light is the reader's own.
func examineLights(ctx context.Context, cfg config.Config, how manner) (doctor.Report, error) {
	log := slog.New(slog.DiscardHandler) // what goes wrong is in the report
	driver, err := newReader(cfg, log)
	if err != nil {
		return doctor.Report{}, err
	}
	b := board.New()
	opt := doctor.LightsOptions{Group: newLights(cfg, b, driver, log), Still: how.still, Tell: how.tell}
	if btn := newButton(cfg, b, log); btn != nil { // a nil pointer is not a nil interface
		opt.Button = btn
	}
	if cfg.Lights.Reader.Driver == config.LightCardReader {
		running, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = driver.Run(running) // it ends with the context and says nothing else
		}()
		defer func() {
			stop()
			<-ended
		}()
	}
	facts, err := doctor.ExamineLights(ctx, opt)
	if err != nil {
		return doctor.Report{}, err
	}
	return facts.Report(doctor.LightsSetup{Virtual: cfg.Simulate}), nil
}
