package light

import "time"

// MaxFlashes is how often a light may flash within one second (WCAG 2.3.1).
const MaxFlashes = 3

// step is the smallest change of level that counts: a tenth of the full range.
const step = 0.1

// guard counts flashes. A flash is a rise by at least step after a fall, or a
// change of colour while lit.
type guard struct {
	colour Colour
	level  float64
	low    float64     // lowest level since the last flash began or the last fall
	up     bool        // the rise that goes on has been counted
	rises  []time.Time // the last MaxFlashes
}

// flashes says whether showing this begins a flash.
func (g *guard) flashes(c Colour, level float64) bool {
	return g.recolours(c, level) || !g.up && level-g.low >= step
}

func (g *guard) recolours(c Colour, level float64) bool {
	return c != g.colour && level >= step && g.level >= step
}

// after gives how long to wait until this may be shown; 0 = now.
func (g *guard) after(now time.Time, c Colour, level float64) time.Duration {
	if len(g.rises) < MaxFlashes || !g.flashes(c, level) {
		return 0
	}
	return max(g.rises[0].Add(time.Second).Sub(now), 0)
}

// note records what is shown.
func (g *guard) note(now time.Time, c Colour, level float64) {
	switch {
	case g.flashes(c, level):
		if g.recolours(c, level) {
			g.low = level
		}
		g.up = true
		g.rises = append(g.rises, now)
		if len(g.rises) > MaxFlashes {
			g.rises = g.rises[1:]
		}
	case level < g.level:
		g.low, g.up = level, false
	}
	g.low = min(g.low, level)
	g.colour, g.level = c, level
}
