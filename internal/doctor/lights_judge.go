package doctor

import (
	"fmt"

	"kioskd/internal/hw/board"
)

// LightsSetup is what the configuration says of lights.
type LightsSetup struct {
	// Virtual says that the daemon of this configuration does not drive real lights.
	Virtual bool
}

// Report judges the facts. It is pure.
func (f LightsFacts) Report(setup LightsSetup) Report {
	r := newReport("lights", f.findings(setup))
	r.Lights = &f
	return r
}

func (f LightsFacts) findings(setup LightsSetup) []Finding {
	var all []Finding
	if setup.Virtual {
		all = append(all, Finding{
			Severity: Note, Wrong: "with this configuration kioskd plays the dock's virtual lights, not those that are named here",
			Remedy: "for real lights set simulate = false",
		})
	}
	if len(f.Lights) == 0 {
		all = append(all, Finding{
			Severity: Note, Wrong: "no light is configured",
			Remedy: "a kiosk works without; docs/OPERATIONS.md, section Lights, tells how to connect some",
		})
	}
	for _, l := range f.Lights {
		for _, p := range l.Parts {
			if p.State != board.Ready {
				all = append(all, p.finding(l))
			}
		}
	}
	if b := f.Button; b != nil && b.State != board.Ready {
		found := Finding{
			Severity: Wrong, Light: "button", Wrong: fmt.Sprintf("the line of the staff button, %s, %s", b.Line, stateText(b.State)),
			Remedy: remedy(b.Hint), Cause: b.Cause,
		}
		if b.State == board.Failed {
			found.Remedy = stopFirst + found.Remedy
		}
		all = append(all, found)
	}
	return all
}

func (p Part) finding(l Light) Finding {
	found := Finding{Severity: Wrong, Light: string(l.Role), Remedy: remedy(p.Hint), Cause: p.Cause}
	switch {
	case p.Element != "":
		found.Wrong = fmt.Sprintf("the %s %s, %s, %s", p.Element, thing(l.Driver), p.Name, stateText(p.State))
	case p.Name != "":
		found.Wrong = fmt.Sprintf("the light of the reader %s %s", p.Name, stateText(p.State))
	default:
		found.Wrong = "the card reader " + stateText(p.State)
	}
	if l.Driver == "gpio" && p.State == board.Failed {
		found.Remedy = stopFirst + found.Remedy
	}
	return found
}

// stopFirst: a line belongs to one program at a time.
const stopFirst = "if kioskd runs, it holds the lines: stop it for this examination; "

// thing is what an element is connected to.
func thing(driver string) string {
	if driver == "led" {
		return "LED"
	}
	return "line"
}

func stateText(s board.State) string {
	switch s {
	case board.Ready:
		return "is there"
	case board.Absent:
		return "is not there"
	case board.Waiting:
		return "has not answered"
	default:
		return "cannot be used"
	}
}

func remedy(hint string) string {
	if hint == "" {
		return "run this again; if it stays, report it together with this output"
	}
	return hint
}
