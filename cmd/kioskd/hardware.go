package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/hw/card"
	"kioskd/internal/hw/card/felica"
	"kioskd/internal/hw/card/pcsc"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/printer"
	"kioskd/internal/kiosk"
)

// hardware is what the daemon drives and how it reaches its hub.
type hardware struct {
	reader  card.Driver
	printer *printer.Driver
	lights  light.Lights
	roots   []*x509.Certificate
	waon    felica.Config
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	// beside runs with the daemon and belongs to none of the above.
	beside []func(context.Context) error
	// dock plays the simulated parts; nil where nothing is simulated.
	dock  func(k *kiosk.Kiosk, clock *kiosk.Clock, linkChanged func(), log *slog.Logger) http.Handler
	close func()
}

// newHardware makes the parts that the configuration names. Nothing runs yet.
func newHardware(cfg config.Config, log *slog.Logger) (*hardware, error) {
	if cfg.Simulate {
		return newSimulation(cfg, log)
	}
	roots, err := readRoots(cfg.Reader.Roots)
	if err != nil {
		return nil, err
	}
	reader, err := newReader(cfg, log)
	if err != nil {
		return nil, err
	}
	waon, err := waonConfig(cfg)
	if err != nil {
		return nil, err
	}
	profile := printer.Full
	profile.Dots = cfg.Printer.Width
	log.Warn("No printer and no lights are driven by this version: slips are not printed")
	return &hardware{
		reader: reader, roots: roots, waon: waon,
		printer: printer.New(noPrinter, profile, log),
		lights:  light.Dark{},
		dial:    (&net.Dialer{Timeout: dialTime}).DialContext,
		close:   func() {},
	}, nil
}

const dialTime = 5 * time.Second

// noPrinter stands for a printer that is not there, which is a state like others.
func noPrinter(context.Context) (printer.Port, error) {
	return nil, errors.New("no printer is configured")
}

// newReader makes the driver for the readers below pcscd.
func newReader(cfg config.Config, log *slog.Logger) (*pcsc.Driver, error) {
	return pcsc.New(pcsc.Options{
		MyNumber: cfg.Reader.MyNumber, WAON: cfg.Reader.WAON,
		Debounce: cfg.Reader.Debounce, Patience: cfg.Reader.Patience, Log: log,
	})
}

// waonConfig translates what the configuration says of WAON cards.
func waonConfig(cfg config.Config) (felica.Config, error) {
	c := felica.Config{Strategies: cfg.WAON.Strategies}
	for _, s := range cfg.WAON.Services {
		code, err := strconv.ParseUint(s, 16, 16)
		if err != nil {
			return felica.Config{}, fmt.Errorf("cannot use service code %q: %w", s, err)
		}
		c.Services = append(c.Services, uint16(code))
	}
	return c, nil
}

// readRoots reads the authorities whose cards are taken; none leaves it to the hub.
func readRoots(path string) ([]*x509.Certificate, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the authorities of cards: %w", err)
	}
	return parseRoots(data)
}

func parseRoots(data []byte) ([]*x509.Certificate, error) {
	var roots []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("cannot read the authorities of cards: %w", err)
		}
		roots = append(roots, root)
	}
	if roots == nil {
		return nil, errors.New("cannot find an authority of cards in the file")
	}
	return roots, nil
}
