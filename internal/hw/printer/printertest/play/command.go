package play

import (
	"slices"
	"strconv"
	"strings"

	"kioskd/internal/hw/printer/printertest"
)

// Help says what can be commanded.
const Help = `paper full|low|out     the roll; a new one leaves the old one's piece behind
cover open|closed
cutter jammed|free
head hot|cool
power on|off           off forgets everything but the paper
cable out|in           the printer itself goes on
offline on|off         its button was pressed, or it has a defect
mute on|off            it goes on printing but answers nothing
fail FAULT AT_BYTE     one of these, once so many bytes of the next slip have come:
                       paper_low, paper_out, cover_open, power_off, unplugged, head_hot,
                       cutter, offline, mute
tear                   tear off what hangs out, as a person does
repair                 everything is right again
status                 how it is
quit                   end`

// switches are what has two or more positions.
func switches() map[string]map[string]func(*printertest.State) {
	type set = map[string]func(*printertest.State)
	paper := func(p printertest.Paper) func(*printertest.State) {
		return func(s *printertest.State) { s.Paper = p }
	}
	flag := func(of func(*printertest.State) *bool, yes, no string) set {
		return set{
			yes: func(s *printertest.State) { *of(s) = true },
			no:  func(s *printertest.State) { *of(s) = false },
		}
	}
	return map[string]set{
		"paper": {
			"full": paper(printertest.PaperFull), "low": paper(printertest.PaperLow), "out": paper(printertest.PaperOut),
		},
		"cover":   flag(func(s *printertest.State) *bool { return &s.Cover }, "open", "closed"),
		"cutter":  flag(func(s *printertest.State) *bool { return &s.Cutter }, "jammed", "free"),
		"head":    flag(func(s *printertest.State) *bool { return &s.Hot }, "hot", "cool"),
		"power":   flag(func(s *printertest.State) *bool { return &s.Power }, "on", "off"),
		"cable":   flag(func(s *printertest.State) *bool { return &s.Unplugged }, "out", "in"),
		"offline": flag(func(s *printertest.State) *bool { return &s.Offline }, "on", "off"),
		"mute":    flag(func(s *printertest.State) *bool { return &s.Mute }, "on", "off"),
	}
}

// obey carries out one command. One that cannot be is told, and nothing else.
func (p *Player) obey(command string, args []string) {
	if positions, ok := switches()[command]; ok {
		if len(args) != 1 || positions[args[0]] == nil {
			p.say("error: write %s", usage(command))
			return
		}
		p.printer.Set(positions[args[0]])
		return
	}
	plain := map[string]func(){
		"tear": p.printer.Tear, "repair": p.repair, "status": p.status,
		"help": func() { p.say("%s", Help) },
	}
	do, ok := plain[command]
	switch {
	case command == "fail":
		p.fail(args)
	case !ok:
		p.say("error: there is no command %q: help lists them", command)
	case len(args) > 0:
		p.say("error: %s takes nothing: leave %q out", command, strings.Join(args, " "))
	default:
		do()
	}
}

// usage is the command's form, from the help.
func usage(command string) string {
	for line := range strings.SplitSeq(Help, "\n") {
		if words := strings.Fields(line); words[0] == command {
			return words[0] + " " + words[1]
		}
	}
	return command
}

func (p *Player) fail(args []string) {
	if len(args) != 2 {
		p.say("error: write fail FAULT AT_BYTE")
		return
	}
	f := printertest.Fault(args[0])
	n, err := strconv.Atoi(args[1])
	switch {
	case !slices.Contains(printertest.Faults(), f):
		p.say("error: %q is no fault: use one of %s", f, faults())
	case err != nil || n < 0:
		p.say("error: %q is no number of bytes", args[1])
	default:
		p.printer.FailAtByte(n, f)
		p.say("armed: %s after %d bytes of a slip", f, n)
	}
}

func faults() string {
	var names []string
	for _, f := range printertest.Faults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// facets are the state in words, always in the same order.
func facets(s printertest.State) []string {
	word := func(of string, is bool, yes, no string) string {
		if is {
			return of + yes
		}
		return of + no
	}
	return []string{
		word("power ", s.Power, "on", "off"),
		word("cable ", s.Unplugged, "out", "in"),
		"paper " + string(s.Paper),
		word("cover ", s.Cover, "open", "closed"),
		word("cutter ", s.Cutter, "jammed", "free"),
		word("head ", s.Hot, "hot", "cool"),
		word("offline ", s.Offline, "on", "off"),
		word("mute ", s.Mute, "on", "off"),
	}
}

// changes are the words that are new.
func changes(old, now printertest.State) []string {
	before := facets(old)
	var out []string
	for i, f := range facets(now) {
		if f != before[i] {
			out = append(out, f)
		}
	}
	return out
}

// repair disarms too.
func (p *Player) repair() {
	p.look(true)
	p.printer.Repair()
	p.armed = ""
}

func (p *Player) status() {
	p.look(true)
	p.say("%s", strings.Join(facets(p.known), ", "))
	if p.armed != "" {
		p.say("armed: %s", p.armed)
	}
	if p.hangs != nil {
		p.say("slip %d hangs in it: %s", p.papers.number, size(p.hangs))
	}
	if n := p.printer.Strays(); n > 0 {
		p.say("%d bytes belonged to no command that it knows", n)
	}
}
