package light

import (
	"fmt"
	"time"
)

// Colour is what a lamp glows in at full level.
type Colour struct{ R, G, B uint8 }

// Hex gives "#rrggbb".
func (c Colour) Hex() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// The colours. Their meanings follow the usual code of machines: red is out of
// order, amber asks for a person, green is well, blue asks the shopper to act,
// white is neutral.
//
//nolint:gochecknoglobals // a table that never changes
var (
	Blue  = Colour{0x1A, 0x66, 0xFF}
	White = Colour{0xFF, 0xF4, 0xE5}
	Green = Colour{0x10, 0xB8, 0x4A}
	Amber = Colour{0xFF, 0x9A, 0x00}
	Red   = Colour{0xE6, 0x1E, 0x1E}
)

// Beat is one stretch of a rhythm.
type Beat struct {
	For   time.Duration
	Level float64 // 0 is dark, 1 is full
	Ramp  bool    // glide from the level before to Level; else jump at once
}

// Pattern is a rhythm in one colour. It repeats.
type Pattern struct {
	Colour Colour
	Beats  []Beat
}

// Period is the length of one round.
func (p Pattern) Period() time.Duration {
	var sum time.Duration
	for _, b := range p.Beats {
		sum += b.For
	}
	return sum
}

// At gives the level at time t after the start, and how long it stays so; 0 says
// that it is gliding.
func (p Pattern) At(t time.Duration) (level float64, stays time.Duration) {
	period := p.Period()
	if period <= 0 {
		return 0, time.Hour
	}
	t %= period
	before := p.Beats[len(p.Beats)-1].Level
	for _, b := range p.Beats {
		if t < b.For {
			if b.Ramp {
				return before + (b.Level-before)*float64(t)/float64(b.For), 0
			}
			return b.Level, b.For - t
		}
		t -= b.For
		before = b.Level
	}
	return before, time.Hour
}

// PatternOf is the table of what each signal looks like. An unknown signal is dark.
func PatternOf(s Signal) Pattern {
	const ms = time.Millisecond
	switch s {
	case Idle: // breathes, out first: it is seen at once
		return Pattern{Blue, []Beat{{3000 * ms, 0.08, true}, {3000 * ms, 0.5, true}}}
	case PutCard: // beckons
		return Pattern{Blue, []Beat{{600 * ms, 1, true}, {600 * ms, 0, true}, {300 * ms, 0, false}}}
	case Reading: // mostly on: keep it there
		return Pattern{White, []Beat{{800 * ms, 1, false}, {200 * ms, 0.3, false}}}
	case Working:
		return Pattern{White, []Beat{{time.Second, 0.7, false}}}
	case Done: // short, short, long
		return Pattern{Green, []Beat{
			{200 * ms, 1, false}, {200 * ms, 0, false}, {200 * ms, 1, false}, {200 * ms, 0, false},
			{1800 * ms, 1, false}, {400 * ms, 0, false},
		}}
	case LookAtScreen: // knocks twice
		return Pattern{Amber, []Beat{{200 * ms, 1, false}, {200 * ms, 0, false}, {200 * ms, 1, false}, {900 * ms, 0, false}}}
	case StaffWanted: // slow and even, seen from afar
		return Pattern{Amber, []Beat{{1000 * ms, 1, false}, {1000 * ms, 0, false}}}
	case OutOfService: // a short sign of life, bearable all day
		return Pattern{Red, []Beat{{300 * ms, 0.6, false}, {3700 * ms, 0, false}}}
	case Identify: // the fastest that is allowed to be seen all over the shop
		return Pattern{White, []Beat{{200 * ms, 1, false}, {200 * ms, 0, false}}}
	case Off:
	}
	return Pattern{}
}

// All gives every signal.
func All() []Signal {
	return []Signal{Idle, PutCard, Reading, Working, Done, LookAtScreen, StaffWanted, OutOfService, Identify}
}
