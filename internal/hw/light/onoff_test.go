package light_test

import (
	"math"
	"testing"
	"time"

	"kioskd/internal/hw/light"
)

// onOff is what a lamp without brightness shows of a pattern.
func onOff(s light.Signal, d time.Duration) []float64 {
	l := levels(light.PatternOf(s), d)
	for i := range l {
		l[i] = light.OnOff(l[i])
	}
	return l
}

// TestRhythmsDifferOnAndOff: also a lamp that is only on or off tells all signals
// apart, at whatever moment somebody looks, without a colour.
func TestRhythmsDifferOnAndOff(t *testing.T) {
	const span = 12 * time.Second
	all := light.All()
	for i, a := range all {
		for _, b := range all[i+1:] {
			la, lb := onOff(a, span), onOff(b, 2*span)
			closest := math.Inf(1)
			for shift := range len(la) {
				sum := 0.0
				for k := range la {
					if sum += math.Abs(la[k] - lb[k+shift]); sum > closest*float64(len(la)) {
						break // farther apart than at another shift
					}
				}
				closest = min(closest, sum/float64(len(la)))
			}
			if closest < 0.12 {
				t.Errorf("%s and %s look alike when on or off: mean difference %.3f", a, b, closest)
			}
		}
	}
}

// On and off, a pattern is neither dark nor flashes more often.
func TestOnOffIsSeenAndSlow(t *testing.T) {
	for _, s := range light.All() {
		l := onOff(s, 15*time.Second)
		at, colour := make([]time.Duration, len(l)), make([]light.Colour, len(l))
		lit := 0.0
		for i := range l {
			at[i] = time.Duration(i) * grain
			lit += l[i]
		}
		if n := mostFlashes(at, l, colour); n > light.MaxFlashes {
			t.Errorf("%s flashes %d times a second", s, n)
		}
		if lit == 0 {
			t.Errorf("%s is dark", s)
		}
	}
}
