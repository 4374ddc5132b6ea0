package doctor

import (
	"strings"
	"unicode"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
)

// PrinterFacts is what was found out about the slip printer. What is not met while
// examining, [PrinterFacts.Report] concludes.
type PrinterFacts struct {
	Line      PrinterLine       `json:"line"`
	USB       []USBPrinter      `json:"usb,omitempty"`
	Condition printer.Condition `json:"condition"`
	Identity  printer.Identity  `json:"identity"`
	Profile   *PrinterProfile   `json:"profile,omitempty"` // nil while it is not known
	Slips     *Slips            `json:"slips,omitempty"`   // as Profile
	Steps     []Step            `json:"steps"`
	Test      *TestSlip         `json:"test,omitempty"`

	driver printer.Facts // as the driver has told it
}

// PrinterLine is how the printer is reached.
type PrinterLine struct {
	Kind    string `json:"kind"` // LineUSB and so on
	Name    string `json:"name"` // in words
	Reached bool   `json:"reached"`
	Problem string `json:"problem,omitempty"` // ProblemBusy and so on, where it is not reached
	Cause   string `json:"cause,omitempty"`   // what was said
	Hint    string `json:"hint,omitempty"`
}

// The kinds of line.
const (
	LineUSB    = "usb"
	LineTCP    = "tcp"
	LineSerial = "serial"
	LineNone   = "none" // no printer is configured
)

// Why a line does not reach a printer.
const (
	ProblemAbsent     = "absent"
	ProblemBusy       = "busy"
	ProblemDenied     = "denied"
	ProblemRefused    = "refused"
	ProblemUnsuitable = "unsuitable" // it is no printer, or lacks what is configured
	ProblemEnded      = "ended"      // it was open and has ended
	ProblemStalled    = "stalled"    // it takes no data
	ProblemMute       = "mute"       // it takes data but answers nothing
	ProblemFailed     = "failed"     // anything else
)

// USBPrinter is a USB printer of this machine, whether it is the one or not.
type USBPrinter struct {
	Path     string   `json:"path"`
	State    string   `json:"state"` // "free", or a problem
	Maker    string   `json:"maker,omitempty"`
	Model    string   `json:"model,omitempty"`
	Commands []string `json:"commands,omitempty"` // the languages that it claims
	Port     *USBPort `json:"port,omitempty"`
}

// USBPort is the status of the USB printer class.
type USBPort struct {
	PaperOut bool `json:"paper_out"`
	Selected bool `json:"selected"`
	Failed   bool `json:"failed"`
}

const usbFree = "free"

// PrinterProfile is what the printer is taken for.
type PrinterProfile struct {
	Name       string     `json:"name"`
	Properties []Property `json:"properties"`
}

// Property is one thing that a printer can do or is used for.
type Property struct {
	Name  string `json:"name"`
	Value any    `json:"value"` // string, int or bool
	From  string `json:"from"`  // FromPrinter and so on
}

// Where a property is from.
const (
	FromPrinter = "found"      // the printer has shown or said it
	FromTable   = "table"      // the table of models knows it by the printer's name
	FromConfig  = "configured" // the configuration says so
	FromNowhere = "assumed"    // nobody has said it
)

// Slips is what the profile means for slips.
type Slips struct {
	Confirmed bool   `json:"confirmed"` // the printer says when a slip has come out
	Drawn     bool   `json:"drawn"`     // else in its own characters
	QR        string `json:"qr"`        // who draws the code: "printer" or "kioskd"
	Cut       bool   `json:"cut"`
}

// Who draws QR codes.
const (
	byPrinter = "printer"
	byKioskd  = "kioskd"
)

// TestSlip is what became of the test slip.
type TestSlip struct {
	Outcome printer.Outcome `json:"outcome"`
	CameOut Answer          `json:"came_out,omitempty"`
	Err     error           `json:"-"`
}

// Answer is what a person has said about the test slip.
type Answer string

// The answers. None: nobody was asked, or nobody has answered.
const (
	NoAnswer Answer = ""
	Yes      Answer = "yes"
	No       Answer = "no"
)

// Names of the steps.
const (
	stepReach = "reach"
	stepAsk   = "ask"
	stepTest  = "test_slip"
)

// usbPrinter translates what was seen on the bus.
func usbPrinter(f line.Found) USBPrinter {
	u := USBPrinter{Path: f.Path, State: usbFree, Maker: f.ID.Manufacturer, Model: f.ID.Model, Commands: f.ID.Commands}
	if f.Err != nil {
		u.State = problemOf(f.Err)
	}
	if s := f.Status; s != nil {
		u.Port = &USBPort{PaperOut: s.PaperOut(), Selected: s.Selected(), Failed: s.Failed()}
	}
	return u
}

// identity is what the printer says of itself, fit for a terminal: it comes from a
// device, and may hold anything.
func identity(id printer.Identity) printer.Identity {
	clean := func(s string) string {
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, strings.ToValidUTF8(s, "\uFFFD")))
	}
	id.Maker, id.Model, id.Firmware, id.Charset = clean(id.Maker), clean(id.Model), clean(id.Firmware), clean(id.Charset)
	return id
}

// WhoText is what a printer says of itself, on one line; "" if it says nothing.
func WhoText(id printer.Identity) string {
	id = identity(id)
	who := strings.TrimSpace(id.Maker + " " + id.Model)
	var parts []string
	if who != "" {
		parts = append(parts, who)
	}
	if id.Firmware != "" {
		parts = append(parts, "firmware "+id.Firmware)
	}
	return strings.Join(parts, ", ")
}
