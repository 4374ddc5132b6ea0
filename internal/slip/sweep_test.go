package slip_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/line"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/underrace"
)

// sheet is a slip that was drawn before, with what it looks like on paper.
type sheet struct {
	name   string
	pieces []printer.Piece
	paper  *dots.Bitmap
	bytes  int // of its job, about
}

// draw gives copies: what is sent is changed and wiped.
func (s sheet) draw(printer.Profile) iter.Seq2[printer.Piece, error] {
	return func(yield func(printer.Piece, error) bool) {
		for _, p := range s.pieces {
			if pic, ok := p.(printer.Picture); ok {
				own := *pic.Bitmap
				own.Bits = slices.Clone(own.Bits)
				p = printer.Picture{Bitmap: &own}
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func sheets(t *testing.T, lang string, p printer.Profile) (all []sheet) {
	t.Helper()
	m := newMaker(t)
	for _, s := range samples(lang) {
		one := sheet{name: s.name, paper: printed(t, p, m.Draw(s.slip, s.reprint))}
		for piece, err := range m.Draw(s.slip, s.reprint)(p) {
			if err != nil {
				t.Fatal(err)
			}
			if pic, ok := piece.(printer.Picture); ok {
				own := *pic.Bitmap
				own.Bits = slices.Clone(own.Bits)
				piece = printer.Picture{Bitmap: &own}
				for _, strip := range own.Strips(24, 1984, 128) {
					one.bytes += 8 + strip.Rows*strip.Bytes
				}
			} else {
				one.bytes += 60
			}
			one.pieces = append(one.pieces, piece)
		}
		all = append(all, one)
	}
	return all
}

// sweeps are the faults that end a slip on any line. How the end of power or cable is
// told differs: a serial line does not notice it.
func sweeps() map[printertest.Fault][]fault.Code {
	return map[printertest.Fault][]fault.Code{
		printertest.RunOut: {fault.PaperOut}, printertest.OpenCover: {fault.CoverOpen},
		printertest.Unplug: {fault.PrinterGone, fault.PrinterFailed}, printertest.PowerOff: {fault.PrinterGone, fault.PrinterFailed},
		printertest.Mute: {fault.PrinterFailed},
	}
}

// coarse is how many percent of a slip a sweep goes on at a time under the race detector.
const coarse = 50

// TestEverySlipUnderEveryFault lets each fault happen at every percent of every
// slip. What the driver says must be true on the paper, and the next slip is clean.
func TestEverySlipUnderEveryFault(t *testing.T) {
	p := printer.Full()
	for _, s := range sheets(t, "ja", p) {
		for f, codes := range sweeps() {
			t.Run(s.name+"/"+string(f), func(t *testing.T) {
				t.Parallel()
				for percent := 0; percent <= 100; percent += underrace.Stride(coarse) {
					synctest.Test(t, func(t *testing.T) {
						dev := printertest.New(p.Dots)
						strike(t, dev, dev.Dial, printer.DefaultLimits(), s, f, codes, s.bytes*percent/100)
					})
				}
			})
		}
	}
}

// TestEveryFaultOnEveryLine does the same on real lines, each percent with another
// slip. KIOSKD_SWEEP=all takes every percent with every slip.
func TestEveryFaultOnEveryLine(t *testing.T) {
	p := printer.Full()
	all := sheets(t, "ja", p)
	// Short where a wait costs time, long enough for a machine that is busy.
	limits := printer.DefaultLimits()
	limits.Answer, limits.Redial = time.Second, 10*time.Millisecond
	limits.Accept, limits.Clear = 20*time.Second, 5*time.Second
	for name, lay := range lines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var strikes errgroup.Group
			strikes.SetLimit(48) // they wait, most of the time
			for f, codes := range sweeps() {
				for percent := 0; percent <= 100; percent += underrace.Stride(coarse) {
					for i, s := range all {
						if percent/underrace.Stride(coarse)%len(all) != i && os.Getenv("KIOSKD_SWEEP") != "all" {
							continue
						}
						strikes.Go(func() error {
							dev := printertest.New(p.Dots)
							dial, end := lay(t, dev)
							defer end()
							strike(t, dev, dial, limits, s, f, codes, s.bytes*percent/100)
							return nil
						})
					}
				}
			}
			_ = strikes.Wait() // strikes tell t
		})
	}
}

// lines lay a line of each kind to a virtual printer.
func lines() map[string]func(t *testing.T, dev *printertest.Printer) (dial printer.Dial, end func()) {
	return map[string]func(t *testing.T, dev *printertest.Printer) (printer.Dial, func()){
		"tcp": func(t *testing.T, dev *printertest.Printer) (printer.Dial, func()) {
			// An address of its own: a printer takes whoever dials last, and other tests dial
			// 127.0.0.1 at ports that nobody listens at any more, until somebody does.
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.9.1.1:0")
			if err != nil {
				t.Error(err)
				return dev.Dial, func() {}
			}
			go func() { _ = dev.Listen(l) }()
			return func(ctx context.Context) (printer.Port, error) { return line.DialTCP(ctx, l.Addr().String()) }, func() { _ = l.Close() }
		},
		"serial": func(t *testing.T, dev *printertest.Printer) (printer.Dial, func()) {
			pty, err := printertest.OpenPTY()
			if err != nil {
				t.Error(err)
				return dev.Dial, func() {}
			}
			dev.AttachSerial(pty.Master)
			return func(ctx context.Context) (printer.Port, error) {
				return line.DialSerial(ctx, pty.Path, line.SerialOptions{Baud: 115200})
			}, func() { _ = pty.Close() }
		},
		// Each plug is a new device node, as that of a USB printer is.
		"usb": func(_ *testing.T, dev *printertest.Printer) (printer.Dial, func()) {
			var last *printertest.PTY
			end := func() {
				if last != nil {
					_ = last.Close()
				}
			}
			return func(ctx context.Context) (printer.Port, error) {
				end()
				pty, err := printertest.OpenPTY()
				if err != nil {
					return nil, err
				}
				last = pty
				if !dev.Attach(pty.Master) {
					return nil, printertest.ErrOff
				}
				return line.DialUSB(ctx, pty.Path)
			}, end
		},
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func whole(dev *printertest.Printer) (list []*dots.Bitmap) {
	for _, s := range dev.Slips() {
		if s.Complete {
			list = append(list, s.Bitmap)
		}
	}
	return list
}

// same: the paper shows the slip; the letters of typed ones are frames here.
func same(got, want *dots.Bitmap) bool {
	if got.Height < want.Height || !got.Rows(0, want.Height).Equal(want) {
		return false
	}
	for y := want.Height; y < got.Height; y++ {
		if got.Extent(y) != 0 {
			return false
		}
	}
	return true
}

func strike(t *testing.T, dev *printertest.Printer, dial printer.Dial, limits printer.Limits, s sheet, f printertest.Fault, codes []fault.Code, at int) {
	t.Helper()
	drv := printer.New(dial, printer.Full(), quiet(), printer.WithLimits(limits))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- drv.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		dev.Close()
	}()
	dev.FailAtByte(max(at, 1), f)
	outcome, err := drv.Print(ctx, printer.Job{ID: s.name, Draw: s.draw})
	out := whole(dev)
	switch outcome {
	case printer.Printed:
		if len(out) != 1 || !same(out[0], s.paper) {
			t.Errorf("%s, byte %d: printed, but %d whole slips", s.name, at, len(out))
		}
	case printer.Failed:
		if len(out) != 0 || !slices.Contains(codes, fault.CodeOf(err)) {
			t.Errorf("%s, byte %d: failed with %v, %d whole slips", s.name, at, err, len(out))
		}
	case printer.Lost:
		// Two chunks of 2 kB are on their way: from there on all may have been handed over.
		if at < s.bytes-3*1984 {
			t.Errorf("%s, byte %d of %d: unknown, but the last part was not sent", s.name, at, s.bytes)
		}
	case printer.Unconfirmed, printer.Expired:
		t.Errorf("%s, byte %d: %s, %v", s.name, at, outcome, err)
	}
	dev.Repair()
	if outcome, err := drv.Print(ctx, printer.Job{ID: "next", Draw: s.draw}); outcome != printer.Printed {
		t.Errorf("%s, byte %d: the next one is %s, %v", s.name, at, outcome, err)
		return
	}
	after := whole(dev)
	more := len(after) - len(out)
	if more != 1 && (more != 2 || outcome != printer.Lost) || !same(after[len(after)-1], s.paper) {
		t.Errorf("%s, byte %d: %s, and %d more slips came out, the last one right: %t", s.name, at, outcome, more, same(after[len(after)-1], s.paper))
	}
}
