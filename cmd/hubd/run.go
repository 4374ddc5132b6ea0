package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
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
       [--complete-after DURATION] [--store URL | --store-file FILE] [--sandbox FILE] [--vault-key FILE]
       [--keep DAYSd] [--sms-per-hour N] [--health ADDR] [--metrics ADDR] [--drain-wait DURATION]
  hubd kiosk invite NAME --data DIR [--for DURATION] [--name HOST:PORT] [--json]
  hubd kiosk list --data DIR [--json]
  hubd kiosk revoke ID --data DIR [--reason TEXT]
  hubd kiosk restore ID --data DIR
  hubd keys list|rotate|use|retire|reseal … --data DIR   (hubd keys says more)
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
	maxStrangers  int // 0 = as the file descriptors allow
	console       string
	completeAfter time.Duration
	sandbox       string // "" = in data
	store         string // URL of PostgreSQL; "" = SQLite in data. It holds a password
	storeOnLine   bool   // the URL stood on the command line
	vaultKey      string // file of the vault's keys; "" = in data
	keep          hub.Keeping
	messages      int    // an hour and kiosk
	health        string // "" = none
	metrics       string // "" = none
	drainWait     time.Duration
}

// demoMessages is a demo's budget of messages an hour: they go nowhere, and tests
// make many.
const demoMessages = 3600

func (o options) sandboxFile() string {
	if o.sandbox != "" {
		return o.sandbox
	}
	return filepath.Join(o.data, "sandbox.db")
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
	if len(args) > 0 && args[0] == "keys" {
		return runKeys(ctx, args[1:], env, stdout, stderr)
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
	fs := newFlags("hubd", usage, stderr)
	fs.BoolVar(&o.demo, "demo", false, "trust the test CA, use the sandbox, enrol the kiosk \"demo\"")
	fs.StringVar(&o.api, "api", "127.0.0.1:8443", "`address` of the kiosks' HTTPS API")
	fs.Func("name", "`HOST:PORT` by which kiosks reach the API, for certificate and pairing codes; several: again, or with commas", o.addNames)
	fs.IntVar(&o.maxLinks, "max-links", hub.DefaultMaxLinks, "how `many` kiosks may be connected at once")
	fs.IntVar(&o.maxStrangers, "max-strangers", 0, fmt.Sprintf("how `many` connections may be open that have shown no kiosk's certificate yet "+
		"(default %d, or a quarter of the file descriptors when that is less)", hub.DefaultStrangers))
	fs.StringVar(&o.console, "console", "127.0.0.1:8090", "loopback `address` of the console")
	fs.DurationVar(&o.completeAfter, "complete-after", sandbox.DefaultCompleteAfter, "how long the sandbox's registration takes")
	o.keep = hub.Keep()
	fs.Var((*days)(&o.keep.Sealed), "keep", "how long what kiosks sealed is kept; that it was taken is kept for ever (`DAYSd`)")
	fs.Var((*days)(&o.keep.Quarantine), "keep-quarantine", "how long quarantine is kept (`DAYSd`)")
	fs.Var((*days)(&o.keep.Alarms), "keep-alarms", "how long alarms are kept since they were last raised (`DAYSd`)")
	fs.IntVar(&o.messages, "sms-per-hour", 0, fmt.Sprintf("how many `messages` an hour a kiosk may send to phones (default %d, in a demo %d)",
		hub.DefaultMessages, demoMessages))
	fs.StringVar(&o.health, "health", "", "`address` of plain HTTP /healthz for balancers (default none)")
	fs.StringVar(&o.metrics, "metrics", "", "`address` of plain HTTP /metrics for Prometheus (default none)")
	fs.DurationVar(&o.drainWait, "drain-wait", 0, "how long a hub that ends says so before it takes no more connections")
	finish := storeFlags(fs, &o, env)
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	err := finish()
	if o.messages == 0 && o.demo {
		o.messages = demoMessages
	}
	return o, errors.Join(o.validate(fs.Args()), err)
}

// storeFlags are those that say where keys and rows are. Once they are parsed, finish
// reads what they name.
func storeFlags(fs *flag.FlagSet, o *options, env func(string) string) (finish func() error) {
	fs.StringVar(&o.data, "data", "", "`folder` for keys and databases (required)")
	fs.StringVar(&o.sandbox, "sandbox", "", "`file` of the sandbox, which hubs on one machine may share (default sandbox.db in --data)")
	url := fs.String("store", "", "`URL` of a PostgreSQL database, postgres://…")
	file := fs.String("store-file", "", "`FILE` that holds this URL, so that its password is not among the arguments")
	fs.StringVar(&o.vaultKey, "vault-key", "", "`FILE` of the vault's keys (default $CREDENTIALS_DIRECTORY/vault.key where there is one, else keys/vault.key in --data)")
	return func() (err error) {
		o.store, err = storeURL(*url, *file, env)
		o.storeOnLine = *url != ""
		o.vaultKey = vaultKeyFile(o.vaultKey, env)
		return err
	}
}

// vaultKeyFile finds the vault's keys where systemd put them, unless they are named.
func vaultKeyFile(named string, env func(string) string) string {
	dir := env("CREDENTIALS_DIRECTORY")
	if named != "" || dir == "" {
		return named
	}
	path := filepath.Join(dir, "vault.key")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// days is a flag of whole days: 400d.
type days time.Duration

const day = 24 * time.Hour

// String gives the flag's value.
func (d *days) String() string { return strconv.Itoa(int(time.Duration(*d)/day)) + "d" }

// Set reads it.
func (d *days) Set(s string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "d"))
	const most = 100 * 365
	if err != nil || n < 1 || n > most || !strings.HasSuffix(s, "d") {
		return fmt.Errorf("not a number of days from 1d to %dd", most)
	}
	*d = days(time.Duration(n) * day)
	return nil
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
	if o.messages < 0 {
		bad = append(bad, errors.New("cannot use --sms-per-hour: less than 0"))
	}
	if o.drainWait < 0 {
		bad = append(bad, errors.New("cannot use --drain-wait: less than 0"))
	}
	for _, a := range []struct{ flag, value string }{{"--api", o.api}, {"--console", o.console}, {"--health", o.health}, {"--metrics", o.metrics}} {
		if a.value == "" && (a.flag == "--health" || a.flag == "--metrics") {
			continue
		}
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
	if o.maxStrangers < 0 {
		bad = append(bad, errors.New("cannot use --max-strangers: less than 0"))
	}
	if o.completeAfter <= 0 {
		bad = append(bad, errors.New("cannot use --complete-after: not longer than 0"))
	}
	return errors.Join(bad...)
}
