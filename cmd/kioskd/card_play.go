package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"kioskd/internal/hw/card/cardtest"
)

const cardHelp = `put ID        lay the card of a persona on the reader
also ID       lay another one on top; the reader sees it when the first is lifted
lift          take the card off
tear N        tear it away when the N-th command from now comes (0 = the next one)
tear-after N  the same, but the card still carries that command out
mute on|off   let it lie there without an answer
slow 200ms    make each answer take that long; 0 = at once
reset         no card, no fault, fresh PIN counters
log           show the exchanges since the last log, without their data
state         show what lies there
quit          end; the card leaves`

// cardPlayer plays with a slot as it is told.
type cardPlayer struct {
	slot   *cardtest.Slot
	device *cardtest.VPCD
	at     string // where vpcd is
	out    io.Writer

	persona string // whose card was last seen there, or ""
	taken   bool   // vpcd has it
	waits   time.Time
	warned  bool // that vpcd does not take it
}

// How often is looked whether vpcd has the card, and how long vpcd may take to
// notice one; it looks every 0.4 s.
const (
	cardPace     = 50 * time.Millisecond
	cardPatience = 2 * time.Second
)

func (p *cardPlayer) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }

// play serves the slot until ctx ends or quit is read. The end of the input ends
// nothing, so that the command can run as a service.
func (p *cardPlayer) play(ctx context.Context, stdin io.Reader) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.device.Run(ctx) // it ends with ctx and has nothing else to tell
	}()
	defer func() { cancel(); <-ended }()
	lines := make(chan []string)
	go func() {
		for in := bufio.NewScanner(stdin); in.Scan(); {
			select {
			case lines <- strings.Fields(in.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	tick := time.NewTicker(cardPace)
	defer tick.Stop()
	for {
		select {
		case words := <-lines:
			switch {
			case len(words) == 0:
			case words[0] == "quit":
				return
			default:
				p.obey(words[0], words[1:])
			}
		case now := <-tick.C:
			p.watch(now)
		case <-ctx.Done():
			return
		}
	}
}

// watch tells when vpcd takes the card or lets it go, and when nobody takes it.
func (p *cardPlayer) watch(now time.Time) {
	if persona := p.slot.Persona(); persona != p.persona {
		p.left() // the old one's connection ends before the next look
		p.persona, p.waits, p.warned = persona, now, false
		return
	}
	switch taken := p.persona != "" && p.device.Connected(); {
	case taken && !p.taken:
		p.say("on the reader: %s", p.persona)
		p.taken = true
	case !taken && p.taken:
		p.left()
		p.waits, p.warned = now, false
	case !taken && p.persona != "" && !p.warned && now.Sub(p.waits) > cardPatience:
		p.say("cannot reach vpcd at %s: start pcscd with a vpcd reader (Debian: pcscd, vsmartcard-vpcd); trying on", p.at)
		p.warned = true
	}
}

func (p *cardPlayer) left() {
	if p.taken {
		p.say("off the reader")
	}
	p.taken = false
}

// obey carries out one command. One that cannot be is told, and nothing else.
func (p *cardPlayer) obey(command string, args []string) {
	none := func(do func()) func(string) error {
		return func(string) error { do(); return nil }
	}
	commands := map[string]struct {
		takes string // its argument, or ""
		do    func(arg string) error
	}{
		"put":        {"ID", p.slot.Put},
		"also":       {"ID", p.slot.PutAlso},
		"lift":       {"", none(p.slot.Lift)},
		"tear":       {"N", counted(p.slot.TearAt)},
		"tear-after": {"N", counted(p.slot.TearAfter)},
		"mute":       {"on|off", p.mute},
		"slow":       {"200ms", p.slow},
		"reset":      {"", none(p.slot.Reset)},
		"log":        {"", none(p.log)},
		"state":      {"", none(p.state)},
		"help":       {"", none(func() { p.say("%s", cardHelp) })},
	}
	c, known := commands[command]
	switch {
	case !known:
		p.say("error: there is no command %q: use one of %s, quit", command, strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
		return
	case c.takes == "" && len(args) > 0:
		p.say("error: %s takes nothing: leave %q out", command, strings.Join(args, " "))
		return
	case c.takes != "" && len(args) != 1:
		p.say("error: write %s %s", command, c.takes)
		return
	}
	if err := c.do(strings.Join(args, "")); err != nil {
		p.say("error: %v: write %s %s", err, command, c.takes)
	}
}

func counted(do func(int)) func(string) error {
	return func(arg string) error {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return fmt.Errorf("%q is no whole number", arg)
		}
		do(n)
		return nil
	}
}

func (p *cardPlayer) mute(arg string) error {
	if arg != "on" && arg != "off" {
		return fmt.Errorf("cannot be %q", arg)
	}
	p.slot.Mute(arg == "on")
	return nil
}

func (p *cardPlayer) slow(arg string) error {
	d, err := time.ParseDuration(arg)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no time with its unit", arg)
	}
	p.slot.Slow(d)
	return nil
}

// log shows headers and lengths; data is not in the slot's log at all.
func (p *cardPlayer) log() {
	list := p.slot.Log()
	p.slot.ClearLog()
	for _, e := range list {
		answer := "no answer"
		if e.Answer > 0 {
			answer = fmt.Sprintf("%s, %d bytes", e.SW, e.Answer)
		}
		p.say("%s -> %s", e.Command, answer)
	}
	p.say("exchanges: %d", len(list))
}

func (p *cardPlayer) state() {
	words := []string{"persona " + orNone(p.slot.Persona())}
	if also := p.slot.Also(); also != "" {
		words = append(words, "also "+also)
	}
	if p.slot.Persona() != "" {
		words = append(words, map[bool]string{true: "on the reader", false: "not taken by vpcd"}[p.device.Connected()])
	}
	if n := p.slot.Tear(); n >= 0 {
		words = append(words, fmt.Sprintf("torn away after %d commands", n))
	}
	if p.slot.Muted() {
		words = append(words, "mute")
	}
	if d := p.slot.Delays().APDU; d > 0 {
		words = append(words, "slow "+d.String())
	}
	p.say("%s", strings.Join(words, ", "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
