package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/doctor"
	"kioskd/internal/hw/card/pcsc"
)

// examination finds out how a device is.
type examination func(ctx context.Context, cfg config.Config, how manner) (doctor.Report, error)

// manner is how a device is examined.
type manner struct {
	wait  time.Duration // for a card
	still bool          // show nothing
	print bool          // a test slip
	// ask asks a person whether that came out; nil: nobody is there.
	ask  func(context.Context) doctor.Answer
	tell io.Writer // what goes on meanwhile; nil: nobody reads it
}

// doctorCommand examines a device for a technician. Cards can be examined beside a
// daemon; printer and lights belong to one program at a time, so it has to be stopped.
func doctorCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	devices := map[string]examination{"card": examineCard, "printer": examinePrinter, "lights": examineLights}
	if len(args) == 0 || devices[args[0]] == nil {
		return misuse(stderr, errors.New("doctor takes what to examine: card, printer or lights"))
	}
	o := &options{}
	var asJSON bool
	var slip printFlags
	how := manner{tell: stdout}
	flags := flag.NewFlagSet("kioskd doctor", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.config, "config", "", "")
	flags.BoolVar(&asJSON, "json", false, "")
	switch args[0] {
	case "card":
		flags.DurationVar(&how.wait, "wait", 0, "")
	case "printer":
		flags.BoolVar(&slip.print, "print", false, "")
		flags.BoolVar(&slip.ask, "ask", false, "")
		flags.BoolVar(&slip.yes, "yes", false, "")
	case "lights":
		flags.BoolVar(&how.still, "still", false, "")
	}
	switch err := flags.Parse(args[1:]); {
	case err != nil:
		return misuseOrHelp(stdout, stderr, err)
	case flags.NArg() > 0:
		return misuse(stderr, fmt.Errorf("%q is not a flag", flags.Arg(0)))
	case how.wait < 0:
		return misuse(stderr, errors.New("--wait takes a time such as 10s"))
	case slip.check() != nil:
		return misuse(stderr, slip.check())
	}
	cfg, err := o.configuration()
	if err != nil {
		return refuse(stderr, err)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if how.wait > 0 {
		_, _ = fmt.Fprintf(stderr, "Waiting up to %s for a %s\n", how.wait, args[0])
	}
	how.print, how.ask = slip.print, slip.asker(stdin, stdout)
	if asJSON { // the report stays alone
		how.tell, how.ask = nil, slip.asker(stdin, stderr)
	}
	report, err := devices[args[0]](ctx, cfg, how)
	if err == nil {
		write := report.Text
		if asJSON {
			write = report.JSON
		}
		err = write(stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: cannot examine the %s: %v\n", args[0], err)
		return exitFailed
	}
	if !report.OK {
		return exitFailed
	}
	return exitOK
}

// examineCard looks at every reader first, for no look is allowed while the
// driver runs, and then reads what lies there with the daemon's own driver.
func examineCard(ctx context.Context, cfg config.Config, how manner) (doctor.Report, error) {
	hold := pcsc.Options{MyNumber: cfg.Reader.MyNumber, WAON: cfg.Reader.WAON}
	setup := doctor.CardSetup{
		MyNumber: cfg.Reader.MyNumber, WAON: cfg.Reader.WAON,
		Virtual: cfg.ReaderDriver() == config.ReaderVirtual,
	}
	opt, err := cardOptions(cfg)
	if err != nil {
		return doctor.Report{}, err
	}
	opt.Sights, err = doctor.Await(ctx, how.wait, func() ([]pcsc.Sight, error) { return pcsc.Look(hold) })
	if ctx.Err() != nil {
		return doctor.Report{}, ctx.Err()
	}
	if err != nil {
		return doctor.NoService(err, opt.Libpcsclite).Report(setup), nil
	}
	driver, err := newReader(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return doctor.Report{}, err
	}
	opt.Driver = driver
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- driver.Run(running) }()
	facts := doctor.ExamineCards(ctx, opt)
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		return doctor.Report{}, err
	}
	return facts.Report(setup), nil
}

// cardOptions are what the daemon would read and judge cards by.
func cardOptions(cfg config.Config) (doctor.CardOptions, error) {
	opt := doctor.CardOptions{Libpcsclite: pcsc.Version(), Now: time.Now}
	var err error
	if opt.WAON, err = waonConfig(cfg); err != nil {
		return opt, err
	}
	if cfg.Simulate {
		opt.Roots, err = simulatedRoots(cfg)
	} else {
		opt.Roots, err = readRoots(cfg.Reader.Roots)
	}
	return opt, err
}
