package colour

import (
	"fmt"
	"math"
)

// Shades are what the screen needs of a store's colour.
type Shades struct {
	Base RGB // filled surfaces and large marks, with white text on them
	Down RGB // the same while it is pressed
	Soft RGB // pale surfaces, with text in Base or in black on them
}

// ShadesOf derives the shades of a colour that can be read on white: text in it
// can be read on the pale one too.
func ShadesOf(base RGB) Shades {
	soft := White()
	for _, part := range []float64{0.08, 0.06, 0.04, 0.02} {
		if pale := mix(White(), base, part); Contrast(base, pale) >= MinContrast {
			soft = pale
			break
		}
	}
	return Shades{Base: base, Down: mix(base, RGB{}, 0.25), Soft: soft}
}

// String writes the colour as #rrggbb.
func (c RGB) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// mix is a with a part of b in it, 0 to 1.
func mix(a, b RGB, part float64) RGB {
	one := func(x, y uint8) uint8 {
		return uint8(math.Round(float64(x) + (float64(y)-float64(x))*part))
	}
	return RGB{one(a.R, b.R), one(a.G, b.G), one(a.B, b.B)}
}
