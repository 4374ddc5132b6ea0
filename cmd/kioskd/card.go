package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"

	"kioskd/internal/hw/card/cardtest"
)

// cardCommand lays a virtual card on the virtual reader of a pcscd that runs.
func cardCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("kioskd card", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	vpcd := flags.String("vpcd", "127.0.0.1:35963", "")
	tear, tearAfter := flags.Int("tear", -1, ""), flags.Int("tear-after", -1, "")
	mute, list := flags.Bool("mute", false, ""), flags.Bool("list", false, "")
	slow := flags.Duration("slow", 0, "")
	var names []string
	for err := flags.Parse(args); ; err = flags.Parse(flags.Args()[1:]) { // flags may stand behind the persona
		if err != nil {
			return misuseOrHelp(stdout, stderr, err)
		}
		if flags.NArg() == 0 {
			break
		}
		names = append(names, flags.Arg(0))
	}
	switch {
	case *list && len(names) > 0:
		return misuse(stderr, errors.New("--list takes no persona"))
	case *list:
		return listPersonas(stdout)
	case len(names) != 1:
		return misuse(stderr, errors.New("card takes one persona; kioskd card --list shows them"))
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	p := &cardPlayer{slot: cardtest.NewSlot(), out: stdout, at: *vpcd}
	switch {
	case given["tear"] && given["tear-after"]:
		return misuse(stderr, errors.New("a card is torn away once: use --tear or --tear-after"))
	case *slow < 0:
		return misuse(stderr, errors.New("--slow takes a time such as 200ms"))
	}
	if at, err := netip.ParseAddrPort(p.at); !filepath.IsAbs(p.at) && (err != nil || !at.Addr().IsLoopback() || at.Port() == 0) {
		return misuse(stderr, fmt.Errorf("%q is no loopback address such as 127.0.0.1:35963, nor the path of a Unix socket: test cards are for this machine only", p.at))
	}
	p.device = cardtest.NewVPCD(p.slot, p.at)
	if err := p.slot.Put(names[0]); err != nil {
		return misuse(stderr, fmt.Errorf("%w; kioskd card --list shows them", err))
	}
	p.slot.TearAt(*tear)
	if given["tear-after"] {
		p.slot.TearAfter(*tearAfter)
	}
	p.slot.Mute(*mute)
	p.slot.Slow(*slow)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	p.play(ctx, stdin)
	return exitOK
}

func listPersonas(stdout io.Writer) int {
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, p := range cardtest.Personas() {
		pin := "no PIN"
		if p.PIN != "" {
			pin = "PIN " + p.PIN
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.ID, pin, p.Name, p.About)
	}
	if table.Flush() != nil {
		return exitFailed
	}
	return exitOK
}
