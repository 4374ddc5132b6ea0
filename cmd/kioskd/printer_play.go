package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"kioskd/internal/hw/printer/printertest"
	virtual "kioskd/internal/hw/printer/printertest/play"
	"kioskd/internal/slip"
	"kioskd/internal/slip/sliptest"
)

const printerUsage = `kioskd printer play is a virtual printer for trying things out.

  --tcp ADDR       listen there (127.0.0.1:9100, which is also the default)
  --serial LINK    make a terminal that stands in for a serial port, and a link to it
  --usb GADGET     serve a printer gadget of the kernel, such as /dev/g_printer0
  --model NAME     epson (knows everything), clone (little), star (StarPRNT); epson
  --dots N         how many there are across the paper; 576
  --speed N        how many rows of dots it prints in a second; 0 takes no time; 1200
  --out FOLDER     keep a picture of each piece of paper there, slip-1.png and so on,
                   also of the one that is being printed. Pictures show what was
                   printed, codes too; they are readable for their owner only

It tells what happens, and reads commands from its input, one a line:

` + virtual.Help + "\n"

// printerCommand plays a virtual printer on a real line.
func printerCommand(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] != "play" {
		return misuse(stderr, errors.New("printer takes what to do: play"))
	}
	flags := flag.NewFlagSet("kioskd printer play", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	tcp, serial, usb := flags.String("tcp", "", ""), flags.String("serial", "", ""), flags.String("usb", "", "")
	model, width := flags.String("model", "epson", ""), flags.Int("dots", 576, "")
	speed, out := flags.Int("speed", printertest.HeadSpeed, ""), flags.String("out", "", "")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, printerUsage)
		return exitOK
	case err != nil:
		return misuse(stderr, err)
	case flags.NArg() > 0:
		return misuse(stderr, fmt.Errorf("%q is not a flag", flags.Arg(0)))
	case *speed < 0:
		return misuse(stderr, errors.New("--speed takes a number of rows a second, or 0"))
	}
	line, err := playedLine(*tcp, *serial, *usb)
	if err != nil {
		return misuse(stderr, err)
	}
	m, err := playedModel(*model, *width)
	if err != nil {
		return misuse(stderr, err)
	}
	m.Speed = *speed
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := playPrinter(ctx, m, line, *out, stdin, stdout); err != nil && ctx.Err() == nil {
		_, _ = fmt.Fprintf(stderr, "kioskd: cannot play the printer: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func playPrinter(ctx context.Context, m printertest.Model, line virtual.Line, out string, stdin io.Reader, stdout io.Writer) error {
	rom, err := sliptest.NewROM()
	if err != nil {
		return err
	}
	paper := printertest.NewModel(m)
	defer paper.Close()
	paper.UseROM(rom)
	player, err := virtual.New(paper, stdout, out)
	if err != nil {
		return err
	}
	return player.Run(ctx, line, stdin)
}

// playedLine is the one line that was named.
func playedLine(tcp, serial, usb string) (virtual.Line, error) {
	var lines []virtual.Line
	if tcp != "" {
		lines = append(lines, virtual.TCP(tcp))
	}
	if serial != "" {
		lines = append(lines, virtual.Serial(serial))
	}
	if usb != "" {
		lines = append(lines, virtual.USB(usb))
	}
	switch len(lines) {
	case 0:
		return virtual.TCP("127.0.0.1:9100"), nil
	case 1:
		return lines[0], nil
	}
	return nil, errors.New("a printer has one line: --tcp, --serial or --usb")
}

// playedModel is a make of printer that says a name by which its width is known,
// where there is one (see docs/HARDWARE.md).
func playedModel(name string, width int) (printertest.Model, error) {
	names := map[int]string{576: "SLIP-80", 384: "SLIP-58", 512: "TM-T88V"}
	var m printertest.Model
	switch name {
	case "epson":
		m = printertest.Epson()
		m.Name = names[width]
	case "clone":
		m = printertest.Clone()
	case "star":
		m = printertest.Star()
		if width == slip.MinDots {
			m.Name = "mC-Print2"
		}
	default:
		return m, fmt.Errorf("there is no model %q: use epson, clone or star", name)
	}
	if width < slip.MinDots || width > slip.MaxDots || width%8 != 0 {
		return m, fmt.Errorf("--dots takes a multiple of 8 from %d to %d", slip.MinDots, slip.MaxDots)
	}
	m.Dots = width
	if m.Name == "" {
		m.Maker = ""
	}
	return m, nil
}
