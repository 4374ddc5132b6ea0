package light

// Threshold is the level from which a lamp that is only on or off is on. Above the
// dip of Reading (0.3), or it would be as steady as Working; below the top of
// Idle (0.5), or it would be dark.
const Threshold = 0.35

// OnOff gives the level that a lamp without brightness shows for one.
func OnOff(level float64) float64 {
	if level >= Threshold {
		return 1
	}
	return 0
}

// Coarse is a lamp that cannot show every level. The engine asks it before it
// counts flashes: what counts is what is seen.
type Coarse interface {
	Lamp
	// Nearest gives the level that it shows for one.
	Nearest(level float64) float64
}
