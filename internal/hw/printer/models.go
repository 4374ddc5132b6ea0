package printer

import "strings"

// Identity is who a printer says it is. Empty: it does not say.
type Identity struct {
	Maker    string `json:"maker"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	Charset  string `json:"charset"`
	Paper    int    `json:"paper_mm"` // the width that it is set to, 0: it does not say
}

// model is what is known of printers beside what they answer.
type model struct {
	name  string   // of the profile
	match []string // parts of "maker model", in capitals
	apply func(p *Profile)
}

// models is the table of docs/HARDWARE.md, the special before the general. A name
// is a hint, for clones borrow names: what a printer answers to is always tried, and
// what cannot be tried is as careful as the clone needs. What is not in the table
// keeps what was found out, paper of 80 mm and a QR code that is drawn.
func models() []model {
	shape := func(dots int, qr, cutter bool) func(*Profile) {
		return func(p *Profile) { p.Dots, p.QR, p.Cutter = dots, qr, cutter }
	}
	return []model{
		{"epson-tm-t88-early", []string{"TM-T88II", "TM-T88IV"}, shape(512, false, true)}, // TM-T88III too
		{"epson-tm-t88", []string{"TM-T88"}, shape(512, true, true)},
		{"epson-tm-t20", []string{"TM-T20", "TM-T82", "TM-T83"}, shape(576, true, true)},
		{"epson-tm-m30", []string{"TM-M30"}, shape(576, true, true)},
		{"epson-tm-p20", []string{"TM-P20"}, shape(384, true, false)},
		{"citizen-ct-s651", []string{"CT-S651"}, shape(640, true, true)},
		{"citizen-ct-s", []string{"CT-S"}, shape(576, true, true)},
		{"bixolon-srp-350", []string{"SRP-350"}, shape(512, true, true)},
		{"sii-rp-f10", []string{"RP-F10"}, shape(576, true, true)},
		{"star-mc-print2", []string{"MC-PRINT2", "MCP2"}, shape(384, false, true)},
		{"star", []string{"TSP", "MC-PRINT", "MCP3", "STAR"}, shape(576, false, true)},
		{"virtual-80", []string{"SLIP-80"}, shape(576, true, true)},
		{"virtual-58", []string{"SLIP-58"}, shape(384, true, true)},
	}
}

// known fills p in with what the table knows of a printer.
func known(p Profile, id Identity) Profile {
	p.Name = "probed"
	if id.Paper == 58 {
		p.Dots = 384
	}
	name := strings.ToUpper(strings.TrimSpace(id.Maker + " " + id.Model))
	for _, m := range models() {
		for _, part := range m.match {
			if strings.Contains(name, part) {
				p.Name = m.name
				m.apply(&p)
				if id.Paper == 58 { // it says so itself
					p.Dots = 384
				}
				return p
			}
		}
	}
	return p
}

// Override is what the configuration says of a printer; zero values are found out.
type Override struct {
	Profile    *Profile // takes the place of all that is found out
	Dots       int
	Buffer     int
	Cutter, QR *bool
	Completion *bool // false: do not rely on its confirmation
	Text       bool  // print with the printer's own characters, where it has Japanese ones
	Kanji      *bool // it has them
}

// apply lays what is configured over what was found out.
func (o Override) apply(p Profile) Profile {
	if o.Dots != 0 {
		p.Dots = o.Dots
	}
	if o.Buffer != 0 {
		p.Buffer = o.Buffer
	}
	if o.Cutter != nil {
		p.Cutter = *o.Cutter
	}
	if o.QR != nil {
		p.QR = *o.QR
	}
	if o.Kanji != nil {
		p.Kanji = *o.Kanji
	}
	if o.Completion != nil {
		p.Completion = p.Completion && *o.Completion
	}
	if p.Language != ESCPOS { // drawn slips are all that is spoken of there
		p.QR, p.Kanji = false, false
	}
	p.Text = o.Text && p.Kanji
	return p
}
