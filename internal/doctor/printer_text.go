package doctor

import (
	"fmt"
	"strings"

	"kioskd/internal/hw/printer"
)

// printer writes the facts: the line, who it is, what it can do, what that means.
func (p *page) printer(f PrinterFacts) {
	p.line("")
	rows := [][]string{{"line", f.Line.Name, f.Line.text()}}
	for _, u := range f.USB {
		rows = append(rows, []string{u.Path, dash(strings.TrimSpace(u.Maker + " " + u.Model)), u.text()})
	}
	p.table(rows)
	if f.Line.Reached {
		p.line("")
		p.line("printer: %s", conditionText(f.Condition))
		p.fact("says it is", dash(WhoText(f.Identity)))
		if f.Identity.Charset != "" {
			p.fact("characters", f.Identity.Charset)
		}
		if f.Identity.Paper != 0 {
			p.fact("paper", fmt.Sprintf("set to %d mm", f.Identity.Paper))
		}
	}
	if f.Profile != nil {
		p.profile(*f.Profile)
		p.slips(*f.Slips)
	}
	if len(f.Steps) > 0 {
		p.line("")
		p.line("steps")
	}
	for _, s := range f.Steps {
		text := s.text()
		if s.Out > 0 || s.In > 0 {
			text += fmt.Sprintf("  bytes out %6d, in %4d", s.Out, s.In)
		}
		p.fact(stepText(s.Name), text)
	}
	if t := f.Test; t != nil {
		p.line("")
		p.line("test slip: %s%s", outcomeText(t.Outcome), cameOutText(t.CameOut))
	}
}

func (p *page) profile(f PrinterProfile) {
	p.line("")
	p.line("profile: %s", f.Name)
	var rows [][]string
	for _, one := range f.Properties {
		rows = append(rows, []string{"  " + one.Name, one.valueText(), one.fromText(), meaning(one.Name)})
	}
	p.table(rows)
}

// slips says what the profile means for what shoppers take home.
func (p *page) slips(s Slips) {
	p.line("")
	p.line("slips")
	pick := func(about string, is bool, yes, no string) {
		if !is {
			yes = no
		}
		p.fact(about, yes)
	}
	pick("outcome", s.Confirmed, "each is confirmed by the printer", "cannot be confirmed: the screen says so")
	pick("text", s.Drawn, "drawn by kioskd", "in the printer's own characters, where the language has them; else drawn")
	pick("QR code", s.QR == byPrinter, "drawn by the printer", "drawn by kioskd")
	pick("end", s.Cut, "cut", "torn off by hand: the paper comes far enough")
}

func (l PrinterLine) text() string {
	if l.Reached {
		return "reached"
	}
	return "not reached: " + problemText(l.Problem)
}

func (u USBPrinter) text() string {
	text := "free"
	if u.State != usbFree {
		text = problemText(u.State)
	}
	if s := u.Port; s != nil {
		for _, one := range []struct {
			is   bool
			word string
		}{{s.PaperOut, "no paper"}, {!s.Selected, "off line"}, {s.Failed, "error"}} {
			if one.is {
				text += ", " + one.word
			}
		}
	}
	if len(u.Commands) > 0 {
		text += ", says it speaks " + strings.Join(u.Commands, " ")
	}
	return text
}

func problemText(problem string) string {
	switch problem {
	case ProblemAbsent:
		return "nothing is there"
	case ProblemBusy:
		return "another program holds it"
	case ProblemDenied:
		return "not allowed"
	case ProblemRefused:
		return "refused"
	case ProblemUnsuitable:
		return "not fit for a printer"
	case ProblemEnded:
		return "the line has ended"
	case ProblemStalled:
		return "it takes no data"
	case ProblemMute:
		return "it answers nothing"
	default:
		return "failed"
	}
}

func conditionText(c printer.Condition) string {
	switch c {
	case printer.Ready:
		return "ready"
	case printer.NearEnd:
		return "ready, the roll is near its end"
	case printer.PaperOut:
		return "no paper"
	case printer.CoverOpen:
		return "the cover is open"
	case printer.Cutter:
		return "the cutter is stuck"
	case printer.HeadHot:
		return "too hot"
	case printer.Offline:
		return "off line"
	case printer.Unplugged:
		return "not reached"
	case printer.Unknown:
	}
	return "it does not say how it is"
}

func (p Property) valueText() string {
	switch v := p.Value.(type) {
	case bool:
		if v {
			return string(Yes)
		}
		return string(No)
	default:
		return fmt.Sprint(v)
	}
}

func (p Property) fromText() string {
	switch p.From {
	case FromPrinter:
		return "found out"
	case FromTable:
		return "from the table"
	case FromConfig:
		return "configured"
	default:
		return "assumed"
	}
}

// meaning explains a property to who has not read docs/HARDWARE.md.
func meaning(property string) string {
	return map[string]string{
		"language":   "what it is spoken to in",
		"dots":       "across the paper",
		"buffer":     "bytes that it takes in advance",
		"status":     "it says how it is at any time",
		"paced":      "it says when it has worked off a part",
		"completion": "it says when a slip was printed",
		"clear":      "it drops what it holds when told to",
		"cutter":     "it cuts the paper",
		"qr":         "it draws QR codes itself",
		"kanji":      "it has Japanese characters",
		"text":       "slips are printed with them",
	}[property]
}

func outcomeText(o printer.Outcome) string {
	switch o {
	case printer.Printed:
		return "printed, says the printer"
	case printer.Unconfirmed:
		return "sent; this printer cannot confirm it"
	case printer.Failed:
		return "not printed whole"
	case printer.Lost:
		return "not known"
	case printer.Expired:
	}
	return "not sent"
}

func cameOutText(a Answer) string {
	switch a {
	case Yes:
		return "; it came out whole, says who has seen it"
	case No:
		return "; it did NOT come out whole, says who has seen it"
	case NoAnswer:
	}
	return ""
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
