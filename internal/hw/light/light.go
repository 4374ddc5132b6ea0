// Package light shows the kiosk's state on status lights. A Signal is what is
// said, a Pattern how it looks; the mapping is pure. Colour never speaks alone:
// rhythms differ as well, and none flashes more than three times a second.
//
// # Parts
//
//	kiosk ── Show(signal) ──► Group ── At(role, signal) ──► Engine ──► Lamp
//	                            └── Sound(signal) ──► a card reader's light and buzzer
//
// A [Group] has a light for each [Role]. An [Engine] plays the pattern of a signal on a
// [Lamp]; it has a goroutine of its own, and a guard against flashing too often. A
// lamp of GPIO lines or LEDs is in package fixture; the light of a card reader, which
// bears few commands and is therefore no lamp, in package acs.
//
// A lamp that is not there is a status and not an error: it is tried again until it
// is. Show never blocks. Lights are dark before the first and after the last signal.
package light

import "context"

// Signal is what the lights say.
type Signal string

// The signals.
const (
	Idle         Signal = "idle"
	PutCard      Signal = "put_card"
	Reading      Signal = "reading"
	Working      Signal = "working"
	Done         Signal = "done"
	LookAtScreen Signal = "look_at_screen"
	StaffWanted  Signal = "staff_wanted"
	OutOfService Signal = "out_of_service"
	Identify     Signal = "identify"
)

// Dark is the driver of a kiosk without lights.
type Dark struct{}

// Run implements Lights.
func (Dark) Run(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// Show implements Lights.
func (Dark) Show(Signal) {}

// Lights is a driver.
type Lights interface {
	// Run drives the lights until ctx ends and leaves them in the safe state (off).
	Run(ctx context.Context) error
	// Show replaces the signal. It does not block and may be called from any goroutine.
	Show(s Signal)
}
