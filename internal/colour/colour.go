// Package colour reads colours from configuration and tells whether text in
// them can be read.
package colour

import (
	"fmt"
	"math"
	"strconv"
)

// MinContrast is what WCAG 2.2 asks of text of normal size (level AA).
const MinContrast = 4.5

// RGB is an opaque sRGB colour.
type RGB struct{ R, G, B uint8 }

// White is the paper of the screen.
func White() RGB { return RGB{0xff, 0xff, 0xff} }

// Parse reads "#rrggbb".
func Parse(s string) (RGB, error) {
	if len(s) != 7 || s[0] != '#' {
		return RGB{}, fmt.Errorf("cannot read colour %q: write it as #rrggbb", s)
	}
	n, err := strconv.ParseUint(s[1:], 16, 24)
	if err != nil {
		return RGB{}, fmt.Errorf("cannot read colour %q: write it as #rrggbb with digits 0-9 and a-f", s)
	}
	return RGB{uint8(n >> 16), uint8(n >> 8 & 0xff), uint8(n & 0xff)}, nil
}

// Contrast is the ratio of WCAG 2.2, from 1 (the same) to 21 (black on white).
func Contrast(a, b RGB) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c RGB) float64 {
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func linear(v uint8) float64 {
	f := float64(v) / 255
	if f <= 0.04045 {
		return f / 12.92
	}
	return math.Pow((f+0.055)/1.055, 2.4)
}
