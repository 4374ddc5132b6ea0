package main

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"

	"kioskd/internal/config"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/light/lighttest"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/kiosk"
	"kioskd/internal/kiosk/dock"
	"kioskd/internal/slip/sliptest"
)

// newSimulation is the hardware of --sim: the test doubles, below the real
// drivers where there are any, and the line that the dock can break.
func newSimulation(cfg config.Config, waon felica.Config, log *slog.Logger) (*hardware, error) {
	reader, slot, beside, err := simulatedReader(cfg, log)
	if err != nil {
		return nil, err
	}
	roots, err := simulatedRoots(cfg)
	if err != nil {
		return nil, err
	}
	paper, slips, err := simulatedPrinter(cfg, log)
	if err != nil {
		return nil, err
	}
	lights := lighttest.New(log)
	line := dock.NewLine((&net.Dialer{Timeout: dialTime}).DialContext)
	return &hardware{
		reader: reader, roots: roots, waon: waon,
		printer: slips,
		lights:  lights,
		dial:    line.DialContext,
		beside:  beside,
		dock: func(k *kiosk.Kiosk, clock *kiosk.Clock, linkChanged func(), log *slog.Logger) http.Handler {
			return dock.New(dock.Options{
				Kiosk: k, Reader: slot, Printer: paper, Lights: func() dock.Light { return shown(lights) },
				Line: line, Clock: clock, LinkChanged: linkChanged, Log: log,
			})
		},
		close: func() {
			if paper != nil {
				paper.Close()
			}
		},
	}, nil
}

// simulatedPrinter is the virtual printer below the real driver; or the driver for
// the one that is named. paper is nil where the printer is real.
func simulatedPrinter(cfg config.Config, log *slog.Logger) (paper *printertest.Printer, d *printer.Driver, err error) {
	if !cfg.PrinterVirtual() {
		d, err = newPrinter(cfg, log)
		return nil, d, err
	}
	if paper, err = virtualPrinter(cfg); err != nil {
		return nil, nil, err
	}
	return paper, printer.Find(paper.Dial, overrideOf(cfg.Printer), log), nil
}

// virtualPrinter prints at the speed of a real one.
func virtualPrinter(cfg config.Config) (*printertest.Printer, error) {
	model := printertest.Epson()
	if cfg.Printer.Profile == "star" {
		model = printertest.Star()
	}
	if cfg.Printer.Width != 0 {
		model.Dots = cfg.Printer.Width
	}
	if model.Dots == 384 {
		model.Name = "SLIP-58"
	}
	model.Speed = printertest.HeadSpeed
	paper := printertest.NewModel(model)
	rom, err := sliptest.NewROM()
	if err != nil {
		return nil, err
	}
	paper.UseROM(rom)
	return paper, nil
}

// simulatedReader is the virtual reader; or the driver for real ones, with the
// dock's cards below pcscd where a vpcd is named. slot is nil where cards are real.
func simulatedReader(cfg config.Config, log *slog.Logger) (card.Driver, *cardtest.Slot, []func(context.Context) error, error) {
	if cfg.ReaderDriver() == config.ReaderVirtual {
		r := cardtest.NewReader()
		return r, r.Slot, nil, nil
	}
	r, err := newReader(cfg, log)
	if err != nil || cfg.Reader.VPCD == "" {
		return r, nil, nil, err
	}
	slot := cardtest.NewSlot()
	return r, slot, []func(context.Context) error{cardtest.NewVPCD(slot, cfg.Reader.VPCD).Run}, nil
}

// simulatedRoots are the configured authorities, or that of the virtual cards.
func simulatedRoots(cfg config.Config) ([]*x509.Certificate, error) {
	if cfg.Reader.Roots != "" {
		return readRoots(cfg.Reader.Roots)
	}
	return parseRoots(cardtest.RootPEM())
}

// shown is what the lights show, for the dock.
func shown(lights *lighttest.Lights) dock.Light {
	pattern := lights.Pattern()
	l := dock.Light{Signal: string(lights.Signal()), Colour: pattern.Colour.Hex(), Pattern: []dock.Beat{}}
	for _, b := range pattern.Beats {
		l.Pattern = append(l.Pattern, dock.Beat{MS: b.For.Milliseconds(), Level: b.Level, Ramp: b.Ramp})
	}
	return l
}
