package wire

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// IDs that are made later sort after the earlier ones, so that they lie beside each
// other in an index; of one moment no two are equal.
func TestSubmissionIDsSortByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for range 1000 {
			ids = append(ids, NewSubmissionID())
			<-time.After(time.Millisecond)
		}
		if !slices.IsSorted(ids) {
			t.Error("a later ID sorts before an earlier one")
		}
		moment := map[string]bool{}
		for range 1000 {
			id := NewSubmissionID()
			if moment[id] || !ValidID(id) || id <= ids[len(ids)-1] {
				t.Fatalf("%s, of one moment with %d others", id, len(moment))
			}
			moment[id] = true
		}
	})
}
