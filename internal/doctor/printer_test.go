package doctor_test

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/doctor"
	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/line"
	"kioskd/internal/hw/printer/printertest"
)

// gone is a line that cannot be opened for this reason.
func gone(kind line.Kind, at string, cause error) printer.Dial {
	return func(context.Context) (printer.Port, error) {
		return nil, &line.Error{Op: "open", Line: at, Kind: kind, Cause: cause, Hint: "do this"}
	}
}

// patch is a test slip of 300 rows, as wide as the profile says.
func patch(string) printer.Drawing {
	return func(p printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			b := dots.New(p.Dots, 100)
			for y := range b.Height {
				b.Set(y, y)
				b.Set(p.Dots-1, y)
			}
			for range 3 {
				if !yield(printer.Picture{Bitmap: b}, nil) {
					return
				}
			}
		}
	}
}

// cable says in the words of a real line that it has ended.
type cable struct{ printer.Port }

func (c cable) Read(b []byte) (int, error) {
	n, err := c.Port.Read(b)
	return n, ended("read from", err)
}

func (c cable) Write(b []byte) (int, error) {
	n, err := c.Port.Write(b)
	return n, ended("write to", err)
}

func ended(op string, err error) error {
	if err == nil {
		return nil
	}
	return &line.Error{Op: op, Line: "tcp:192.0.2.7:9100", Kind: line.ErrUnplugged, Cause: err, Hint: "check power and cable"}
}

// onCounter is a virtual printer on a shop's counter, and what the configuration
// says of it.
type onCounter struct {
	model  printertest.Model
	state  func(*printertest.State)
	fail   printertest.Fault // at byte 400 of the test slip
	opt    doctor.PrinterOptions
	answer doctor.Answer
	print  bool
}

// report examines it in a bubble, where its head takes its time.
func (c onCounter) report(t *testing.T) doctor.Report {
	t.Helper()
	var r doctor.Report
	synctest.Test(t, func(t *testing.T) {
		c.model.Speed = printertest.HeadSpeed
		dev := printertest.NewModel(c.model)
		defer dev.Close()
		if c.state != nil {
			dev.Set(c.state)
		}
		if c.fail != "" {
			dev.FailAtByte(400, c.fail)
		}
		opt := c.opt
		opt.Log = slog.New(slog.DiscardHandler)
		if opt.Kind == "" {
			opt.Kind, opt.Name = doctor.LineTCP, "network printer 192.0.2.7:9100"
		}
		if opt.Dial == nil {
			opt.Dial = func(ctx context.Context) (printer.Port, error) {
				// No line opens in no time: the first look must not find at random that
				// one has, of a printer that is asked nothing.
				<-time.After(time.Millisecond)
				p, err := dev.Dial(ctx)
				return cable{p}, err
			}
		}
		if c.print {
			opt.Draw = patch
			opt.Ask = func(context.Context) doctor.Answer { return c.answer }
		}
		facts, err := doctor.ExaminePrinter(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		r = facts.Report(doctor.PrinterSetup{Override: opt.Override})
	})
	return r
}

func yes() *bool { b := true; return &b }

func no() *bool { b := false; return &b }

func narrow(m printertest.Model) printertest.Model {
	m.Dots, m.Name = 384, "SLIP-58"
	return m
}

func dumb() printertest.Model {
	m := printertest.Clone()
	m.Dumb, m.NoMarker = true, true
	return m
}

func counters() map[string]onCounter {
	blind := printer.Blind()
	usb := func(found ...line.Found) func(context.Context) ([]line.Found, error) {
		return func(context.Context) ([]line.Found, error) { return found, nil }
	}
	ready, out := line.Status(0x18), line.Status(0x20)
	tm := line.ParseID([]byte("\x00\x00MFG:EPSON;CMD:ESC/POS;MDL:TM-m30II;CLS:PRINTER;"))
	busy := &line.Error{Op: "open", Line: "usb:/dev/usb/lp0", Kind: line.ErrBusy, Cause: unix.EBUSY}
	return map[string]onCounter{
		"printer-epson":       {model: printertest.Epson(), print: true, answer: doctor.Yes},
		"printer-clone":       {model: printertest.Clone(), print: true},
		"printer-star":        {model: printertest.Star(), print: true, answer: doctor.Yes},
		"printer-58":          {model: narrow(printertest.Epson())},
		"printer-blind":       {model: dumb(), print: true, opt: doctor.PrinterOptions{Override: printer.Override{Profile: &blind}}},
		"printer-near-end":    {model: printertest.Epson(), state: func(s *printertest.State) { s.Paper = printertest.PaperLow }},
		"printer-paper-out":   {model: printertest.Epson(), print: true, state: func(s *printertest.State) { s.Paper = printertest.PaperOut }},
		"printer-cover-open":  {model: printertest.Star(), state: func(s *printertest.State) { s.Cover = true }},
		"printer-mute":        {model: printertest.Epson(), print: true, state: func(s *printertest.State) { s.Mute = true }},
		"printer-ran-out":     {model: printertest.Epson(), print: true, fail: printertest.RunOut},
		"printer-torn-off":    {model: printertest.Epson(), print: true, fail: printertest.Unplug},
		"printer-not-whole":   {model: printertest.Epson(), print: true, answer: doctor.No},
		"printer-typed-clone": {model: printertest.Clone(), opt: doctor.PrinterOptions{Override: printer.Override{Text: true, Dots: 512}}},
		"printer-typed-star":  {model: printertest.Star(), opt: doctor.PrinterOptions{Override: printer.Override{Text: true}}},
		"printer-configured": {model: printertest.Epson(), opt: doctor.PrinterOptions{Override: printer.Override{
			Text: true, Dots: 512, Buffer: 65536, Cutter: no(), QR: no(), Kanji: yes(), Completion: no(),
		}}},
		"printer-absent": {opt: doctor.PrinterOptions{
			Kind: doctor.LineUSB, Name: "USB printer /dev/usb/lp1", Dial: gone(line.ErrAbsent, "usb:/dev/usb/lp1", nil),
			List: usb(line.Found{Path: "/dev/usb/lp0", ID: tm, Status: &out}),
		}},
		"printer-busy": {opt: doctor.PrinterOptions{
			Kind: doctor.LineUSB, Name: "the first free USB printer", Dial: gone(line.ErrBusy, "usb:/dev/usb/lp*", unix.EBUSY),
			List: usb(line.Found{Path: "/dev/usb/lp0", ID: tm, Busy: true, Err: busy}),
		}},
		"printer-usb": {model: printertest.Epson(), opt: doctor.PrinterOptions{
			Kind: doctor.LineUSB, Name: "the first free USB printer", List: usb(line.Found{Path: "/dev/usb/lp0", ID: tm, Status: &ready}),
		}},
	}
}

// Each printer gives exactly the report that lies in testdata.
func TestPrinters(t *testing.T) {
	for name, c := range counters() {
		t.Run(name, func(t *testing.T) {
			r := c.report(t)
			// How often the driver asks while it waits hangs on what comes first of two
			// things at one moment.
			for i := range r.Printer.Steps {
				r.Printer.Steps[i].Out, r.Printer.Steps[i].In = 1000, 100
			}
			golden(t, name, r)
		})
	}
}

// What a person has to do something about is wrong, the rest is not.
func TestPrintersInOrder(t *testing.T) {
	wrong := map[string]fault.Code{
		"printer-paper-out": fault.PaperOut, "printer-cover-open": fault.CoverOpen, "printer-mute": fault.PrinterFailed,
		"printer-ran-out": fault.PaperOut, "printer-torn-off": fault.PrinterGone, "printer-not-whole": fault.PrinterFailed,
		"printer-absent": fault.PrinterGone, "printer-busy": fault.PrinterGone,
	}
	for name, c := range counters() {
		r := c.report(t)
		code, bad := wrong[name]
		if r.OK == bad || bad && r.Findings[0].Code != code {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
}

// A printer that cannot print gets no test slip, and nobody is asked about one.
func TestNoTestSlipInVain(t *testing.T) {
	c := counters()["printer-paper-out"]
	c.opt.Ask = func(context.Context) doctor.Answer { t.Error("asked"); return doctor.NoAnswer }
	if r := c.report(t); r.Printer.Test != nil {
		t.Errorf("%+v", r.Printer.Test)
	}
}

// Every problem of a line is told, with something to do, and at once where waiting
// does not help.
func TestLinesThatDoNotOpen(t *testing.T) {
	for kind, want := range map[line.Kind]string{
		line.ErrAbsent: doctor.ProblemAbsent, line.ErrBusy: doctor.ProblemBusy, line.ErrDenied: doctor.ProblemDenied,
		line.ErrRefused: doctor.ProblemRefused, line.ErrUnsuitable: doctor.ProblemUnsuitable, line.ErrUnplugged: doctor.ProblemEnded,
		line.ErrStalled: doctor.ProblemStalled, line.ErrFailed: doctor.ProblemFailed,
	} {
		for _, at := range []string{doctor.LineUSB, doctor.LineTCP, doctor.LineSerial} {
			c := onCounter{opt: doctor.PrinterOptions{Kind: at, Name: "it", Dial: gone(kind, at+":x", unix.EIO)}}
			r := c.report(t)
			l := r.Printer.Line
			if l.Reached || l.Problem != want || !strings.Contains(l.Cause, "input/output error") || r.OK {
				t.Errorf("%s, %s: %+v", kind, at, l)
			}
			if f := r.Findings; len(f) != 1 || f[0].Wrong == "" || !strings.Contains(f[0].Remedy, "do this") {
				t.Errorf("%s, %s: %+v", kind, at, f)
			}
		}
	}
}

// A line that comes right at the second try is no trouble.
func TestASecondTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.NewModel(printertest.Epson())
		defer dev.Close()
		n := 0
		opt := doctor.PrinterOptions{Kind: doctor.LineTCP, Name: "it", Log: slog.New(slog.DiscardHandler)}
		opt.Dial = func(ctx context.Context) (printer.Port, error) {
			if n++; n == 1 {
				return nil, &line.Error{Op: "open", Line: "tcp:x", Kind: line.ErrFailed}
			}
			return dev.Dial(ctx)
		}
		facts, err := doctor.ExaminePrinter(t.Context(), opt)
		if r := facts.Report(doctor.PrinterSetup{}); err != nil || !r.OK || n != 2 {
			t.Errorf("after %d tries: %v, %+v", n, err, r)
		}
	})
}

// A line that neither opens nor fails is given up.
func TestALineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		facts, err := doctor.ExaminePrinter(t.Context(), doctor.PrinterOptions{
			Kind: doctor.LineSerial, Name: "it", Log: slog.New(slog.DiscardHandler),
			Dial: func(ctx context.Context) (printer.Port, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		r := facts.Report(doctor.PrinterSetup{})
		if took := time.Since(began); err != nil || r.OK || r.Printer.Line.Reached || took > 20*time.Second {
			t.Errorf("after %v: %v, %+v", took, err, r)
		}
	})
}

func TestPrinterInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := printertest.Epson()
		m.Speed = 10
		dev := printertest.NewModel(m)
		defer dev.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := doctor.ExaminePrinter(ctx, doctor.PrinterOptions{
			Kind: doctor.LineTCP, Name: "it", Dial: dev.Dial, Draw: patch, Log: slog.New(slog.DiscardHandler),
			Ask: func(context.Context) doctor.Answer { t.Error("asked"); return doctor.NoAnswer },
		})
		if err == nil {
			t.Error("no error")
		}
	})
}

// What a printer says of itself reaches no terminal as it is.
func TestRudeIdentity(t *testing.T) {
	if got := doctor.WhoText(printer.Identity{Maker: "EVIL\x1b[2J", Model: "\xff\a", Firmware: " 1\n"}); got != "EVIL [2J \uFFFD, firmware 1" {
		t.Errorf("%q", got)
	}
}

// Where there is no printer of this world there is nothing to examine.
func TestNoRealPrinter(t *testing.T) {
	golden(t, "printer-virtual", doctor.PrinterFacts{}.Report(doctor.PrinterSetup{Virtual: true}))
	facts, err := doctor.ExaminePrinter(t.Context(), doctor.PrinterOptions{Kind: doctor.LineNone})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "printer-none", facts.Report(doctor.PrinterSetup{}))
}
