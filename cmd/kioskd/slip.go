package main

import (
	"kioskd/internal/catalogue"
	"kioskd/internal/config"
	"kioskd/internal/lang"
	"kioskd/internal/slip"
)

// newSlips gives what draws slips for the printer.
func newSlips(cfg config.Config, cat *catalogue.Catalogue) (*slip.Maker, error) {
	texts, err := lang.Load()
	if err != nil {
		return nil, err
	}
	return slip.New(cat, texts, slip.Place{Store: cfg.Kiosk.Name, Phone: cfg.Kiosk.Phone})
}
