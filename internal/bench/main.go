// Command bench measures the real kioskd and prints one line for each figure:
//
//	bench: NAME ours=… peer=… ratio=… unit=… goal=…
//
// A peer is either something that does the least for the same purpose, measured
// in the same run, or a limit that the product has set itself. Where the ratio has a
// goal, that stands behind it, and whether it is met. Run it with
// `make bench`, or `go run ./internal/bench` after `make build`.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The limits that the product has set itself.
const (
	limitStart  = 1500.0 // ms
	limitMemory = 80.0   // MiB
	limitBundle = 60.0   // kB
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	kioskd := flags.String("kioskd", "bin/kioskd", "the `BINARY` to measure")
	dist := flags.String("dist", "ui/dist", "`DIR` of the built screen")
	rounds := flags.Int("rounds", 500, "number of intents to time")
	slipPeer := flags.String("slip-peer", "e2e/tools/slips.mjs", "the `SCRIPT` that makes slips for comparison")
	otherQueues := flags.String("queues", ".cache/bin/queues", "the `BINARY` of other queues for comparison")
	onStore := flags.Bool("store", false, "measure the outbox alone")
	onDrain := flags.Bool("drain", false, "measure what a hub takes in alone (the bench starts this itself)")
	onLinks := flags.Bool("links", false, "measure a hub's links alone (the bench starts this itself)")
	linkServer := flags.String("link-server", "", "be a server of links, `ours` or bare (the bench starts this itself)")
	dir := flags.String("dir", "", "`DIR` of the server's keys")
	listen := flags.String("listen", "127.0.0.1:0", "`ADDR` of the server")
	onSlips := flags.Bool("slips", false, "measure slips alone (the bench starts this itself)")
	onCards := flags.Bool("cards", false, "measure cards alone (the bench starts this itself)")
	echo := flags.Bool("echo", false, "be the echo server (the bench starts this itself)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *echo {
		return echoServer(ctx)
	}
	if *onStore {
		return store(ctx, out, *otherQueues)
	}
	if *linkServer != "" {
		return linkServerMain(ctx, *linkServer, *dir, *listen, os.Stdin, out)
	}
	if *onLinks {
		return links(ctx, out)
	}
	if *onDrain {
		return drain(ctx, out)
	}
	if *onSlips {
		return slips(ctx, out, *slipPeer)
	}
	if *onCards {
		return cards(ctx, out, *kioskd)
	}
	for _, measure := range []func() error{
		func() error { return latency(ctx, out, *kioskd, *rounds) },
		func() error { return start(ctx, out, *kioskd) },
		func() error { return memory(ctx, out, *kioskd) },
		func() error { return bundle(out, *dist) },
		func() error { return store(ctx, out, *otherQueues) },
		func() error { return again(ctx, out, "-drain") },
		func() error { return again(ctx, out, "-links") },
		func() error { return again(ctx, out, "-slips", "-slip-peer", *slipPeer) },
		func() error { return again(ctx, out, "-cards", "-kioskd", *kioskd) },
	} {
		if err := measure(); err != nil {
			return err
		}
	}
	return nil
}

// again runs this program for a part that needs a process of its own.
func again(ctx context.Context, out io.Writer, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd.Run()
}

// aim is what a ratio has to be.
type aim struct {
	bound float64
	most  bool // and not the least
}

func atLeast(ratio float64) aim { return aim{bound: ratio} }

// within is the aim of a figure whose peer is a limit.
func within() aim { return aim{bound: 1, most: true} }

func (a aim) metBy(ratio float64) bool {
	if a.most {
		return ratio <= a.bound
	}
	return ratio >= a.bound
}

func (a aim) String() string {
	if a.most {
		return fmt.Sprintf("<=%g", a.bound)
	}
	return fmt.Sprintf(">=%g", a.bound)
}

// report prints one figure, and whether it is what it has to be.
func report(out io.Writer, name string, ours, peer float64, unit string, goals ...aim) {
	_, _ = fmt.Fprintf(out, "bench: %s ours=%.4g peer=%.4g ratio=%.2f unit=%s", name, ours, peer, ours/peer, unit)
	for _, goal := range goals {
		met := "met"
		if !goal.metBy(ours / peer) {
			met = "MISSED"
		}
		_, _ = fmt.Fprintf(out, " goal=%s %s", goal, met)
	}
	_, _ = fmt.Fprintln(out)
}
