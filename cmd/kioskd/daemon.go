package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/catalogue"
	"kioskd/internal/config"
	"kioskd/internal/flow"
	"kioskd/internal/kiosk"
	"kioskd/internal/kiosk/identity"
	"kioskd/internal/kiosk/uplink"
	"kioskd/internal/lockdown"
	"kioskd/internal/metrics"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
	"kioskd/ui"
)

// daemon wires the parts and runs them until ctx ends. What it returns is why it
// ended before that.
func daemon(
	ctx context.Context, cfg config.Config, home identity.Home, getenv func(string) string, log *slog.Logger,
) (err error) {
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("cannot use the data folder: %w", err)
	}
	cat, err := catalogue.Load()
	if err != nil {
		return err
	}
	ln, err := listenForScreen(ctx, cfg.Screen.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // the server has closed it, unless nothing ran

	hw, err := newHardware(cfg, log)
	if err != nil {
		return err
	}
	defer hw.close()
	var k *kiosk.Kiosk
	var outbox *ksync.Outbox
	var up *uplink.Uplink
	status := func(ctx context.Context) wire.Report {
		r := k.Status(ctx, version, outbox)
		r.Faults = append(r.Faults, up.Troubles()...)
		return r
	}
	up = uplink.New(uplink.Options{
		Home: home, DialContext: hw.dial, Refuse: refuseRealHub(cfg), Log: log,
		Report: func(ctx context.Context) wire.Report { return kiosk.OverTheLine(status(ctx)) },
	})
	outbox, err = ksync.OpenOutbox(ctx, filepath.Join(cfg.Data, "outbox.db"), up.Enrolment, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, outbox.Close()) }()
	end, err := noteStart(ctx, outbox, cfg, log)
	if err != nil {
		return err
	}
	defer func() { end(err) }()
	brand, err := ui.LoadBrand(cfg.Brand.Colour, cfg.Brand.Logo)
	if err != nil {
		return err
	}
	slips, err := newSlips(cfg, cat)
	if err != nil {
		return err
	}
	clock := kiosk.NewClock(time.Now)
	k = kiosk.New(kiosk.Options{
		Settings: settings(cfg, cat),
		Reader:   hw.reader, Printer: hw.printer, Lights: hw.lights, Roots: hw.roots, WAON: hw.waon,
		Outbox: outbox, Hub: up, Line: up.Line(), Acks: up.Acks(), Storage: outbox.Storage(), Standing: up.Standing(), Kick: up.Kick, Identity: up.Identity,
		Draw: slips.Draw, Button: hw.pressed(), Fixtures: hw.fixtures, Clock: clock, Skew: up.Skew,
		Forget: func() { up.Forget(); lockdown.Forget() }, Log: log,
	})
	var panel http.Handler
	if hw.dock != nil {
		panel = hw.dock(k, clock, up.LinkChanged, log)
	}
	token := newToken(cfg)
	server := ui.New(ui.Options{
		Visit: k, Token: token, Brand: brand, Dock: panel, Version: version, Refused: k.Refused, Log: log,
		Metrics: metrics.Handler(metrics.New("kioskd", version, metrics.OfKiosk(status)), log),
	})

	removeScreen, err := writeScreen(cfg, ln.Addr(), token, getenv)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeScreen()) }()
	if err := writeAddr(cfg.Data, ln.Addr()); err != nil {
		return err
	}
	log.Info("Serving the screen", "url", "http://"+ln.Addr().String()+"/", "version", version, "simulated", cfg.Simulate)

	group, ctx := errgroup.WithContext(ctx)
	for _, run := range append([]func(context.Context) error{
		k.Run,
		hw.reader.Run,
		hw.printer.Run,
		hw.lights.Run,
		func(ctx context.Context) error { return up.Run(ctx, outbox) },
		func(ctx context.Context) error { return outbox.Watch(ctx, up.HubTime) },
		func(ctx context.Context) error { return server.Run(ctx, ln) },
	}, hw.beside...) {
		group.Go(func() error { return unlessEnded(ctx, run(ctx)) })
	}
	return group.Wait()
}

// unlessEnded drops the error by which a component says that it was told to end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}

// settings are the visits' part of the configuration.
func settings(cfg config.Config, cat *catalogue.Catalogue) flow.Settings {
	return flow.Settings{
		Catalogue: cat,
		Name:      cfg.Kiosk.Name,
		Phone:     cfg.Kiosk.Phone,
		Demo:      cfg.Simulate,
		NoPrinter: cfg.Printer.Device == noPrinter,
		Layout: flow.Layout{
			Reader: place(cfg.Layout.Reader), WAON: place(cmp.Or(cfg.Layout.WAON, cfg.Layout.Reader)), Printer: place(cfg.Layout.Printer),
		},
		Langs:     cfg.Languages,
		IdleWarn:  cfg.Idle.Warn,
		IdleCount: cfg.Idle.Countdown,
	}
}

// place translates the word of the configuration.
func place(s string) flow.Place { return flow.Place(s) }

// writeAddr tells tools and tests where the screen is served, whole or not at all.
func writeAddr(dir string, addr net.Addr) error {
	raw, err := json.Marshal(struct {
		HTTP string `json:"http"`
	}{addr.String()})
	if err != nil {
		return fmt.Errorf("cannot write the address: %w", err)
	}
	path := filepath.Join(dir, "addr.json")
	if err := os.WriteFile(path+".new", append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write the address: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cannot write the address: %w", err)
	}
	return nil
}
