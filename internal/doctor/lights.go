package doctor

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"kioskd/internal/hw/board"
	"kioskd/internal/hw/light"
)

// LightsFacts is what was found out about the status lights and the staff button.
type LightsFacts struct {
	Lights []Light `json:"lights"`
	Button *Button `json:"button,omitempty"`
	// Shown are the signals that were shown, in their order.
	Shown []light.Signal `json:"shown"`
}

// Light is one light of the configuration.
type Light struct {
	Role   light.Role  `json:"role"`
	Driver string      `json:"driver"`
	State  board.State `json:"state"`
	Parts  []Part      `json:"parts"`
}

// Part is one lamp of a light: a GPIO line, an LED, or a whole card reader.
type Part struct {
	Element light.Element `json:"element,omitempty"`
	Name    string        `json:"name"`
	State   board.State   `json:"state"`
	Cause   string        `json:"cause,omitempty"` // why it is not ready
	Hint    string        `json:"hint,omitempty"`
}

// Button is the staff button.
type Button struct {
	Line  string      `json:"line"`
	State board.State `json:"state"`
	Cause string      `json:"cause,omitempty"`
	Hint  string      `json:"hint,omitempty"`
}

// StaffButton is what the doctor needs of the button; see button.Button.
type StaffButton interface {
	Run(ctx context.Context) error
	Line() string
	Status() board.Status
}

// LightsOptions say what to examine.
type LightsOptions struct {
	Group  *light.Group
	Button StaffButton // nil: there is none
	Still  bool        // show no signal
	Tell   io.Writer   // names each signal as it is shown; nil: nobody looks on
}

const (
	// showTime is how long each signal is shown.
	showTime = 2 * time.Second
	// settleTime is how long a light may take to be found.
	settleTime = 4 * time.Second
)

// ExamineLights finds out how the lights are, and shows every signal on those that
// are there. It drives them itself: a daemon that runs holds the lines.
func ExamineLights(ctx context.Context, opt LightsOptions) (LightsFacts, error) {
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	runs := []func(context.Context) error{opt.Group.Run}
	if opt.Button != nil {
		runs = append(runs, opt.Button.Run)
	}
	for _, run := range runs {
		go func() {
			_ = run(running) // it ends with the context and says nothing else
			ended <- struct{}{}
		}()
	}
	defer func() { // dark and given back, before anything is reported
		stop()
		for range runs {
			<-ended
		}
	}()
	opt.settle(ctx)
	facts := opt.facts()
	facts.Shown = []light.Signal{}
	if opt.Still || !slices.ContainsFunc(facts.Lights, Light.works) {
		return facts, ctx.Err()
	}
	for _, s := range light.All() {
		opt.Group.Show(s)
		if err := opt.tell(s); err != nil {
			return facts, err
		}
		facts.Shown = append(facts.Shown, s)
		if !wait(ctx, showTime) {
			return facts, ctx.Err()
		}
	}
	return facts, nil
}

// works says whether something of the light shines.
func (l Light) works() bool {
	return slices.ContainsFunc(l.Parts, func(p Part) bool { return p.State == board.Ready })
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle waits until everything has been tried.
func (opt LightsOptions) settle(ctx context.Context) {
	limit := time.Now().Add(settleTime)
	for time.Now().Before(limit) && opt.facts().waits() && wait(ctx, pace/10) {
	}
}

func (f LightsFacts) waits() bool {
	return f.Button != nil && f.Button.State == board.Waiting ||
		slices.ContainsFunc(f.Lights, func(l Light) bool {
			return slices.ContainsFunc(l.Parts, func(p Part) bool { return p.State == board.Waiting })
		})
}

func (opt LightsOptions) facts() LightsFacts {
	f := LightsFacts{Lights: []Light{}}
	for _, s := range opt.Group.Status() {
		l := Light{Role: s.Role, Driver: s.Driver, State: s.State, Parts: []Part{}}
		for _, p := range s.Parts {
			l.Parts = append(l.Parts, Part{Element: p.Element, Name: p.Name, State: p.State, Cause: p.Cause, Hint: p.Hint})
		}
		f.Lights = append(f.Lights, l)
	}
	if opt.Button != nil {
		s := opt.Button.Status()
		f.Button = &Button{Line: opt.Button.Line(), State: s.State, Cause: s.Cause, Hint: s.Hint}
	}
	return f
}

// tell names a signal and what shines.
func (opt LightsOptions) tell(s light.Signal) error {
	if opt.Tell == nil {
		return nil
	}
	var where []string
	for _, one := range opt.Group.Showing(s) {
		what := "dark"
		switch {
		case one.Signal == light.Off:
		case len(one.Parts) == 0:
			what = "not there"
		default:
			what = strings.Join(one.Parts, " + ")
		}
		where = append(where, fmt.Sprintf("%s: %s", one.Role, what))
	}
	_, err := fmt.Fprintf(opt.Tell, "%-14s  %s\n", s, strings.Join(where, "; "))
	return err
}
