package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	ksync "kioskd/internal/sync"
	"kioskd/internal/wire"
)

// records are what can be read of an outbox, also while the daemon runs.
type records interface {
	List(ctx context.Context) ([]ksync.Waiting, error)
	VerifyAudit(ctx context.Context) (length int64, head []byte, err error)
}

// outboxCommand lets staff look into the outbox, and change what is set aside in that
// of a stopped daemon.
func outboxCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var file, kiosk string
	commands := map[string]outboxTask{
		"list": look(func(ctx context.Context, r records, stdout io.Writer) error {
			return listOutbox(ctx, r, kiosk, stdout)
		}),
		"verify":  look(verifyOutbox),
		"requeue": {stopped: requeueOutbox},
		"newlog":  {stopped: beginLog},
		"backup": {stopped: func(ctx context.Context, o *ksync.Outbox, stdout io.Writer) error {
			return backupOutbox(ctx, o, file, stdout)
		}},
	}
	if len(args) == 0 || commands[args[0]].stopped == nil {
		return misuse(stderr, errors.New("outbox takes one of list, requeue, verify, newlog, backup"))
	}
	command, args := args[0], args[1:]
	if command == "backup" {
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			return misuse(stderr, errors.New("outbox backup takes the name of a file that is not there yet"))
		}
		file, args = args[0], args[1:]
	}
	o := &options{}
	flags := flag.NewFlagSet("kioskd outbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.config, "config", "", "")
	flags.StringVar(&o.data, "data", "", "")
	flags.StringVar(&o.enrolment, "enrolment", "", "")
	if err := flags.Parse(args); err != nil {
		return misuseOrHelp(stdout, stderr, err)
	}
	if flags.NArg() > 0 {
		return misuse(stderr, fmt.Errorf("%q is not a flag", flags.Arg(0)))
	}
	cfg, err := o.configuration()
	if err != nil {
		return misuse(stderr, err)
	}
	if e, err := wire.LoadEnrolment(cfg.Enrolment); err == nil { // else nobody knows who the kiosk is now
		kiosk = e.Kiosk
	}
	if err := examine(ctx, filepath.Join(cfg.Data, "outbox.db"), stdout, commands[command]); err != nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// outboxTask is what a command does with the outbox of a daemon that is stopped, and of
// one that runs; nil: nothing.
type outboxTask struct {
	stopped func(context.Context, *ksync.Outbox, io.Writer) error
	running func(context.Context, records, io.Writer) error
}

// look is a task that changes nothing, so that it needs nobody stopped.
func look(do func(context.Context, records, io.Writer) error) outboxTask {
	return outboxTask{
		stopped: func(ctx context.Context, o *ksync.Outbox, stdout io.Writer) error { return do(ctx, o, stdout) },
		running: do,
	}
}

func examine(ctx context.Context, path string, stdout io.Writer, task outboxTask) (err error) {
	outbox, err := ksync.ExamineOutbox(ctx, path, slog.New(slog.DiscardHandler))
	switch {
	case errors.Is(err, ksync.ErrInUse) && task.running != nil:
		return watch(ctx, path, stdout, task)
	case errors.Is(err, ksync.ErrInUse):
		return fmt.Errorf("cannot do this with %s while the daemon runs: stop it first", path)
	case errors.Is(err, ksync.ErrDamaged):
		return fmt.Errorf("%w: the daemon saves at its start what can be read", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot find %s: --data names the folder of the daemon", path)
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, outbox.Close()) }()
	return task.stopped(ctx, outbox, stdout)
}

// watch looks into the outbox of a daemon that runs. One that is just starting, or
// ending, may not have its file in order yet, or any more.
func watch(ctx context.Context, path string, stdout io.Writer, task outboxTask) (err error) {
	onlooker, err := ksync.WatchOutbox(ctx, path)
	if err != nil {
		return fmt.Errorf("%w: if kioskd is just starting or ending, try again", err)
	}
	defer func() { err = errors.Join(err, onlooker.Close()) }()
	return task.running(ctx, onlooker, stdout)
}

// listOutbox lists what waits. kiosk is who this kiosk is by now, "" where that is not
// known: what it has committed as another one stays.
func listOutbox(ctx context.Context, r records, kiosk string, stdout io.Writer) error {
	list, err := r.List(ctx)
	if err != nil {
		return err
	}
	jst := time.FixedZone("JST", 9*60*60)
	aside, stranded := 0, 0
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, w := range list {
		state := "queued"
		switch {
		case w.Quarantined:
			aside++
			state = "set aside: " + string(w.Reason)
		case kiosk != "" && w.Kiosk != kiosk:
			stranded++
			state = "of another enrolment, as " + w.Kiosk
		case w.Reason != "":
			state = "stuck: " + string(w.Reason)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\ttried %d times\n",
			w.Number, w.Kind, w.Since.In(jst).Format("2006-01-02 15:04 JST"), state, w.Attempts)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if _, err = fmt.Fprintf(stdout, "%d waiting for the hub, %d of them set aside\n", len(list), aside); err != nil || stranded == 0 {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d of another enrolment: they go when the kiosk is enrolled as that one again, with its key\n", stranded)
	return err
}

func requeueOutbox(ctx context.Context, o *ksync.Outbox, stdout io.Writer) error {
	n, err := o.Requeue(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d will be tried again when the daemon runs\n", n)
	return err
}

func verifyOutbox(ctx context.Context, r records, stdout io.Writer) error {
	length, head, err := r.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "the audit log holds together: %d rows, the last one %x\n", length, head)
	return err
}

func beginLog(ctx context.Context, o *ksync.Outbox, stdout io.Writer) error {
	if err := o.BeginLog(ctx); err != nil {
		return err
	}
	mark, err := o.AuditMark(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "the audit log goes on as %s; the hub will raise an alarm about it\n", mark.Log)
	return err
}

func backupOutbox(ctx context.Context, o *ksync.Outbox, file string, stdout io.Writer) error {
	switch err := o.Backup(ctx, file); {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: a backup never replaces one: name another file", err)
	case err != nil:
		return err
	}
	n, err := o.Pending(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s holds the outbox, with %d waiting for the hub\n", file, n)
	return err
}
