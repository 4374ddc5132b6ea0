package light_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hw/board"
	"kioskd/internal/hw/light"
	"kioskd/internal/hw/light/lighttest"
)

// TestRoles is the whole table: what a light near a device says, and that nothing
// is lost, for the tower shows everything.
func TestRoles(t *testing.T) {
	want := map[light.Role][]light.Signal{
		light.Tower:  light.All(),
		light.Reader: {light.PutCard, light.Reading, light.Identify},
		light.Mouth:  {light.Done, light.StaffWanted, light.Identify},
	}
	for _, r := range light.Roles() {
		var shows []light.Signal
		for _, s := range light.All() {
			if at := light.At(r, s); at != light.Off {
				shows = append(shows, at)
			}
		}
		if !slices.Equal(shows, want[r]) {
			t.Errorf("%s shows %v, want %v", r, shows, want[r])
		}
	}
	if light.At("nowhere", light.Idle) != light.Off {
		t.Error("a role that is none shines")
	}
}

// stuckLamp blocks for ever, as a lamp must not.
type stuckLamp struct{ until chan struct{} }

func (l stuckLamp) Set(light.Colour, float64) error { <-l.until; return nil }

// hearing is lights with a sound and a status.
type hearing struct {
	light.Dark
	heard []light.Signal
}

func (h *hearing) Sound(s light.Signal) { h.heard = append(h.heard, s) }

func (h *hearing) Parts() []light.Part {
	return []light.Part{{Name: "a"}, {Name: "b", Status: board.Status{State: board.Absent}}}
}

func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		tower, mouth, stuck := &lighttest.Lamp{}, &lighttest.Lamp{}, stuckLamp{make(chan struct{})}
		reader := &hearing{}
		g := light.NewGroup(
			light.Member{Role: light.Reader, Driver: "led", Lights: light.NewEngine(stuck, log)},
			light.Member{Role: light.Tower, Driver: "gpio", Lights: light.NewEngine(tower, log)},
			light.Member{Role: light.Mouth, Driver: "gpio", Lights: light.NewEngine(mouth, log)},
			light.Member{Role: light.Reader, Driver: "card-reader", Lights: reader},
		)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		after(100 * time.Millisecond)
		if at := tower.Now(); at.Colour != light.Red || at.Level == 0 {
			t.Errorf("before the first signal the tower shows %v", at)
		}
		if at := mouth.Now(); at.Level != 0 {
			t.Errorf("before the first signal the mouth shows %v", at)
		}
		after(4 * time.Second)
		g.Show(light.Working)
		after(time.Second)
		if tower.Now().Colour != light.White || mouth.Now().Level != 0 {
			t.Errorf("working: %v and %v", tower.Now(), mouth.Now())
		}
		g.Show(light.StaffWanted)
		after(2500 * time.Millisecond)
		if tower.Now().Colour != light.Amber || mouth.Now().Colour != light.Amber {
			t.Errorf("staff wanted: %v and %v", tower.Now(), mouth.Now())
		}
		close(stuck.until)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		if tower.Now().Level != 0 || mouth.Now().Level != 0 {
			t.Errorf("left at %v and %v", tower.Now(), mouth.Now())
		}
		if want := []light.Signal{light.OutOfService, light.Working, light.StaffWanted}; !slices.Equal(reader.heard, want) {
			t.Errorf("heard %v, want %v", reader.heard, want)
		}
		want := []light.Status{
			{Role: light.Reader, Driver: "led", State: board.Ready},
			{Role: light.Tower, Driver: "gpio", State: board.Ready},
			{Role: light.Mouth, Driver: "gpio", State: board.Ready},
			{Role: light.Reader, Driver: "card-reader", State: board.Absent, Parts: reader.Parts()},
		}
		if diff := cmp.Diff(want, g.Status()); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
	})
}

// A kiosk without lights has a group too.
func TestEmptyGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := light.NewGroup()
		g.Show(light.Done)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx) }()
		after(time.Hour)
		if len(done) > 0 {
			t.Error("Run ended by itself")
		}
		stop()
		<-done
	})
}
