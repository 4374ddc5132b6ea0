package uplink

import (
	"os"
	"testing"

	"kioskd/internal/flow"
	"kioskd/internal/wire"
)

// An enrolment whose files are removed or spoilt while the kiosk runs is a fault, and
// stays in use; when they are there again all is as before. Who has none yet has none to
// lose.
func TestEnrolmentThatIsLost(t *testing.T) {
	r := newRig(t).run().enrol()
	next := func(want flow.EnrolmentIs) {
		t.Helper()
		nudge(r.up.changed) // instead of the next second
		r.until("a standing", func() bool { return len(r.stands) > 0 })
		if got := <-r.stands; got != want {
			t.Fatalf("it stands as %+v, not %+v", got, want)
		}
	}
	next(flow.EnrolmentIs{})
	for name, path := range map[string]string{"enrolment": r.home.File, "key": r.home.KeyFile} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for how, spoil := range map[string]func() error{
			"removed": func() error { return os.Remove(path) },
			"spoilt":  func() error { return wire.WritePrivate(path, whole[:len(whole)/2]) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			next(flow.EnrolmentIs{Lost: true})
			if _, ok := r.up.Identity(); !ok {
				t.Errorf("%s %s: the kiosk does not know any more who it is", name, how)
			}
			if _, err := r.up.now.Load().client.Desired(t.Context()); err != nil {
				t.Errorf("%s %s: a call fails: %v", name, how, err)
			}
			if err := wire.WritePrivate(path, whole); err != nil {
				t.Fatal(err)
			}
			next(flow.EnrolmentIs{})
		}
	}
}
