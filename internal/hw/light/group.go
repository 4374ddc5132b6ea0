package light

import (
	"context"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/hw/board"
)

// Part is one lamp of a light and how it is.
type Part struct {
	Element Element // empty where the light is one whole, as that of a card reader
	Name    string  // of the line, the LED or the reader
	board.Status
}

// Status is how a light is.
type Status struct {
	Role   Role
	Driver string
	State  board.State // the worst of its parts
	Parts  []Part
}

// Reporter is a lamp, or lights, that knows how its parts are. Parts may be called
// from any goroutine.
type Reporter interface{ Parts() []Part }

// Speaker is a lamp, or lights, that can name the parts that shine in a colour.
type Speaker interface{ Shining(c Colour) []string }

// Sounder is a light with a sound. It hears every signal, whatever its role.
type Sounder interface {
	// Sound does not block and may be called from any goroutine.
	Sound(s Signal)
}

// Member is one light of a Group.
type Member struct {
	Role   Role
	Driver string // its name in the configuration
	Lights Lights
}

// Group is several lights that show one signal, each what concerns its role. It
// implements [Lights]. One that fails or blocks does not hold up the others.
type Group struct{ members []Member }

var _ Lights = (*Group)(nil)

// NewGroup makes a group that begins with OutOfService; one without members is dark.
func NewGroup(members ...Member) *Group {
	g := &Group{members}
	g.Show(OutOfService)
	return g
}

// Run implements Lights.
func (g *Group) Run(ctx context.Context) error {
	var all errgroup.Group
	for _, m := range g.members {
		all.Go(func() error { return m.Lights.Run(ctx) })
	}
	all.Go(func() error { return Dark{}.Run(ctx) })
	return all.Wait()
}

// Show implements Lights.
func (g *Group) Show(s Signal) {
	for _, m := range g.members {
		m.Lights.Show(At(m.Role, s))
		if b, ok := m.Lights.(Sounder); ok {
			b.Sound(s)
		}
	}
}

// Status tells how each light is.
func (g *Group) Status() []Status {
	all := make([]Status, 0, len(g.members))
	for _, m := range g.members {
		s := Status{Role: m.Role, Driver: m.Driver, State: board.Ready}
		if r, ok := m.Lights.(Reporter); ok {
			s.Parts = r.Parts()
		}
		states := make([]board.State, len(s.Parts))
		for i, p := range s.Parts {
			states[i] = p.State
		}
		s.State = board.Worst(states...)
		all = append(all, s)
	}
	return all
}

// Showing is what one light shows of a signal.
type Showing struct {
	Role   Role
	Signal Signal // Off: it is dark
	Colour Colour
	Parts  []string // names of the lines or LEDs that shine; none where they are not there
}

// Showing tells what each light shows of a signal, as they are now.
func (g *Group) Showing(s Signal) []Showing {
	all := make([]Showing, 0, len(g.members))
	for _, m := range g.members {
		one := Showing{Role: m.Role, Signal: At(m.Role, s)}
		if one.Signal != Off {
			one.Colour = PatternOf(one.Signal).Colour
			if l, ok := m.Lights.(Speaker); ok {
				one.Parts = l.Shining(one.Colour)
			}
		}
		all = append(all, one)
	}
	return all
}
