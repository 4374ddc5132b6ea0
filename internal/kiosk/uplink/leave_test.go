package uplink

import (
	"testing"
	"time"
)

// Acknowledgements that the kiosk has not taken when its enrolment changes still come.
func TestAcknowledgementsOutliveTheirSession(t *testing.T) {
	r := newRig(t)
	r.deaf = true
	r.enrol().run().stand("")
	r.hub.UntilLinks(t, 1)
	want := map[string]bool{r.commit(): true, r.commit(): true, r.commit(): true}
	r.empty()
	r.enrol() // another certificate: another session
	r.hub.UntilLinks(t, 0)
	for range len(want) {
		select {
		case ack := <-r.up.Acks():
			delete(want, ack.ID)
		case <-time.After(20 * time.Second):
			t.Fatalf("lost: %v", want)
		}
	}
	r.hub.UntilLinks(t, 1)
	if len(want) > 0 {
		t.Errorf("lost: %v", want)
	}
}
