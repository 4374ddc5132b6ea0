package doctor

import "kioskd/internal/hw/printer"

// unnamed is the profile of a printer that the table of models does not know.
const unnamed = "probed"

// profileOf says of each property of the profile in force where it is from.
func profileOf(f printer.Facts, o printer.Override) PrinterProfile {
	p := f.Profile
	s := sources{f, o}
	return PrinterProfile{Name: p.Name, Properties: []Property{
		{"language", string(p.Language), s.found(false)},
		{"dots", p.Dots, s.dots()},
		{"buffer", p.Buffer, s.configuredOr(o.Buffer != 0, FromNowhere)},
		{"status", p.Status, s.found(false)},
		{"paced", p.Paced, s.found(false)},
		{"completion", p.Completion, s.found(o.Completion != nil && !*o.Completion)},
		{"clear", p.Clear, s.found(false)},
		{"cutter", p.Cutter, s.table(o.Cutter != nil)},
		{"qr", p.QR, s.table(o.QR != nil)},
		{"kanji", p.Kanji, s.found(o.Kanji != nil)},
		{"text", p.Text, FromConfig},
	}}
}

// sources knows where a property is from.
type sources struct {
	f printer.Facts
	o printer.Override
}

func (s sources) configuredOr(configured bool, other string) string {
	if configured || s.o.Profile != nil {
		return FromConfig
	}
	return other
}

// found is what is found out by trying, once the printer was asked.
func (s sources) found(configured bool) string {
	from := FromNowhere
	if s.f.Probed {
		from = FromPrinter
	}
	return s.configuredOr(configured, from)
}

// table is what the table says of a printer that it knows.
func (s sources) table(configured bool) string {
	from := FromNowhere
	if s.f.Probed && s.f.Profile.Name != unnamed {
		from = FromTable
	}
	return s.configuredOr(configured, from)
}

// dots: some printers say which paper they are set to.
func (s sources) dots() string {
	if s.o.Dots == 0 && s.o.Profile == nil && s.f.Probed && s.f.Identity.Paper == narrowPaper && s.f.Profile.Dots == narrowDots {
		return FromPrinter
	}
	return s.table(s.o.Dots != 0)
}

// Paper of 58 mm, the only width that a printer's own word is taken for.
const (
	narrowPaper = 58
	narrowDots  = 384
)

// notes are worth knowing: what the profile lacks, and what does not fit it.
func (f PrinterFacts) notes(setup PrinterSetup) []Finding {
	p, o := f.driver.Profile, setup.Override
	var all []Finding
	note := func(wrong, remedy string) {
		all = append(all, Finding{Severity: Note, Wrong: wrong, Remedy: remedy})
	}
	switch {
	case !p.Status:
		note("the profile says that the printer cannot answer: paper and cover are not seen, and no slip is confirmed",
			`if it can answer, leave printer.profile empty`)
	case !f.driver.Probed:
		note("a printer that cannot print is not asked what it can do", "put the printer right and run this again")
		return all
	case o.Completion != nil && !*o.Completion && !p.Completion:
		note(`the printer's word that a slip was printed is not taken (printer.confirm = "no"): the screen asks the shopper to check`,
			"leave it so if that word was found to be wrong")
	case !p.Completion:
		note("the printer cannot confirm that a slip came out: the screen asks the shopper to check",
			"leave it so, or use a printer that answers GS ( H or speaks StarPRNT")
	}
	if o.Text && !p.Text {
		why, remedy := "has no Japanese characters", `set printer.mode = "drawn"; if it has them and keeps it to itself, set printer.kanji = "yes"`
		if p.Language == printer.StarPRNT {
			why, remedy = "speaks StarPRNT", `set printer.mode = "drawn"`
		}
		note(`printer.mode is "typed", but the printer `+why+": slips are drawn", remedy)
	}
	if o.Dots == 0 && sourceOf(*f.Profile, "dots") == FromNowhere {
		note("nobody says how many dots the printer has: 576 are assumed, for paper of 80 mm",
			"--print prints a ruler; set printer.width to what it shows (384 for paper of 58 mm)")
	}
	return all
}

// sourceOf gives where a property is from.
func sourceOf(p PrinterProfile, name string) string {
	for _, one := range p.Properties {
		if one.Name == name {
			return one.From
		}
	}
	return ""
}
