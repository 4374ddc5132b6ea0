package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/hw/card/cardtest"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/kiosk"
	"kioskd/internal/kiosk/dock"
)

// simulation is the hardware of --sim: the test doubles, below the real drivers
// where there are any, and the line that the dock can break.
type simulation struct {
	reader *cardtest.Reader
	paper  *printertest.Printer
	driver *printer.Driver
	lights *simLights
	line   *dock.Line
	roots  []*x509.Certificate
}

func newSimulation(cfg config.Config, log *slog.Logger) (*simulation, error) {
	block, _ := pem.Decode(cardtest.RootPEM())
	if block == nil {
		return nil, errors.New("cannot read the root of the simulated cards")
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot read the root of the simulated cards: %w", err)
	}
	profile := printer.Full
	profile.Dots = cfg.Printer.Width
	paper := printertest.New(profile.Dots)
	return &simulation{
		reader: cardtest.NewReader(),
		paper:  paper,
		driver: printer.New(paper.Dial, profile, log),
		lights: newSimLights(),
		line:   dock.NewLine((&net.Dialer{Timeout: 5 * time.Second}).DialContext),
		roots:  []*x509.Certificate{root},
	}, nil
}

func (s *simulation) dock(k *kiosk.Kiosk, clock *kiosk.Clock, log *slog.Logger) http.Handler {
	return dock.New(dock.Options{
		Kiosk: k, Reader: s.reader, Printer: s.paper, Lights: s.lights.shown, Line: s.line, Clock: clock, Log: log,
	})
}

func (s *simulation) close() { s.paper.Close() }
