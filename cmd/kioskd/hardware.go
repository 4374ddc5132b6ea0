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
	"kioskd/internal/hw/board"
	"kioskd/internal/hw/button"
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
	button  *button.Button // nil where there is none
	// fixtures are the states of lights and button, for the sign of life; may be nil.
	fixtures func() map[string]string
	roots    []*x509.Certificate
	waon     felica.Config
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	// beside runs with the daemon and belongs to none of the above.
	beside []func(context.Context) error
	// dock plays the simulated parts; nil where nothing is simulated.
	dock  func(k *kiosk.Kiosk, clock *kiosk.Clock, linkChanged func(), log *slog.Logger) http.Handler
	close func()
}

// newHardware makes the parts that the configuration names. Nothing runs yet.
func newHardware(cfg config.Config, log *slog.Logger) (*hardware, error) {
	waon, err := waonConfig(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Simulate {
		return newSimulation(cfg, waon, log)
	}
	roots, err := readRoots(cfg.Reader.Roots)
	if err != nil {
		return nil, err
	}
	reader, err := newReader(cfg, log)
	if err != nil {
		return nil, err
	}
	paper, err := newPrinter(cfg, log)
	if err != nil {
		return nil, err
	}
	lines := board.New()
	lights := newLights(cfg, lines, reader, log)
	h := &hardware{
		reader: reader, roots: roots, waon: waon, printer: paper, lights: lights,
		button: newButton(cfg, lines, log),
		dial:   (&net.Dialer{Timeout: dialTime}).DialContext,
		close:  func() {},
	}
	if h.button != nil {
		h.beside = append(h.beside, h.button.Run)
	}
	h.fixtures = func() map[string]string {
		states := map[string]string{}
		for _, l := range lights.Status() {
			states["light."+string(l.Role)] = string(l.State)
		}
		if h.button != nil {
			states["button"] = string(h.button.Status().State)
		}
		return states
	}
	return h, nil
}

// pressed gives each press of the staff button; nil, which never gives anything,
// where there is none.
func (h *hardware) pressed() <-chan struct{} {
	if h.button == nil {
		return nil
	}
	return h.button.Pressed()
}

const dialTime = 5 * time.Second

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
