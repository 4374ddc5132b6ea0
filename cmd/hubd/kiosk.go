package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"rsc.io/qr"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/wire"
)

// names of the operator's commands, and what they take.
type kioskOptions struct {
	options

	life   time.Duration
	reason string
	json   bool
}

var errUsage = errors.New("cannot run this command")

// kioskCommand runs hubd kiosk …, beside a running hub or without one.
func kioskCommand(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	err := kioskRun(ctx, args, env, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintf(stderr, "hubd kiosk: %v\n", err)
		return exitUsage
	}
	_, _ = fmt.Fprintf(stderr, "hubd kiosk: %v\n", err)
	return exitRun
}

func kioskRun(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	do := ""
	if len(args) > 0 {
		do, args = args[0], args[1:]
	}
	var o kioskOptions
	fs := newFlags("hubd kiosk "+do, usage, stderr)
	finish := storeFlags(fs, &o.options, env)
	what, act := "", (func(context.Context, *store, *pki.PKI, kioskOptions, string, io.Writer) error)(nil)
	switch do {
	case "invite":
		fs.DurationVar(&o.life, "for", wire.PairingLife*time.Second, "how `long` the code is good")
		fs.Func("name", "`HOST:PORT` by which the kiosk reaches the hub (default: as the hub was started with)", o.addNames)
		fs.BoolVar(&o.json, "json", false, "for programs")
		what, act = "NAME", invite
	case "list":
		fs.BoolVar(&o.json, "json", false, "for programs")
		act = listKiosks
	case "revoke":
		fs.StringVar(&o.reason, "reason", "", "`text` for the console")
		what, act = "ID", revoke
	case "restore":
		what, act = "ID", restore
	case "-h", "-help", "--help":
		fs.Usage()
		return flag.ErrHelp
	default:
		return fmt.Errorf("%w: it is one of invite, list, revoke and restore", errUsage)
	}
	name, err := parseOne(fs, args, what)
	if err != nil {
		return err
	}
	if o.data == "" {
		return fmt.Errorf("%w: --data is missing", errUsage)
	}
	if o.life < time.Minute && do == "invite" || o.life > wire.PairingLife*time.Second {
		return fmt.Errorf("%w: --for is from 1m to %v", errUsage, wire.PairingLife*time.Second)
	}
	if err := finish(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return withStore(ctx, o.options, func(s *store, keys *pki.PKI) error { return act(ctx, s, keys, o, name, stdout) })
}

// parseOne parses flags before and after the one argument that the command takes
// (none if what is "").
func parseOne(fs *flag.FlagSet, args []string, what string) (one string, err error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return "", err
			}
			return "", fmt.Errorf("%w: %w", errUsage, err)
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	switch {
	case what == "" && len(rest) > 0, len(rest) > 1:
		return "", fmt.Errorf("%w: argument %q is too many", errUsage, rest[len(rest)-1])
	case what == "":
		return "", nil
	case len(rest) == 0 || strings.TrimSpace(rest[0]) == "":
		return "", fmt.Errorf("%w: %s is missing", errUsage, what)
	}
	return strings.TrimSpace(rest[0]), nil
}

// withStore opens what a hub has made; it makes nothing by itself.
func withStore(ctx context.Context, o options, f func(*store, *pki.PKI) error) (err error) {
	keys, err := madeKeys(o)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, o, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(s, keys)
}

// madeKeys opens the keys that a hub has made: a mistyped folder must not become
// another hub.
func madeKeys(o options) (*pki.PKI, error) {
	if _, err := os.Stat(filepath.Join(o.data, "keys", "ca.pem")); err != nil {
		return nil, fmt.Errorf("cannot find the hub's data: %w: give the folder of --data that the hub has, and start the hub once before", err)
	}
	if o.store == "" {
		// Its keys are there, so a hub has run on this folder: with a database elsewhere.
		if _, err := os.Stat(filepath.Join(o.data, "hub.db")); err != nil {
			return nil, fmt.Errorf("cannot find the hub's database: %w: if the hub keeps it in PostgreSQL, "+
				"give its --store-file (or --store, or HUBD_STORE) here as well", err)
		}
	}
	return pki.OpenWith(filepath.Join(o.data, "keys"), o.vaultKey, time.Now())
}

const longestName = 80

// invite makes a pairing code and shows it, once.
func invite(ctx context.Context, s *store, keys *pki.PKI, o kioskOptions, name string, stdout io.Writer) error {
	if len([]rune(name)) > longestName || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%w: the name is longer than %d characters, or has some that cannot be seen", errUsage, longestName)
	}
	at, err := publicName(o)
	if err != nil {
		return err
	}
	code, err := wire.NewPairingCode(at, keys.CA())
	if err != nil {
		return err
	}
	now := time.Now()
	i := hub.Invitation{TokenHash: code.TokenHash(), Name: name, Made: now, Expires: now.Add(o.life)}
	if err := s.Invite(ctx, i); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(map[string]any{"code": code.Text(), "name": name, "expires": i.Expires.UTC().Truncate(time.Second)})
	}
	picture, err := terminalQR(code.Text(), isTerminal(stdout))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Pairing code for %s, good once, until %s:\n\n  %s\n\n%s\nOn the kiosk: kioskd enrol CODE\n",
		name, i.Expires.Format("2006-01-02 15:04:05 MST"), code.Text(), picture)
	return err
}

// publicName finds by which name the kiosk will reach the hub.
func publicName(o kioskOptions) (string, error) {
	if len(o.names) > 0 {
		return o.names[0], nil
	}
	var a addresses
	b, err := os.ReadFile(filepath.Join(o.data, "addr.json"))
	if err == nil {
		err = json.Unmarshal(b, &a)
	}
	if err != nil {
		return "", fmt.Errorf("cannot tell by which name kiosks reach the hub: %w: give --name HOST:PORT", err)
	}
	if len(a.Names) > 0 {
		return a.Names[0], nil
	}
	host, _, err := net.SplitHostPort(a.API)
	if ip := net.ParseIP(host); err != nil || ip != nil && ip.IsUnspecified() {
		return "", errors.New("cannot tell by which name kiosks reach the hub: start it with --name HOST:PORT, or give that here")
	}
	return a.API, nil
}

// terminalQR draws a QR code with half blocks, two rows a line. It brings its own
// light margin and, where colours mean something, its own colours: so it can be read
// from every terminal. Without them it is for a dark one.
func terminalQR(text string, colours bool) (string, error) {
	c, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", fmt.Errorf("cannot draw QR code: %w", err)
	}
	const margin = 2
	light := func(x, y int) bool { return !c.Black(x, y) }
	begin, end := "", ""
	if colours {
		begin, end = "\x1b[97;40m", "\x1b[0m"
	}
	var b strings.Builder
	for y := -margin; y < c.Size+margin; y += 2 {
		b.WriteString("  " + begin)
		for x := -margin; x < c.Size+margin; x++ {
			switch up, down := light(x, y), light(x, y+1); {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString(end + "\n")
	}
	return b.String(), nil
}

// kioskLine is a kiosk in hubd kiosk list --json.
type kioskLine struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	EnrolledAt time.Time  `json:"enrolled_at"`
	CertUntil  time.Time  `json:"certificate_until,omitzero"`
	RevokedAt  time.Time  `json:"revoked_at,omitzero"`
	RevokedFor string     `json:"revoked_for,omitempty"`
	ReportedAt time.Time  `json:"reported_at,omitzero"`
	Links      []linkLine `json:"links"`
}

type linkLine struct {
	Remote string    `json:"remote"`
	Since  time.Time `json:"since"`
	Hub    string    `json:"hub"`
}

func listKiosks(ctx context.Context, s *store, _ *pki.PKI, o kioskOptions, _ string, stdout io.Writer) error {
	kiosks, err1 := s.Kiosks(ctx)
	links, err2 := s.Links(ctx, hub.LinkFilter{})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	of := map[string][]linkLine{}
	for _, l := range links {
		of[l.Kiosk] = append(of[l.Kiosk], linkLine{l.Remote, l.Since, l.Hub})
	}
	lines := make([]kioskLine, 0, len(kiosks))
	for _, k := range kiosks {
		links := of[k.ID]
		if links == nil {
			links = []linkLine{}
		}
		lines = append(lines, kioskLine{k.ID, k.Name, k.EnrolledAt, k.CertUntil, k.RevokedAt, k.RevokedFor, k.ReportedAt, links})
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(lines)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tNAME\tENROLLED\tCERTIFICATE UNTIL\tCONNECTED SINCE\tREVOKED")
	for _, k := range lines {
		connected, revoked := "no", "no"
		if n := len(k.Links); n > 0 {
			connected = stamp(k.Links[0].Since)
			if n > 1 {
				connected = fmt.Sprintf("%s (%d links)", connected, n)
			}
		}
		if !k.RevokedAt.IsZero() {
			revoked = strings.TrimSpace(stamp(k.RevokedAt) + " " + k.RevokedFor)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, visible(k.Name), stamp(k.EnrolledAt), stamp(k.CertUntil), connected, visible(revoked))
	}
	return w.Flush()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// visible is text without what only a terminal obeys.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func revoke(ctx context.Context, s *store, _ *pki.PKI, o kioskOptions, id string, stdout io.Writer) error {
	if err := s.Revoke(ctx, id, o.reason, time.Now()); err != nil {
		return noKiosk(id, err)
	}
	_, err := fmt.Fprintf(stdout, "%s is revoked. An open link ends within a minute.\n", id)
	return err
}

func restore(ctx context.Context, s *store, _ *pki.PKI, _ kioskOptions, id string, stdout io.Writer) error {
	k, err := s.Kiosk(ctx, id)
	if err != nil {
		return noKiosk(id, err)
	}
	if !k.Revoked() {
		_, err := fmt.Fprintf(stdout, "%s is not revoked: nothing was changed.\n", id)
		return err
	}
	if err := s.Restore(ctx, id, time.Now()); err != nil {
		return noKiosk(id, err)
	}
	_, err = fmt.Fprintf(stdout, "%s is accepted again.\n", id)
	return err
}

func noKiosk(id string, err error) error {
	if errors.Is(err, hub.ErrNotFound) {
		return fmt.Errorf("cannot find kiosk %q: hubd kiosk list shows their IDs", id)
	}
	return err
}
