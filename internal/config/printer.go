package config

import (
	"maps"
	"slices"
	"strings"

	"kioskd/internal/hw/printer/line"
)

// How slips are put on paper.
const (
	PrinterDrawn = "drawn" // as pictures, which every printer can
	PrinterTyped = "typed" // with the printer's own Japanese characters
)

// Printer is the slip printer. What is empty or 0 is found out.
type Printer struct {
	// Device is the line: usb, usb:/dev/usb/lp1, tcp:192.0.2.7, serial:/dev/ttyUSB0,
	// none; empty: usb, or the dock's own where the hardware is simulated. See
	// [Config.PrinterVirtual].
	Device string
	Baud   int    // of a serial line
	Flow   string // of a serial line: none, dtr, rts
	// Profile is what the printer is taken for: full, plain, blind, star; empty: it is
	// asked.
	Profile string
	Width   int    // dots a line: 576 or 512 (80 mm), 384 (58 mm)
	Mode    string // PrinterDrawn or PrinterTyped
	Buffer  int    // bytes that its receive buffer holds
	// Cutter, QR, Kanji and Confirm say "yes" or "no"; empty: it is found out. That it
	// confirms cannot be said, only that its word is not taken.
	Cutter, QR, Kanji, Confirm string
}

// PrinterVirtual says that slips come out of the dock's printer, in this process.
func (c Config) PrinterVirtual() bool { return c.Simulate && c.Printer.Device == "" }

// PrinterProfiles are the names of Printer.Profile.
func PrinterProfiles() []string { return []string{"full", "plain", "blind", "star"} }

func printerKeys() map[string]setter {
	all := map[string]setter{
		"printer.baud":   number(func(c *Config) *int { return &c.Printer.Baud }),
		"printer.width":  number(func(c *Config) *int { return &c.Printer.Width }),
		"printer.buffer": number(func(c *Config) *int { return &c.Printer.Buffer }),
	}
	maps.Copy(all, map[string]setter{
		"printer.device":  text(func(c *Config) *string { return &c.Printer.Device }),
		"printer.flow":    text(func(c *Config) *string { return &c.Printer.Flow }),
		"printer.profile": text(func(c *Config) *string { return &c.Printer.Profile }),
		"printer.mode":    text(func(c *Config) *string { return &c.Printer.Mode }),
		"printer.cutter":  text(func(c *Config) *string { return &c.Printer.Cutter }),
		"printer.qr":      text(func(c *Config) *string { return &c.Printer.QR }),
		"printer.kanji":   text(func(c *Config) *string { return &c.Printer.Kanji }),
		"printer.confirm": text(func(c *Config) *string { return &c.Printer.Confirm }),
	})
	return all
}

// The bounds of Printer.Buffer.
const (
	minBuffer = 4096
	maxBuffer = 1 << 20
)

func (v *validator) printer(c Config) {
	p := c.Printer
	if p.Device != "" {
		if _, _, err := line.Parse(p.Device, line.SerialOptions{}); err != nil {
			v.add("printer.device", "write usb, usb:/dev/usb/lp0, tcp:192.0.2.7, serial:/dev/ttyUSB0 or none", "cannot be %q", p.Device)
		}
	}
	one := func(key, is, hint string, of ...string) {
		if !slices.Contains(of, is) {
			v.add("printer."+key, hint, "cannot be %q", is)
		}
	}
	one("flow", p.Flow, `write "none", "dtr" or "rts"`, "none", "dtr", "rts")
	one("profile", p.Profile, `leave it out to have the printer asked, or write "full", "plain", "blind" or "star"`, append(PrinterProfiles(), "")...)
	one("mode", p.Mode, `write "drawn" or "typed"`, PrinterDrawn, PrinterTyped)
	const either = `write "yes" or "no"; leave it out to have it found out`
	one("cutter", p.Cutter, either, "yes", "no", "")
	one("qr", p.QR, either, "yes", "no", "")
	one("kanji", p.Kanji, either, "yes", "no", "")
	one("confirm", p.Confirm, `write "no" if its word cannot be trusted; leave it out else`, "no", "")
	if p.Width != 0 && (p.Width < 384 || p.Width > 832 || p.Width%8 != 0) {
		v.add("printer.width", "write 576 or 512 for paper of 80 mm, 384 for paper of 58 mm; leave it out to have it found out", "cannot be %d dots", p.Width)
	}
	if p.Buffer != 0 && strings.HasPrefix(p.Device, "serial:") {
		v.add("printer.buffer", "leave it out", "is of no use with a serial line, which is slower than any printer")
	}
	if p.Buffer != 0 && (p.Buffer < minBuffer || p.Buffer > maxBuffer) {
		v.add("printer.buffer", "4096 to 1048576 bytes, as its manual says; leave it out if it does not", "cannot be %d bytes", p.Buffer)
	}
	// Slower, a chunk of a slip would take longer than the driver waits for it.
	if p.Baud < 4800 || p.Baud > 921600 {
		v.add("printer.baud", "the speed that the printer is set to, 4800 or more, such as 9600 or 115200", "cannot be %d", p.Baud)
	}
}
