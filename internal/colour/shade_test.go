package colour

import "testing"

// Whatever colour the configuration lets through: everything drawn in its shades
// can be read.
func TestShadesCanBeRead(t *testing.T) {
	const step = 15
	tried := 0
	for r := 0; r < 256; r += step {
		for g := 0; g < 256; g += step {
			for b := 0; b < 256; b += step {
				base := RGB{uint8(r), uint8(g), uint8(b)}
				if Contrast(base, White()) < MinContrast {
					continue
				}
				tried++
				s := ShadesOf(base)
				if got := Contrast(s.Base, s.Soft); got < MinContrast {
					t.Errorf("%v on its pale shade %v: contrast %.2f", base, s.Soft, got)
				}
				if got := Contrast(s.Down, White()); got < Contrast(base, White()) {
					t.Errorf("%v pressed is %v: white on it fades to %.2f", base, s.Down, got)
				}
				if got := Contrast(RGB{}, s.Soft); got < 15 {
					t.Errorf("black on the pale shade %v of %v: contrast %.2f", s.Soft, base, got)
				}
			}
		}
	}
	if tried < 1000 {
		t.Fatalf("only %d colours tried", tried)
	}
}

func TestShadesDiffer(t *testing.T) {
	base, err := Parse("#0b5a8f")
	if err != nil {
		t.Fatal(err)
	}
	s := ShadesOf(base)
	if s.Base.String() != "#0b5a8f" || s.Down.String() != "#08446b" || s.Soft.String() != "#ebf2f6" {
		t.Errorf("shades %v", s)
	}
}
