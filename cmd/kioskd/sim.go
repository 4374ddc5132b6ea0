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
	"kioskd/internal/hw/light/lighttest"
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
	lights *lighttest.Lights
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
		lights: lighttest.New(log),
		line:   dock.NewLine((&net.Dialer{Timeout: 5 * time.Second}).DialContext),
		roots:  []*x509.Certificate{root},
	}, nil
}

func (s *simulation) dock(k *kiosk.Kiosk, clock *kiosk.Clock, linkChanged func(), log *slog.Logger) http.Handler {
	return dock.New(dock.Options{
		Kiosk: k, Reader: s.reader, Printer: s.paper, Lights: s.shown, Line: s.line, Clock: clock, LinkChanged: linkChanged, Log: log,
	})
}

// shown is what the lights show, for the dock.
func (s *simulation) shown() dock.Light {
	pattern := s.lights.Pattern()
	l := dock.Light{Signal: string(s.lights.Signal()), Colour: pattern.Colour.Hex(), Pattern: []dock.Beat{}}
	for _, b := range pattern.Beats {
		l.Pattern = append(l.Pattern, dock.Beat{MS: b.For.Milliseconds(), Level: b.Level, Ramp: b.Ramp})
	}
	return l
}

func (s *simulation) close() { s.paper.Close() }
