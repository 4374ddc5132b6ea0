package hub

import (
	"fmt"
	"testing"
	"time"
)

// A crowd of strangers takes the common limit, and does not cost an honest address its
// own attempts; an address that is refused does not cost the crowd any.
func TestRefusedAttemptsCostNothing(t *testing.T) {
	var s strangers
	now := time.Unix(1790000000, 0)
	for i := range enrolBurst {
		if d := s.wait(fmt.Sprintf("10.0.0.%d", i), now); d != 0 {
			t.Fatalf("attempt %d waits %v", i, d)
		}
	}
	for range enrolBurstEach {
		if d := s.wait("192.0.2.1", now); d == 0 {
			t.Fatal("the common limit lets more in")
		}
	}
	now = now.Add(enrolBurst * time.Second / enrolRate)
	for i := range enrolBurstEach {
		if d := s.wait("192.0.2.1", now); d != 0 {
			t.Fatalf("its attempt %d waits %v: the others have used it up", i, d)
		}
	}
	for range 1000 {
		if d := s.wait("192.0.2.1", now); d == 0 {
			t.Fatal("one address gets more than its own")
		}
	}
	for i := range enrolBurst - enrolBurstEach {
		if d := s.wait(fmt.Sprintf("10.0.0.%d", i), now); d != 0 {
			t.Fatalf("attempt %d waits %v: one address used up what all have", i, d)
		}
	}
}
