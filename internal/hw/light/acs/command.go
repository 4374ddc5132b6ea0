package acs

import (
	"errors"
	"fmt"
	"strings"
)

// lamps is what the two LEDs of a reader show.
type lamps struct{ red, green bool }

// family is a kind of reader: how it is told what to do.
type family struct {
	name string
	// lights sets both LEDs.
	lights func(l lamps) []byte
	// beep sounds once for about 0.1 s; the LEDs are left as they are.
	beep func(l lamps) []byte
	// check judges the answer.
	check func(answer []byte) error
}

// familyOf finds the kind by the name that pcscd gives the reader.
func familyOf(reader string) (family, bool) {
	name := strings.ToUpper(reader)
	switch {
	case strings.Contains(name, "ACR1252"):
		return acr1252(), true
	case strings.Contains(name, "ACR122"): // ACR1222 is another
		if strings.Contains(name, "ACR1222") {
			return family{}, false
		}
		return acr122(), true
	}
	return family{}, false
}

var errAnswer = errors.New("the reader does not take the command")

// bit gives 1<<n for true.
func bit(on bool, n int) byte {
	if on {
		return 1 << n
	}
	return 0
}

// The bits of P2 of an ACR122U.
const (
	finalRed, finalGreen = 0, 1
	updateBoth           = 1<<2 | 1<<3
	blinkGreenFirst      = 1 << 5
	blinkGreen           = 1 << 7
)

func acr122() family {
	led := func(p2, t1, t2, times, buzzer byte) []byte { // t1, t2 in 0.1 s
		return []byte{0xFF, 0x00, 0x40, p2, 0x04, t1, t2, times, buzzer}
	}
	steady := func(l lamps) byte { return bit(l.red, finalRed) | bit(l.green, finalGreen) | updateBoth }
	return family{
		name:   "ACR122U",
		lights: func(l lamps) []byte { return led(steady(l), 0, 0, 0, 0) },
		// The buzzer is bound to a blink: green, once, with the sound while it is on.
		beep: func(l lamps) []byte { return led(steady(l)|blinkGreenFirst|blinkGreen, 1, 0, 1, 1) },
		check: func(answer []byte) error {
			// The second byte of the status word says what the LEDs show.
			if n := len(answer); n < 2 || answer[n-2] != 0x90 {
				return fmt.Errorf("%w: %x", errAnswer, answer)
			}
			return nil
		},
	}
}

func acr1252() family {
	const buzzer, leds = 0x28, 0x29
	command := func(what, value byte) []byte { return []byte{0xE0, 0x00, 0x00, what, 0x01, value} }
	return family{
		name:   "ACR1252U",
		lights: func(l lamps) []byte { return command(leds, bit(l.red, 0)|bit(l.green, 1)) },
		beep:   func(lamps) []byte { return command(buzzer, 10) }, // in 0.01 s
		check: func(answer []byte) error {
			if len(answer) < 5 || answer[0] != 0xE1 {
				return fmt.Errorf("%w: %x", errAnswer, answer)
			}
			return nil
		},
	}
}
