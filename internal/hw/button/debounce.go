package button

import "time"

// debouncer makes presses of a contact that bounces. It is pure: it is told what
// the contact looks like and when.
type debouncer struct {
	hold time.Duration // a contact must be as it is for so long to count

	down  bool      // as it counts
	seen  bool      // as it looked last
	since time.Time // when it began to look so
}

// see is told how the contact looks now. It says whether the button has just been
// pressed, and when it wants to be told again at the latest; 0: when it changes.
func (d *debouncer) see(down bool, now time.Time) (pressed bool, next time.Duration) {
	if down != d.seen {
		d.seen, d.since = down, now
	}
	if d.seen == d.down {
		return false, 0
	}
	if left := d.hold - now.Sub(d.since); left > 0 {
		return false, left
	}
	d.down = d.seen
	return d.down, 0
}
