package colour

import (
	"math"
	"testing"
)

func TestContrast(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21},
		{"#ffffff", "#ffffff", 1},
		{"#777777", "#ffffff", 4.48}, // just not enough
		{"#767676", "#ffffff", 4.54}, // just enough
		{"#ff0000", "#FFFFFF", 4.00},
	} {
		a, err := Parse(tt.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(tt.b)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []float64{Contrast(a, b), Contrast(b, a)} {
			if math.Abs(got-tt.want) > 0.005 {
				t.Errorf("Contrast(%s, %s) = %.3f, want %.2f", tt.a, tt.b, got, tt.want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "#fff", "ffffff", "#ggghhh", "#+12345", "red", "#1234567", "#12_345"} {
		if c, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, c)
		}
	}
}
