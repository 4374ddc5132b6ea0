package doctor

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Text writes the report for a person: first whether all is in order, then what
// is wrong and what to do, then the facts.
func (r Report) Text(w io.Writer) error {
	p := &page{w: w}
	p.line("%s: %s", r.Device, r.verdict())
	for _, f := range r.Findings {
		p.line("")
		p.finding(f)
	}
	if r.Card != nil {
		p.line("")
		p.card(*r.Card)
	}
	if r.Lights != nil {
		p.lights(*r.Lights)
	}
	if r.Printer != nil {
		p.printer(*r.Printer)
	}
	return p.err
}

func (r Report) verdict() string {
	wrong := 0
	for _, f := range r.Findings {
		if f.Severity == Wrong {
			wrong++
		}
	}
	switch {
	case wrong == 1:
		return "NOT IN ORDER, one thing is wrong"
	case wrong > 1:
		return fmt.Sprintf("NOT IN ORDER, %d things are wrong", wrong)
	case len(r.Findings) > 0:
		return "in order, see below"
	default:
		return "in order"
	}
}

// page is what is written to; the first error ends it.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// finding is one line, "what is wrong: what to do", and one that says where.
func (p *page) finding(f Finding) {
	code := ""
	if f.Code != "" {
		code = " (" + string(f.Code) + ")"
	}
	p.line("%-5s  %s%s: %s", f.Severity, f.Wrong, code, f.Remedy)
	var where []string
	for _, s := range []string{f.Reader, stepText(f.Step), f.Light, f.Cause} {
		if s != "" {
			where = append(where, s)
		}
	}
	if len(where) > 0 {
		p.line("       %s", strings.Join(where, ": "))
	}
}

// table writes rows whose cells stand below each other.
func (p *page) table(rows [][]string) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, p.err = fmt.Fprintln(t, strings.Join(row, "\t")); p.err != nil {
			return
		}
	}
	p.err = t.Flush()
}

func (p *page) card(f CardFacts) {
	state := "does not answer"
	if f.Service.Running {
		state = "runs"
	}
	rows := [][]string{{"pcscd", state, "libpcsclite " + f.Service.Libpcsclite}}
	for _, r := range f.Readers {
		rows = append(rows, []string{"reader", r.Name, r.servesText(), r.liesText()})
	}
	p.table(rows)
	for _, c := range f.Cards {
		p.line("")
		p.line("card on %s", c.Reader)
		p.fact("kind", c.kindText())
		if cert := c.certificateText(); cert != "" {
			p.fact(stepCertificate, cert)
		}
		if c.TriesLeft != nil {
			p.fact("PIN", fmt.Sprintf("%d of %d tries left", *c.TriesLeft, maxTries))
		}
		if c.WAON != nil && c.WAON.Number != "" {
			p.fact("number", c.WAON.Number)
			p.fact("way", c.WAON.wayText())
		}
		for _, s := range c.Steps {
			p.fact(stepText(s.Name), s.text())
		}
	}
}

func (p *page) fact(about, text string) { p.line("  %-11s  %s", about, text) }

func (s Step) text() string {
	state := "ok"
	if !s.OK {
		state = string(Wrong)
	}
	text := fmt.Sprintf("%-5s %8s ms", state, s.Took.text())
	if s.Exchanges > 0 {
		text += fmt.Sprintf("  commands %2d  bytes out %4d, in %4d", s.Exchanges, s.Out, s.In)
	}
	return text
}

func stepText(name string) string {
	switch name {
	case stepCounter:
		return "PIN counter"
	case stepNumber:
		return "WAON number"
	case stepTest:
		return "test slip"
	default:
		return name
	}
}
