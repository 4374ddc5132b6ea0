package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
)

// PrinterSetup is what the configuration says of the printer.
type PrinterSetup struct {
	// Virtual says that the daemon of this configuration prints on the dock's printer:
	// there is nothing to examine.
	Virtual  bool
	Override printer.Override
}

// Report judges the facts. It is pure.
func (f PrinterFacts) Report(setup PrinterSetup) Report {
	switch {
	case setup.Virtual:
		return newReport("printer", []Finding{{
			Severity: Note, Wrong: "with this configuration kioskd prints on the dock's virtual printer: there is nothing to examine",
			Remedy: "for a real printer set simulate = false",
		}})
	case f.Line.Kind == LineNone:
		return newReport("printer", []Finding{{
			Severity: Note, Wrong: `no printer is configured (printer.device = "none"): the screen shows the numbers to write down`,
			Remedy: `set printer.device to "usb", or to where the printer is`,
		}})
	}
	f.Line = f.line()
	f.Condition, f.Identity = f.driver.Condition, identity(f.driver.Identity)
	if f.Line.Reached && f.driver.Probed {
		p := f.driver.Profile
		profile := profileOf(f.driver, setup.Override)
		f.Profile, f.Slips = &profile, &Slips{Confirmed: p.Completion, Drawn: !p.Text, QR: byKioskd, Cut: p.Cutter}
		if p.QR {
			f.Slips.QR = byPrinter
		}
	}
	r := newReport("printer", f.findings(setup))
	r.Printer = &f
	return r
}

// line concludes whether the printer is reached.
func (f PrinterFacts) line() PrinterLine {
	l, err := f.Line, f.driver.Line
	told, typed := errors.AsType[*line.Error](err)
	switch {
	case err == nil && f.driver.Condition != printer.Unplugged:
		l.Reached = true
	case err == nil:
		l.Problem, l.Cause = ProblemFailed, "it is not open after all this time"
	case typed:
		l.Problem, l.Cause, l.Hint = problemOf(err), cause(told), told.Hint
	case f.driver.Condition == printer.Unknown:
		l.Problem, l.Cause = ProblemMute, err.Error()
	default:
		l.Problem, l.Cause = ProblemFailed, err.Error()
	}
	return l
}

// cause is what the error says beside its hint.
func cause(e *line.Error) string {
	bare := *e
	bare.Hint = ""
	return bare.Error()
}

// problemOf names why a line is not open.
func problemOf(err error) string {
	told, ok := errors.AsType[*line.Error](err)
	if !ok {
		return ProblemFailed
	}
	switch told.Kind {
	case line.ErrAbsent:
		return ProblemAbsent
	case line.ErrBusy:
		return ProblemBusy
	case line.ErrDenied:
		return ProblemDenied
	case line.ErrRefused:
		return ProblemRefused
	case line.ErrUnsuitable, line.ErrAddress:
		return ProblemUnsuitable
	case line.ErrUnplugged, line.ErrClosed:
		return ProblemEnded
	case line.ErrStalled:
		return ProblemStalled
	case line.ErrFailed:
	}
	return ProblemFailed
}

func (f PrinterFacts) findings(setup PrinterSetup) []Finding {
	if !f.Line.Reached {
		all := []Finding{f.unreached()}
		if f.Test != nil { // it was lost meanwhile
			all = append(all, f.tested()...)
		}
		return all
	}
	var all []Finding
	if c := f.Condition; c.Fault() != "" && (c != printer.Unknown || f.driver.Profile.Status) {
		all = append(all, conditionFinding(c))
	}
	all = append(all, f.tested()...)
	return append(all, f.notes(setup)...)
}

// unreached says why there is no line, and what to do.
func (f PrinterFacts) unreached() Finding {
	const stop = "if kioskd runs, it holds the printer: stop it for this examination; else "
	found := Finding{Severity: Wrong, Code: fault.PrinterGone, Cause: f.Line.Cause, Remedy: f.Line.Hint, Step: stepReach}
	switch f.Line.Problem {
	case ProblemAbsent:
		found.Wrong = "no printer is there"
		if others := f.others(); f.Line.Kind == LineUSB && others != "" {
			found.Wrong, found.Remedy = "the printer that is configured is not there", "correct printer.device; these are there: "+others
		}
	case ProblemBusy:
		found.Wrong, found.Remedy = "another program holds the printer", stop+found.Remedy
	case ProblemDenied:
		found.Wrong = "this user may not use the printer"
	case ProblemRefused:
		found.Wrong, found.Remedy = "the printer refuses the connection", stop+found.Remedy
	case ProblemUnsuitable:
		found.Wrong, found.Remedy = "this is not a line to a printer as it is configured", cmp.Or(found.Remedy, "correct printer.device")
	case ProblemEnded:
		found.Wrong, found.Step = "the line to the printer has ended", stepAsk
		if f.Line.Kind == LineTCP {
			found.Remedy = "most printers take one connection, and " + stop + found.Remedy
		}
	case ProblemStalled:
		found.Wrong, found.Step = "the printer takes no data", stepAsk
	case ProblemMute:
		found.Code, found.Step = fault.PrinterFailed, stepAsk
		found.Wrong, found.Remedy = "the printer takes data but answers nothing", f.muteRemedy()
	default:
		found.Wrong = "the printer cannot be reached"
	}
	if f.Test != nil { // it was there before
		found.Step, found.Remedy = stepTest, f.Line.Hint
	}
	found.Remedy = remedy(found.Remedy)
	return found
}

// others are the USB printers that there are.
func (f PrinterFacts) others() string {
	var list []string
	for _, u := range f.USB {
		list = append(list, strings.TrimSpace(u.Path+" "+u.Maker+" "+u.Model))
	}
	return strings.Join(list, ", ")
}

func (f PrinterFacts) muteRemedy() string {
	what := "switch it off and on"
	switch f.Line.Kind {
	case LineSerial:
		what = "compare printer.baud and printer.flow with the printer's own settings, and see that the cable is a crossed one with a line for answers"
	case LineTCP:
		what = "see that no other program has a connection, that nothing between (a print server) keeps answers back, and " + what
	}
	return what + `; if it speaks neither ESC/POS nor StarPRNT, use another; one that can never answer needs printer.profile = "blind"`
}

// conditionFinding says what a person does about a condition.
func conditionFinding(c printer.Condition) Finding {
	found := Finding{Severity: Wrong, Code: c.Fault()}
	switch c {
	case printer.NearEnd:
		found.Severity, found.Wrong, found.Remedy = Note, "the roll is near its end", "change it at the next chance"
	case printer.PaperOut:
		found.Wrong, found.Remedy = "the printer has no paper", "load a new roll, then close the cover"
	case printer.CoverOpen:
		found.Wrong, found.Remedy = "the cover is open", "close it until it clicks"
	case printer.Cutter:
		found.Wrong, found.Remedy = "the cutter is stuck", "switch off, open, remove the paper, switch on"
	case printer.HeadHot:
		found.Wrong, found.Remedy = "the print head is too hot", "wait; if it comes often, give the printer air"
	case printer.Offline:
		found.Wrong, found.Remedy = "the printer is off line, or has a defect", "press its button; else its lamps and manual tell"
	case printer.Unknown, printer.Unplugged, printer.Ready:
		found.Wrong, found.Remedy = "the printer does not say how it is", "switch it off and on"
	}
	return found
}

// tested judges the test slip, and what a person has said of it.
func (f PrinterFacts) tested() []Finding {
	t := f.Test
	if t == nil {
		return nil
	}
	found := Finding{Severity: Wrong, Step: stepTest, Code: fault.CodeOf(t.Err)}
	if t.Err != nil && f.Line.Reached { // else the line's finding says it
		found.Cause = said(t.Err)
	}
	const look = "if it is blank, the roll is the wrong way round; if it is cut off or shifted, set printer.width; if it is garbled, set printer.profile"
	switch t.Outcome {
	case printer.Failed, printer.Expired:
		found.Wrong, found.Remedy = "the test slip has not come out whole", "put that right and run this again"
		return []Finding{found}
	case printer.Lost:
		found.Wrong, found.Remedy = "nobody knows whether the test slip came out", "look at it; if it is whole, the printer's confirmation is not to be relied on: run this again, and if it stays set printer.confirm = \"no\""
		if t.CameOut == No {
			found.Wrong, found.Remedy = "the test slip has not come out whole, and the printer does not say so", look
		}
		return []Finding{found}
	case printer.Printed, printer.Unconfirmed:
	}
	if t.CameOut != No {
		return nil
	}
	found.Code, found.Wrong, found.Remedy = fault.PrinterFailed, "the test slip has not come out whole, says who has seen it", look
	if t.Outcome == printer.Printed {
		found.Remedy += fmt.Sprintf("; %q said it was printed: if that happens again, set printer.confirm = \"no\"", cmp.Or(WhoText(f.Identity), "the printer"))
	}
	return []Finding{found}
}
