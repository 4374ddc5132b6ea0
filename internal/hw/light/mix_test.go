package light_test

import (
	"maps"
	"slices"
	"testing"

	"kioskd/internal/hw/light"
)

// TestNoColourIsDark: whatever elements a light has, every signal shines on it,
// also where they are only on or off.
func TestNoColourIsDark(t *testing.T) {
	all := light.Elements()
	for set := 1; set < 1<<len(all); set++ {
		var has []light.Element
		for i, e := range all {
			if set&(1<<i) != 0 {
				has = append(has, e)
			}
		}
		for _, s := range light.All() {
			mix := light.Mix(has, light.PatternOf(s).Colour)
			brightest := 0.0
			for e, share := range mix {
				if !slices.Contains(has, e) || share < 0 || share > 1 {
					t.Errorf("%s with %v: %s at %v", s, has, e, share)
				}
				brightest = max(brightest, share)
			}
			if brightest < 0.5 {
				t.Errorf("%s with %v: %v", s, has, mix)
			}
		}
	}
	if mix := light.Mix(nil, light.Red); len(mix) != 0 {
		t.Errorf("nothing mixes to %v", mix)
	}
	if mix := light.Mix(all, light.Colour{R: 200, B: 200}); len(mix) != 3 {
		t.Errorf("a colour of no name mixes to %v", mix)
	}
	if mix := light.Mix([]light.Element{light.AmberElement}, light.Colour{R: 200}); mix[light.AmberElement] != 1 {
		t.Errorf("a colour of no name falls back to %v", mix)
	}
}

func TestMix(t *testing.T) {
	const red, green, blue, amber, white = light.RedElement, light.GreenElement, light.BlueElement, light.AmberElement, light.WhiteElement
	rgb := []light.Element{red, green, blue}
	for _, c := range []struct {
		name   string
		has    []light.Element
		colour light.Colour
		want   []light.Element
	}{
		{"its own", light.Elements(), light.Amber, []light.Element{amber}},
		{"its own before a mix", rgb, light.Blue, []light.Element{blue}},
		{"amber of red and green", rgb, light.Amber, []light.Element{green, red}},
		{"amber without blue", []light.Element{red, green}, light.Amber, []light.Element{green, red}},
		{"white of all three", rgb, light.White, []light.Element{blue, green, red}},
		{"white of two is none", []light.Element{red, green}, light.White, []light.Element{green}},
		{"a tower of three: attention", []light.Element{red, green, white}, light.Amber, []light.Element{green, red}},
		{"a tower of three: the shopper's turn", []light.Element{red, amber, green}, light.Blue, []light.Element{green}},
		{"out of order is not green", []light.Element{green, blue}, light.Red, []light.Element{blue}},
		{"staff wanted is not green", []light.Element{green, white}, light.Amber, []light.Element{white}},
		{"one lamp", []light.Element{green}, light.Red, []light.Element{green}},
	} {
		var got []light.Element
		for e, share := range light.Mix(c.has, c.colour) {
			if share >= 0.5 {
				got = append(got, e)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if got := light.Mix(rgb, light.Amber); !maps.Equal(got, map[light.Element]float64{red: 1, green: 154.0 / 255, blue: 0}) {
		t.Errorf("amber is mixed as %v", got)
	}
}
