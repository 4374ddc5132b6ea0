package main

import (
	"log/slog"

	"kioskd/internal/config"
	"kioskd/internal/hw/board"
	"kioskd/internal/hw/button"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/light/acs"
	"kioskd/internal/hw/light/fixture"
)

// newLights makes the lights that the configuration names; without any, a group
// that is dark. Where there are GPIO lines, the board is looked at now: later, when
// other files are open, that is not safe on every machine.
func newLights(cfg config.Config, b *board.Board, readers acs.Readers, log *slog.Logger) *light.Group {
	var members []light.Member
	add := func(role light.Role, l config.Light) {
		log := log.With("light", string(role))
		m := light.Member{Role: role, Driver: l.Driver}
		switch l.Driver {
		case config.LightGPIO:
			b.Prepare()
			m.Lights = light.NewEngine(fixture.GPIO(b, wires(l), l.ActiveLow), log)
		case config.LightLED:
			m.Lights = light.NewEngine(fixture.LEDs(b, wires(l)), log)
		case config.LightCardReader:
			m.Lights = acs.New(readers, cfg.Lights.Reader.Beep, log)
		default:
			return
		}
		members = append(members, m)
	}
	add(light.Tower, cfg.Lights.Tower)
	add(light.Reader, cfg.Lights.Reader.Light)
	add(light.Mouth, cfg.Lights.Mouth)
	return light.NewGroup(members...)
}

// wires are the elements that the light has.
func wires(l config.Light) []fixture.Wire {
	var all []fixture.Wire
	names := map[light.Element]string{
		light.RedElement: l.Red, light.GreenElement: l.Green, light.BlueElement: l.Blue,
		light.AmberElement: l.Amber, light.WhiteElement: l.White,
	}
	for _, e := range light.Elements() {
		if names[e] != "" {
			all = append(all, fixture.Wire{Element: e, Name: names[e]})
		}
	}
	return all
}

// newButton makes the staff button, or nil where there is none.
func newButton(cfg config.Config, b *board.Board, log *slog.Logger) *button.Button {
	if cfg.Button.Line == "" {
		return nil
	}
	b.Prepare()
	return button.New(b, button.Options{
		Line: cfg.Button.Line, ActiveLow: cfg.Button.ActiveLow, Debounce: cfg.Button.Debounce, Log: log,
	})
}
