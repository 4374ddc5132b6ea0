package acs

import "kioskd/internal/hw/light"

// look is what the LEDs show: one after the other, half a second each.
type look [2]lamps

func steadily(l lamps) look { return look{l, l} }

// lookOf is the table of looks. Red and green are all there is: green says "here",
// both together that something goes on. What may stand for long is steady, for then
// the reader is told once and left alone.
func lookOf(s light.Signal) look {
	var (
		dark  = lamps{}
		green = lamps{green: true}
		red   = lamps{red: true}
		both  = lamps{red: true, green: true}
	)
	switch s {
	case light.PutCard:
		return steadily(green)
	case light.Reading:
		return steadily(both)
	case light.Identify:
		return look{red, green}
	default:
		return steadily(dark)
	}
}

// beepsOf says how often the buzzer sounds when a signal begins.
func beepsOf(s light.Signal) int {
	switch s {
	case light.Done:
		return 1
	case light.LookAtScreen:
		return 2
	default:
		return 0
	}
}
