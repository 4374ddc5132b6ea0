package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/hw/printer"
)

// Of printer.device = "none" the screens know, and nobody waits for that printer.
func TestNoPrinterIsConfigured(t *testing.T) {
	cfg := config.Default()
	if settings(cfg, nil).NoPrinter {
		t.Error("by default there is none")
	}
	cfg.Printer.Device = "none"
	if !settings(cfg, nil).NoPrinter {
		t.Error("it looks as if there were one")
	}
	driver, err := newPrinter(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if outcome, err := driver.Print(context.Background(), printer.Job{}); outcome != printer.Expired || err == nil {
		t.Errorf("a slip is %s (%v)", outcome, err)
	}
	if took := time.Since(began); took > printer.DefaultLimits().Accept/2 {
		t.Errorf("it took %v", took)
	}
	cfg.Simulate, cfg.Printer.Device = true, "" // which has its own
	if settings(cfg, nil).NoPrinter {
		t.Error("a simulated one counts as none")
	}
}
