package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"kioskd/internal/hub"
	"kioskd/internal/hub/postgres"
	"kioskd/internal/hub/sqlite"
	"kioskd/internal/wire"
)

const auditUsage = `hubd audit looks into the audit logs. The hub may run meanwhile.

  hubd audit verify [--kiosk ID] [--heads FILE] [--json]   check everything; 1 if something is wrong
  hubd audit head [--kiosk ID]                              print the heads, for --heads later
  hubd audit list --kiosk ID [--log LOG] [--last N] [--json]
  hubd audit evidence [--kiosk ID]                          batches that were not taken, as JSON
  hubd audit settle --kiosk ID                              what was kept as evidence until now is explained

The kiosk "hub" is the hubs' own log. All take --data DIR, and --store URL or --store-file FILE.

`

// auditOptions are the flags of hubd audit.
type auditOptions struct {
	data, store  string
	kiosk, log   string
	heads        string
	json         bool
	last         int
	stdout       io.Writer
	now          time.Time
	stdoutPretty *json.Encoder
}

// auditCommand is hubd audit.
func auditCommand(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	commands := map[string]func(context.Context, bareStore, auditOptions) (bool, error){
		"verify": auditVerify, "head": auditHead, "list": auditList, "evidence": auditEvidence, "settle": auditSettle,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		_, _ = io.WriteString(stderr, auditUsage)
		return exitUsage
	}
	o, err := parseAudit(args[0], args[1:], env, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "hubd: %v\n", err)
		return exitUsage
	}
	o.stdout, o.now = stdout, time.Now()
	o.stdoutPretty = json.NewEncoder(stdout)
	o.stdoutPretty.SetIndent("", "  ")
	good, err := withDatabase(ctx, o, commands[args[0]])
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "hubd: %v\n", err)
	}
	if err != nil || !good {
		return exitRun
	}
	return exitOK
}

func parseAudit(command string, args []string, env func(string) string, stderr io.Writer) (auditOptions, error) {
	var o auditOptions
	flags := newFlags("hubd audit "+command, auditUsage, stderr)
	flags.StringVar(&o.data, "data", "", "`folder` of the hub")
	flags.StringVar(&o.kiosk, "kiosk", "", "`ID` of one kiosk, or hub")
	url := flags.String("store", "", "`URL` of a PostgreSQL database")
	file := flags.String("store-file", "", "`FILE` that holds this URL")
	switch command {
	case "verify":
		flags.StringVar(&o.heads, "heads", "", "`FILE` with what hubd audit head has printed before")
		flags.BoolVar(&o.json, "json", false, "print JSON")
	case "list":
		flags.StringVar(&o.log, "log", "", "`ID` of one log (default: all of the kiosk)")
		flags.IntVar(&o.last, "last", 0, "only the last `N` of each log")
		flags.BoolVar(&o.json, "json", false, "print JSON, an entry a line")
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	var err error
	o.store, err = storeURL(*url, *file, env)
	switch {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("cannot use argument %q", flags.Arg(0))
	case o.data == "" && o.store == "":
		return o, errors.New("cannot find the logs without --data, --store or --store-file")
	case o.kiosk == "" && (command == "list" || command == "settle"):
		return o, fmt.Errorf("cannot %s without --kiosk", command)
	case o.last < 0:
		return o, errors.New("cannot use --last: less than 0")
	}
	return o, nil
}

// withDatabase opens the database, which must be there, without the hub's keys.
func withDatabase(ctx context.Context, o auditOptions, do func(context.Context, bareStore, auditOptions) (bool, error)) (good bool, err error) {
	var s bareStore
	if o.store != "" {
		s, err = postgres.Open(ctx, o.store)
	} else {
		path := filepath.Join(o.data, "hub.db")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("cannot find %s: --data names the folder of the hub", path)
		}
		s, err = sqlite.Open(ctx, path)
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(ctx, s, o)
}

// named is how people call the owner of a log.
func named(kiosk string) string {
	if kiosk == "" {
		return hub.OwnLog
	}
	return kiosk
}

// of keeps what belongs to the kiosk that was asked for. The hubs' own logs have no
// kiosk, so a store cannot be asked for them alone.
func (o auditOptions) of(kiosk string) bool { return o.kiosk == "" || named(kiosk) == o.kiosk }

// stored is what a store is asked for.
func (o auditOptions) stored() string {
	if o.kiosk == hub.OwnLog {
		return ""
	}
	return o.kiosk
}

func auditVerify(ctx context.Context, s bareStore, o auditOptions) (bool, error) {
	noted, err := readHeads(o.heads)
	if err != nil {
		return false, err
	}
	all, err := hub.VerifyAudit(ctx, s, o.stored(), noted, o.now)
	if err != nil {
		return false, err
	}
	list, good := []hub.AuditFinding{}, true
	for _, f := range all {
		if o.of(f.Kiosk) {
			f.Kiosk = named(f.Kiosk)
			list, good = append(list, f), good && len(f.Problems) == 0
		}
	}
	if len(list) == 0 && o.kiosk != "" { // a kiosk that was written wrongly must not look sound
		return false, fmt.Errorf("cannot find an audit log of %s", o.kiosk)
	}
	if o.json {
		return good, o.stdoutPretty.Encode(map[string]any{"good": good, "logs": list})
	}
	table := tabwriter.NewWriter(o.stdout, 0, 0, 2, ' ', 0)
	for _, f := range list {
		if f.Log == "" {
			_, _ = fmt.Fprintf(table, "%s\tsubmissions\n", f.Kiosk)
		} else {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%d entries\t%d to %d\thead %.16s\n", f.Kiosk, f.Log, f.Entries, f.From, f.To, f.Head)
		}
		for _, p := range f.Problems {
			_, _ = fmt.Fprintf(table, "  PROBLEM: %s\n", p)
		}
	}
	if err := table.Flush(); err != nil {
		return false, err
	}
	verdict := "everything holds together"
	if !good {
		verdict = "SOMETHING IS WRONG"
	}
	_, err = fmt.Fprintf(o.stdout, "%d logs: %s\n", len(list), verdict)
	return good, err
}

func readHeads(path string) (heads []hub.AuditHead, err error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &heads)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the noted heads: %s is not what hubd audit head has printed: %w", path, err)
	}
	return heads, nil
}

func auditHead(ctx context.Context, s bareStore, o auditOptions) (bool, error) {
	all, err := hub.AuditHeads(ctx, s, o.stored())
	if err != nil {
		return false, err
	}
	list := []hub.AuditHead{}
	for _, h := range all {
		if o.of(h.Kiosk) {
			list = append(list, h)
		}
	}
	return true, o.stdoutPretty.Encode(list)
}

func auditList(ctx context.Context, s bareStore, o auditOptions) (bool, error) {
	logs, err := s.AuditLogs(ctx, o.stored())
	if err != nil {
		return false, err
	}
	shown := 0
	for _, l := range logs {
		if !o.of(l.Kiosk) || o.log != "" && l.Log != o.log {
			continue
		}
		shown++
		n := l.Base
		if o.last > 0 {
			n = max(n, l.N-int64(o.last))
		}
		if err := listLog(ctx, s, o, l, n); err != nil {
			return false, err
		}
	}
	if shown == 0 {
		return false, fmt.Errorf("cannot find an audit log of %s", o.kiosk)
	}
	return true, nil
}

func listLog(ctx context.Context, s bareStore, o auditOptions, l hub.AuditLog, n int64) error {
	lines := json.NewEncoder(o.stdout)
	jst := time.FixedZone("JST", 9*60*60)
	for {
		list, err := s.AuditEntries(ctx, l.Kiosk, l.Log, n, 1000)
		if err != nil || len(list) == 0 {
			return err
		}
		table := tabwriter.NewWriter(o.stdout, 0, 0, 2, ' ', 0)
		for _, e := range list {
			n = e.N
			if !o.json {
				_, _ = fmt.Fprintf(table, "%.8s\t%d\t%s\t%s\t%s\t%s\n", l.Log, e.N, time.Unix(e.At, 0).In(jst).Format("2006-01-02 15:04:05 JST"), e.Event, e.Subject, e.Detail)
				continue
			}
			if err := lines.Encode(struct {
				Log string `json:"log"`
				wire.AuditEntry
				ReceivedAt time.Time `json:"received_at"`
			}{l.Log, e.AuditEntry, e.ReceivedAt}); err != nil {
				return err
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
}

func auditEvidence(ctx context.Context, s bareStore, o auditOptions) (bool, error) {
	list, err := s.AuditEvidence(ctx, o.stored())
	if err != nil {
		return false, err
	}
	type row struct {
		Kiosk   string            `json:"kiosk"`
		Log     string            `json:"log"`
		Verdict wire.AuditVerdict `json:"verdict"`
		At      time.Time         `json:"at"`
		Batch   json.RawMessage   `json:"batch"`
	}
	rows := make([]row, 0, len(list))
	for _, e := range list {
		rows = append(rows, row{e.Kiosk, e.Log, e.Verdict, e.At, e.Batch})
	}
	return true, o.stdoutPretty.Encode(rows)
}

func auditSettle(ctx context.Context, s bareStore, o auditOptions) (bool, error) {
	list, err := s.AuditEvidence(ctx, o.stored())
	if err != nil {
		return false, err
	}
	if len(list) == 0 {
		return false, fmt.Errorf("cannot settle: there is no evidence about %s", o.kiosk)
	}
	if err := s.Note(ctx, hub.NoteEvidenceSettled, o.kiosk, fmt.Sprint(len(list)), o.now); err != nil {
		return false, err
	}
	_, err = fmt.Fprintf(o.stdout, "%d batches of %s count as explained\n", len(list), o.kiosk)
	return true, err
}
