// Package play makes the virtual printer a tool that other programs print on, over
// TCP, a serial line or a USB gadget, while a person or a script opens its cover and
// takes its paper. It needs no C library, so it also runs inside a virtual machine.
//
// [Player.Run] owns everything: its goroutine obeys commands, tells what has
// happened and writes pictures; one more serves the line. It ends with its context
// or with the command quit, and waits for what it has started. The end of the input
// ends nothing, so that the tool can run as a service.
//
// The pictures show whatever was printed, codes too: they are readable for their
// owner only.
package play

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
)

// pace is how often is looked for paper that has come further: a few times a second
// is enough for an eye, and little work.
const pace = 250 * time.Millisecond

// Player plays one printer.
type Player struct {
	printer *printertest.Printer
	papers  *papers

	mu  sync.Mutex // of out
	out io.Writer

	known printertest.State // that has been told; only Run, as what follows
	armed printertest.Fault
	hangs *dots.Bitmap // half printed
}

// New makes a player that tells on out what happens, and puts pictures of the paper
// into folder, which is made if need be; "" keeps none.
func New(p *printertest.Printer, out io.Writer, folder string) (*Player, error) {
	papers, err := newPapers(folder)
	if err != nil {
		return nil, err
	}
	return &Player{printer: p, papers: papers, out: out, known: p.Get()}, nil
}

// Line is how other programs reach the printer. See [TCP], [Serial] and [USB].
type Line interface {
	// open takes the line and gives what serves it until its context ends.
	open(ctx context.Context, p *Player) (serve func(context.Context) error, err error)
}

// Run serves line and obeys what in says until ctx ends or a line says quit. The
// error is why the line could not be served.
func (p *Player) Run(ctx context.Context, line Line, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serve, err := line.open(ctx, p)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	err = p.play(ctx, commands(ctx, in), ended)
	cancel()
	if err == nil {
		err = <-ended
	}
	p.printer.Close()
	p.look(true) // what was printed meanwhile
	return err
}

// play returns the error with which the line ended by itself.
func (p *Player) play(ctx context.Context, lines <-chan []string, ended <-chan error) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case words := <-lines:
			switch {
			case len(words) == 0:
			case words[0] == "quit":
				return nil
			default:
				p.obey(words[0], words[1:])
				p.look(true)
			}
		case <-p.printer.Changed():
			p.look(false)
		case <-tick.C:
			p.look(true)
		case err := <-ended:
			if err == nil {
				err = context.Cause(ctx)
			}
			return err
		}
	}
}

// commands reads in, a line at a time.
func commands(ctx context.Context, in io.Reader) <-chan []string {
	lines := make(chan []string)
	go func() {
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- strings.Fields(s.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// say tells one thing. It may be called from any goroutine.
func (p *Player) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, format+"\n", args...) // nobody listens: nothing to be done
}

// look tells what has happened since the last look. grown: also the piece that
// still hangs in the printer is drawn.
func (p *Player) look(grown bool) {
	for _, line := range changes(p.known, p.printer.Get()) {
		p.say("%s", line)
	}
	p.known = p.printer.Get()
	if armed := p.printer.Armed(); p.armed != "" && armed == "" {
		p.say("it has happened: %s", p.armed)
	}
	p.armed = p.printer.Armed()
	finished, hangs := p.printer.Take()
	p.hangs = hangs
	for _, s := range finished {
		whole := "whole"
		if !s.Complete {
			whole = "not whole"
		}
		file, err := p.papers.finish(s.Bitmap)
		p.say("slip %d: %s, %s%s", p.papers.number-1, size(s.Bitmap), whole, file)
		if err != nil {
			p.say("error: %v", err)
		}
	}
	if grown && hangs != nil {
		if err := p.papers.grow(hangs); err != nil {
			p.say("error: %v", err)
		}
	}
}
