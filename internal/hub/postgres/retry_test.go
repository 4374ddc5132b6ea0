package postgres

import (
	"testing"
	"testing/synctest"
	"time"
)

// A server that is away for long makes a hub wait again and again, never longer than
// it should.
func TestPauseAfterManyTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for try := range 100 {
			began := time.Now()
			if err := pause(t.Context(), try); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(began); waited > mostWait {
				t.Errorf("try %d: waited %v", try, waited)
			}
		}
	})
}
