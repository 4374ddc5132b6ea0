package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
)

// newPrinter makes the driver for the printer that the configuration names.
func newPrinter(cfg config.Config, log *slog.Logger) (*printer.Driver, error) {
	dial, where, err := printerLine(cfg.Printer)
	if err != nil {
		return nil, err
	}
	log.Debug("The slip printer is looked for", "line", where)
	limits := printer.DefaultLimits()
	if cfg.Printer.Device == noPrinter {
		limits.Accept = time.Millisecond // nobody waits for one that will not come
	}
	return printer.Find(dial, overrideOf(cfg.Printer), log, printer.WithLimits(limits)), nil
}

// noPrinter is the printer.device of a kiosk without one: its screens have the numbers
// written down.
const noPrinter = "none"

// printerLine is how the printer is reached, and how that is called.
func printerLine(cfg config.Printer) (printer.Dial, string, error) {
	device := cfg.Device
	if device == "" {
		device = "usb"
	}
	dial, where, err := line.Parse(device, line.SerialOptions{Baud: cfg.Baud, Flow: line.Flow(cfg.Flow)})
	if err != nil {
		return nil, "", err
	}
	return func(ctx context.Context) (printer.Port, error) {
		if dial == nil { // a printer that is not there is a state like others
			return nil, fmt.Errorf("cannot reach printer: %s is configured", where)
		}
		c, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return c, nil
	}, where, nil
}

// overrideOf is what the configuration says of the printer.
func overrideOf(cfg config.Printer) printer.Override {
	o := printer.Override{
		Dots: cfg.Width, Buffer: cfg.Buffer, Text: cfg.Mode == config.PrinterTyped,
		Cutter: answer(cfg.Cutter), QR: answer(cfg.QR), Kanji: answer(cfg.Kanji), Completion: answer(cfg.Confirm),
	}
	fixed := map[string]func() printer.Profile{
		"full": printer.Full, "plain": printer.Plain, "blind": printer.Blind, "star": printer.Star,
	}
	if profile, ok := fixed[cfg.Profile]; ok {
		p := profile()
		o.Profile = &p
	}
	return o
}

// answer is yes, no or nothing said.
func answer(word string) *bool {
	if word == "" {
		return nil
	}
	yes := word == "yes"
	return &yes
}
