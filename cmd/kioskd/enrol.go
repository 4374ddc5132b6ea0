package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"kioskd/internal/config"
	"kioskd/internal/kiosk/identity"
	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// home is where this kiosk keeps its identity.
func home(cfg config.Config, getenv func(string) string) identity.Home {
	return identity.At(cfg.Enrolment, cfg.IdentityKey, getenv("CREDENTIALS_DIRECTORY"))
}

// identityFlags parses the flags of enrol and identity, which may stand before or
// behind the one argument. It gives the arguments.
func identityFlags(name string, args []string, add func(*flag.FlagSet)) (*options, []string, error) {
	o := &options{}
	flags := flag.NewFlagSet("kioskd "+name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.config, "config", "", "")
	flags.StringVar(&o.data, "data", "", "")
	flags.StringVar(&o.enrolment, "enrolment", "", "")
	add(flags)
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, nil, err
		}
		if flags.NArg() == 0 {
			return o, rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// enrolCommand makes this kiosk known at the hub of a pairing code.
func enrolCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	show := false
	o, rest, err := identityFlags("enrol", args, func(f *flag.FlagSet) { f.BoolVar(&show, "show", false, "") })
	switch {
	case err != nil:
		return misuseOrHelp(stdout, stderr, err)
	case show && len(rest) == 0:
		return showIdentity(o, stdout, stderr, getenv)
	case show || len(rest) == 0:
		return misuse(stderr, errors.New("enrol takes a pairing code, or - to read it from standard input"))
	}
	cfg, err := o.configuration()
	if err != nil {
		return refuse(stderr, err)
	}
	text := strings.Join(rest, " ") // a code that was typed with spaces
	if text == "-" {
		if text, err = bufio.NewReader(io.LimitReader(stdin, 1<<10)).ReadString('\n'); err != nil && !errors.Is(err, io.EOF) {
			_, _ = fmt.Fprintf(stderr, "kioskd: cannot read the pairing code: %v\n", err)
			return exitFailed
		}
	}
	code, err := wire.ParsePairingCode(text)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: %v\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	out, err := home(cfg, getenv).Enrol(ctx, code, identity.Options{})
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: %v\n", err)
		return exitFailed
	}
	if err := noteAnew(ctx, cfg, out); err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: note: this enrolment does not stand in the audit log: %v\n", err)
	}
	if why := out.Strands(); why != "" {
		_, _ = fmt.Fprintf(stderr, "kioskd: note: %s\n", why)
	}
	if out.Ahead != 0 {
		_, _ = fmt.Fprintf(stderr, "kioskd: note: the hub's clock is %s ahead of this kiosk's: set this one (timedatectl set-time)\n", out.Ahead.Round(time.Second))
	}
	_, _ = fmt.Fprintln(stdout, "This kiosk is enrolled. A daemon that runs goes on with it by itself.")
	return tellIdentity(stdout, stderr, out.Enrolment, out.Key)
}

// noteAnew writes into the audit log of a daemon that is stopped that the kiosk was
// enrolled again as who it was. Of one that runs the daemon notes it, and another kiosk
// is noted at the next start.
func noteAnew(ctx context.Context, cfg config.Config, out identity.Outcome) (err error) {
	if out.Former == nil || out.Former.Kiosk != out.Enrolment.Kiosk {
		return nil
	}
	outbox, err := ksync.ExamineOutbox(ctx, filepath.Join(cfg.Data, "outbox.db"), slog.New(slog.DiscardHandler))
	switch {
	case errors.Is(err, ksync.ErrInUse), errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, outbox.Close()) }()
	return outbox.Note(ctx, ksync.AuditEnrolled, "", out.Enrolment.Kiosk)
}

// identityCommand says who this kiosk is. It never prints a key.
func identityCommand(args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	o, rest, err := identityFlags("identity", args, func(*flag.FlagSet) {})
	switch {
	case err != nil:
		return misuseOrHelp(stdout, stderr, err)
	case len(rest) > 0:
		return misuse(stderr, errors.New("identity takes no arguments"))
	}
	return showIdentity(o, stdout, stderr, getenv)
}

func showIdentity(o *options, stdout, stderr io.Writer, getenv func(string) string) int {
	cfg, err := o.configuration()
	if err != nil {
		return refuse(stderr, err)
	}
	h := home(cfg, getenv)
	e, err := h.Load()
	if errors.Is(err, fs.ErrNotExist) {
		_, _ = fmt.Fprintf(stderr, "kioskd: this kiosk is not enrolled: there is no %s: make a pairing code at the hub, and run kioskd enrol\n", h.File)
		return exitFailed
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: %v\n", err)
		return exitFailed
	}
	return tellIdentity(stdout, stderr, e, h.KeyPlace(e))
}

func tellIdentity(stdout, stderr io.Writer, e *wire.Enrolment, key string) int {
	cert, err := e.Certificate()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: %v\n", err)
		return exitFailed
	}
	day := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"kiosk", e.Kiosk},
		{"name", e.Name},
		{"hub", e.HubURL},
		{"certificate until", day(cert.NotAfter)},
		{"renewed from", day(wire.RenewalDue(cert.NotBefore, cert.NotAfter))},
		{"key", key},
	} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	if err := table.Flush(); err != nil {
		return exitFailed
	}
	return exitOK
}
