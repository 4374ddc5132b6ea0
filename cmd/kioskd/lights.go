package main

import (
	"context"
	"sync/atomic"

	"kioskd/internal/hw/light"
	"kioskd/internal/kiosk/dock"
)

// simLights are lights that only the dock sees.
type simLights struct{ now atomic.Value }

func newSimLights() *simLights { l := &simLights{}; l.now.Store(light.Idle); return l }

func (*simLights) Run(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (l *simLights) Show(s light.Signal) { l.now.Store(s) }

func (l *simLights) shown() dock.Light {
	signal, _ := l.now.Load().(light.Signal)
	return dock.Light{Signal: string(signal), Colour: "#ffffff", Pattern: []dock.Beat{{MS: 1000, Level: 1}}}
}
