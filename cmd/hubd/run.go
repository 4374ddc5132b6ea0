package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/sandbox"
)

// Exit codes.
const (
	exitOK    = 0
	exitRun   = 1
	exitUsage = 2
)

const usage = `hubd takes in what kiosks submit.

  hubd --demo --data DIR [--api ADDR] [--name HOST:PORT]... [--console ADDR]
       [--complete-after DURATION] [--store URL | --store-file FILE] [--sandbox FILE]
  hubd kiosk invite NAME --data DIR [--for DURATION] [--name HOST:PORT] [--json]
  hubd kiosk list --data DIR [--json]
  hubd kiosk revoke ID --data DIR [--reason TEXT]
  hubd kiosk restore ID --data DIR
  hubd audit verify | head | list | evidence | settle    look into the audit logs: hubd audit
  hubd version

Without a store's URL, which may also stand in HUBD_STORE, everything is kept in DIR.

`

// options are the parsed command line.
type options struct {
	demo          bool
	data          string
	api           string
	names         []string // HOST:PORT by which kiosks reach the API
	maxLinks      int
	console       string
	completeAfter time.Duration
	sandbox       string // "" = in data
	store         string // URL of PostgreSQL; "" = SQLite in data. It holds a password
	storeOnLine   bool   // the URL stood on the command line
}

// run is main with everything handed in, and gives the exit code.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "version" {
		if len(args) > 1 {
			_, _ = fmt.Fprintln(stderr, "hubd: version takes no arguments")
			return exitUsage
		}
		_, _ = fmt.Fprintf(stdout, "hubd %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return exitOK
	}
	if len(args) > 0 && args[0] == "kiosk" {
		return kioskCommand(ctx, args[1:], env, stdout, stderr)
	}
	if len(args) > 0 && args[0] == "audit" {
		return auditCommand(ctx, args[1:], env, stdout, stderr)
	}
	o, err := parse(args, env, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "hubd: %v\n", err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if err := serve(ctx, o, stdout, log); err != nil {
		log.Error("Hub ended", "error", err)
		return exitRun
	}
	return exitOK
}

func parse(args []string, env func(string) string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("hubd", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		fs.PrintDefaults()
	}
	fs.BoolVar(&o.demo, "demo", false, "trust the test CA, use the sandbox, enrol the kiosk \"demo\"")
	fs.StringVar(&o.data, "data", "", "`folder` for keys and databases (required)")
	fs.StringVar(&o.api, "api", "127.0.0.1:8443", "`address` of the kiosks' HTTPS API")
	fs.Func("name", "`HOST:PORT` by which kiosks reach the API, for certificate and pairing codes; several: again, or with commas", o.addNames)
	fs.IntVar(&o.maxLinks, "max-links", hub.DefaultMaxLinks, "how `many` kiosks may be connected at once")
	fs.StringVar(&o.console, "console", "127.0.0.1:8090", "loopback `address` of the console")
	fs.DurationVar(&o.completeAfter, "complete-after", sandbox.DefaultCompleteAfter, "how long the sandbox's registration takes")
	fs.StringVar(&o.sandbox, "sandbox", "", "`file` of the sandbox, which hubs on one machine may share (default sandbox.db in --data)")
	url := fs.String("store", "", "`URL` of a PostgreSQL database, postgres://…")
	file := fs.String("store-file", "", "`FILE` that holds this URL, so that its password is not among the arguments")
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	store, err := storeURL(*url, *file, env)
	o.store, o.storeOnLine = store, *url != ""
	return o, errors.Join(o.validate(fs.Args()), err)
}

// validate lists every mistake at once.
func (o options) validate(rest []string) error {
	var bad []error
	if len(rest) > 0 {
		bad = append(bad, fmt.Errorf("cannot use argument %q", rest[0]))
	}
	if o.data == "" {
		bad = append(bad, errors.New("cannot start without --data"))
	}
	if !o.demo {
		bad = append(bad, errors.New("cannot start without --demo: the sandbox is the only connector so far"))
	}
	for _, a := range []struct{ flag, value string }{{"--api", o.api}, {"--console", o.console}} {
		if _, _, err := net.SplitHostPort(a.value); err != nil {
			bad = append(bad, fmt.Errorf("cannot use %s %q: not host:port", a.flag, a.value))
		}
	}
	if host, _, err := net.SplitHostPort(o.console); err == nil && host != "localhost" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			bad = append(bad, fmt.Errorf("cannot use --console %q: it has no log-in, so loopback only", o.console))
		}
	}
	if o.maxLinks <= 0 {
		bad = append(bad, errors.New("cannot use --max-links: not more than 0"))
	}
	if o.completeAfter <= 0 {
		bad = append(bad, errors.New("cannot use --complete-after: not longer than 0"))
	}
	return errors.Join(bad...)
}
