package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/catalogue"
	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
	"kioskd/internal/slip"
)

// examinePrinter drives the printer of the configuration as the daemon would.
func examinePrinter(ctx context.Context, cfg config.Config, how manner) (doctor.Report, error) {
	setup := doctor.PrinterSetup{Virtual: cfg.PrinterVirtual(), Override: overrideOf(cfg.Printer)}
	opt := doctor.PrinterOptions{Kind: lineKind(cfg.Printer), Override: setup.Override, Log: slog.New(slog.DiscardHandler)}
	if cfg.PrinterVirtual() {
		return doctor.PrinterFacts{}.Report(setup), nil
	}
	var err error
	if opt.Dial, opt.Name, err = printerLine(cfg.Printer); err != nil {
		return doctor.Report{}, err
	}
	if opt.Kind == doctor.LineUSB {
		opt.List = line.List
	}
	if how.print {
		if opt.Draw, err = testSlip(cfg, opt.Name); err != nil {
			return doctor.Report{}, err
		}
		opt.Ask = how.ask
	}
	facts, err := doctor.ExaminePrinter(ctx, opt)
	if err != nil {
		return doctor.Report{}, err
	}
	return facts.Report(setup), nil
}

func lineKind(cfg config.Printer) string {
	kind, _, _ := strings.Cut(cfg.Device, ":")
	switch kind {
	case "tcp":
		return doctor.LineTCP
	case "serial":
		return doctor.LineSerial
	case noPrinter:
		return doctor.LineNone
	}
	return doctor.LineUSB
}

// testSlip is drawn by what draws the daemon's slips.
func testSlip(cfg config.Config, where string) (func(who string) printer.Drawing, error) {
	cat, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	maker, err := newSlips(cfg, cat)
	if err != nil {
		return nil, err
	}
	return func(who string) printer.Drawing {
		return maker.Test(slip.Trial{At: time.Now(), Printer: who, Line: where})
	}, nil
}

// asker asks on out whether the test slip came out, and reads the answer from in.
// Anything but yes and no is asked again; the end of the input is no answer.
func asker(in io.Reader, out io.Writer) func(context.Context) doctor.Answer {
	return func(ctx context.Context) doctor.Answer {
		said := make(chan string)
		go func() {
			defer close(said)
			for s := bufio.NewScanner(in); s.Scan(); {
				select {
				case said <- strings.ToLower(strings.TrimSpace(s.Text())):
				case <-ctx.Done():
					return
				}
			}
		}()
		for {
			_, _ = fmt.Fprint(out, "Did the test slip come out whole? [y/n] ")
			select {
			case word, ok := <-said:
				switch {
				case !ok:
					_, _ = fmt.Fprintln(out)
					return doctor.NoAnswer
				case word == "y" || word == "yes":
					return doctor.Yes
				case word == "n" || word == "no":
					return doctor.No
				}
			case <-ctx.Done():
				return doctor.NoAnswer
			}
		}
	}
}

// printFlags are the flags of doctor printer.
type printFlags struct{ print, ask, yes bool }

func (p printFlags) check() error {
	switch {
	case (p.ask || p.yes) && !p.print:
		return errors.New("--ask and --yes are for --print")
	case p.ask && p.yes:
		return errors.New("--ask asks and --yes does not: use one")
	}
	return nil
}

// asker asks where a person may sit, or where one is said to; nil: it does not.
func (p printFlags) asker(in io.Reader, out io.Writer) func(context.Context) doctor.Answer {
	if p.yes || !p.ask && !isTerminal(in) {
		return nil
	}
	return asker(in, out)
}

// isTerminal says whether a person may sit there.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { _, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS) })
	return err == nil && failed == nil
}
