package main

import (
	"kioskd/internal/catalogue"
	"kioskd/internal/config"
	"kioskd/internal/flow"
	"kioskd/internal/lang"
	"kioskd/internal/slip"
)

// newLayout gives the function that encodes slips for the printer.
func newLayout(cfg config.Config, cat *catalogue.Catalogue) (func(flow.Slip, bool) ([]byte, error), error) {
	texts, err := lang.Load()
	if err != nil {
		return nil, err
	}
	maker, err := slip.New(cat, texts, slip.Place{Store: cfg.Kiosk.Name})
	if err != nil {
		return nil, err
	}
	return func(s flow.Slip, reprint bool) ([]byte, error) {
		return maker.Encode(s, cfg.Printer.Width, reprint)
	}, nil
}
