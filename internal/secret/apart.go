package secret

import "strings"

// alone is the size from which on the runtime gives a text a block of its own. Smaller ones
// that are made at about the same time share one, which stays as it is until the last of
// them is forgotten: a code beside what a driver keeps for its next query is there for ever.
const alone = 32

// Apart gives b as a string for which that does not hold: what overwrites free memory
// reaches it once nobody holds it any more.
func Apart(b []byte) string {
	var s strings.Builder
	s.Grow(max(len(b), alone))
	_, _ = s.Write(b) // never fails
	return s.String()
}

// Room is for n bytes for which that does not hold, where whoever gets them may not clear them.
func Room(n int) []byte { return make([]byte, 0, max(n, alone)) }
