package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"kioskd/internal/config"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the daemon ended with an error: starting it again may help
	exitUsage  = 2 // wrong use or configuration: starting it again does not help
)

const usage = `kioskd is the daemon of a kiosk.

Usage:
  kioskd [run] [flags]      serve the kiosk until SIGTERM or SIGINT
  kioskd enrol CODE         make this kiosk known at the hub that gave the pairing code
  kioskd identity           say who this kiosk is at its hub
  kioskd check-config FILE  list every mistake in a configuration
  kioskd outbox list        show what waits for the hub
  kioskd outbox requeue     try again what the hub has refused and was set aside
  kioskd outbox verify      check that nobody has changed the audit log
  kioskd outbox newlog      go on with a new audit log, which the hub takes again
  kioskd outbox backup FILE write all of it into a new file
  kioskd doctor card        examine the card readers and the card that lies there
  kioskd doctor printer     examine the slip printer
  kioskd doctor lights      examine the status lights and show every signal on them
  kioskd card PERSONA       lay a test card on the virtual reader of pcscd (vpcd)
  kioskd printer play       be a virtual slip printer: kioskd printer play --help
  kioskd version            say which version this is

enrol and identity take --config, --data and --enrolment; they work while the daemon runs.
CODE may be - to read it from standard input, so that it stays out of the shell's history.

The outbox commands take --data, --config and --enrolment. list and verify work while
the daemon runs; the others need it stopped.

doctor takes --config FILE and --json, and ends with 0 if all is in order. For card:
--wait 10s waits for a card; it works while the daemon runs, and sends no PIN. For
printer: --print prints a test slip and asks whether it came out, --ask also where no
terminal is, --yes never; it needs the daemon stopped. For lights: --still shows no
signal; it needs the daemon stopped.

card takes --list to show the personas; --vpcd ADDR (127.0.0.1:35963), --tear N,
--tear-after N, --mute and --slow 200ms. It reads commands from its input, one a
line: help lists them.

Flags of run:
`

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	command := "run"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "run":
		return serve(ctx, args, stdout, stderr, getenv)
	case "enrol":
		return enrolCommand(ctx, args, os.Stdin, stdout, stderr, getenv)
	case "identity":
		return identityCommand(args, stdout, stderr, getenv)
	case "check-config":
		return checkConfig(args, stdout, stderr)
	case "outbox":
		return outboxCommand(ctx, args, stdout, stderr)
	case "doctor":
		return doctorCommand(ctx, args, os.Stdin, stdout, stderr)
	case "card":
		return cardCommand(ctx, args, os.Stdin, stdout, stderr)
	case "printer":
		return printerCommand(ctx, args, os.Stdin, stdout, stderr)
	case "version":
		if len(args) > 0 {
			return misuse(stderr, errors.New("version takes no arguments"))
		}
		_, _ = fmt.Fprintf(stdout, "kioskd %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return exitOK
	case "help":
		flags, _ := newFlags()
		printUsage(stdout, flags)
		return exitOK
	}
	return misuse(stderr, fmt.Errorf("there is no command %q", command))
}

func misuse(stderr io.Writer, err error) int {
	_, _ = fmt.Fprintf(stderr, "kioskd: cannot start: %v (kioskd help tells how)\n", err)
	return exitUsage
}

// misuseOrHelp is for flags that do not parse: --help is no misuse.
func misuseOrHelp(stdout, stderr io.Writer, err error) int {
	if !errors.Is(err, flag.ErrHelp) {
		return misuse(stderr, err)
	}
	flags, _ := newFlags()
	printUsage(stdout, flags)
	return exitOK
}

// refuse tells every mistake in a configuration.
func refuse(stderr io.Writer, err error) int {
	problems := config.Problems(err)
	if problems == nil {
		return misuse(stderr, err)
	}
	for _, p := range problems {
		_, _ = fmt.Fprintln(stderr, p)
	}
	return exitUsage
}

func checkConfig(args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		return misuse(stderr, errors.New("check-config takes the name of one file"))
	}
	lines, ok := config.Check(args[0])
	out, code := stdout, exitOK
	if !ok {
		out, code = stderr, exitUsage
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(out, line)
	}
	return code
}

// options are the flags of run. An empty one leaves the configuration as it is.
type options struct {
	config, data, enrolment, listen, logFormat string
	sim, verbose                               bool
}

func newFlags() (*flag.FlagSet, *options) {
	o := &options{}
	f := flag.NewFlagSet("kioskd", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.config, "config", "", "read the configuration from this `FILE`")
	f.BoolVar(&o.sim, "sim", false, "simulate the hardware and serve the dock that plays it")
	f.StringVar(&o.data, "data", "", "keep the outbox in this `DIR`")
	f.StringVar(&o.enrolment, "enrolment", "", "take the enrolment from this `FILE`, which may appear later")
	f.StringVar(&o.listen, "listen", "", "serve the screen at this `ADDR` (127.0.0.1:8080)")
	f.StringVar(&o.logFormat, "log", "auto", "log as text, json or journal; auto is journal under systemd, else text")
	f.BoolVar(&o.verbose, "verbose", false, "log every step")
	return f, o
}

func printUsage(w io.Writer, f *flag.FlagSet) {
	_, _ = io.WriteString(w, usage)
	f.SetOutput(w)
	f.PrintDefaults()
}

// serve parses, and then runs the daemon until a signal ends it.
func serve(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	flags, o := newFlags()
	if err := flags.Parse(args); err != nil {
		return misuseOrHelp(stdout, stderr, err)
	}
	if flags.NArg() > 0 {
		return misuse(stderr, fmt.Errorf("%q is not a flag", flags.Arg(0)))
	}
	log, err := newLog(stderr, o.logFormat, o.verbose, getenv)
	if err != nil {
		return misuse(stderr, err)
	}
	cfg, err := o.configuration()
	if err != nil {
		return refuse(stderr, err)
	}
	if err := checkHub(cfg); err != nil {
		return misuse(stderr, err)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	told := make(chan struct{})
	untold := context.AfterFunc(ctx, func() {
		defer close(told)
		log.Info("Stopping", "why", context.Cause(ctx))
	})
	err = daemon(ctx, cfg, home(cfg, getenv), getenv, log)
	if !untold() {
		<-told
	}
	if err != nil {
		log.Error("Stopped by an error", "err", err)
		return exitFailed
	}
	log.Info("Stopped", "why", context.Cause(ctx))
	return exitOK
}

// configuration is the file, if there is one, under the flags.
func (o *options) configuration() (config.Config, error) {
	cfg := config.Default()
	if o.config != "" {
		var err error
		if cfg, err = config.Load(o.config); err != nil {
			return config.Config{}, err
		}
	}
	for _, flag := range []struct {
		given string
		set   *string
	}{{o.data, &cfg.Data}, {o.enrolment, &cfg.Enrolment}, {o.listen, &cfg.Screen.Listen}} {
		if flag.given != "" {
			*flag.set = flag.given
		}
	}
	cfg.Simulate = cfg.Simulate || o.sim
	if err := cfg.Validate(); err != nil {
		return config.Config{}, err
	}
	return cfg, nil
}
