package slip_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/line"
	"kioskd/internal/hw/printer/printertest"
)

// gadget is the far end of a real /dev/usb/lp0: the virtual printer behind the
// kernel's USB printer gadget. See tools/vm.
type gadget struct {
	t         *testing.T
	lp, g     string // device files of the host's and the gadget's end
	udc, name string // what plugs it in, and the name to write there
	file      *os.File
}

func newGadget(t *testing.T) *gadget {
	t.Helper()
	if os.Getenv("KIOSKD_VM") != "1" {
		t.Skip("runs in the machine of `make test-vm`")
	}
	g := &gadget{t: t, lp: os.Getenv("KIOSKD_VM_LP"), g: os.Getenv("KIOSKD_VM_GADGET"), udc: os.Getenv("KIOSKD_VM_UDC")}
	name, err := os.ReadFile(g.udc)
	if err != nil {
		t.Fatal(err)
	}
	g.name = strings.TrimSpace(string(name))
	return g
}

// serve makes dev the printer behind the gadget.
func (g *gadget) serve(dev *printertest.Printer) {
	g.t.Helper()
	f, err := os.OpenFile(g.g, os.O_RDWR|unix.O_NONBLOCK, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	g.file = f
	dev.AttachSerial(f) // the other end does not notice that it is off, only that it is pulled
}

// pull takes the cable out, which the far end hears of, too: it has to be closed
// before it is plugged in again.
func (g *gadget) pull() error {
	if err := os.WriteFile(g.udc, []byte("\n"), 0); err != nil {
		return err
	}
	_ = g.file.Close()
	return g.until(func(err error) bool { return errors.Is(err, os.ErrNotExist) })
}

// plug puts it back and waits for the device file.
func (g *gadget) plug() error {
	if err := os.WriteFile(g.udc, []byte(g.name+"\n"), 0); err != nil {
		return err
	}
	return g.until(func(err error) bool { return err == nil })
}

// until waits for what becomes of the device file.
func (g *gadget) until(met func(statError error) bool) error {
	ctx, cancel := context.WithTimeout(g.t.Context(), 5*time.Second)
	defer cancel()
	for {
		if _, err := os.Stat(g.lp); met(err) {
			return nil
		}
		again := time.NewTimer(20 * time.Millisecond)
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%s does not come or go", g.lp)
		}
	}
}

func (g *gadget) dial(ctx context.Context) (printer.Port, error) { return line.DialUSB(ctx, g.lp) }

// TestVMSlipsOverUSB prints every slip over the kernel's USB printer driver, with each
// fault at every percent of a slip.
func TestVMSlipsOverUSB(t *testing.T) {
	g := newGadget(t)
	p := printer.Full()
	all := sheets(t, "ja", p)
	limits := printer.DefaultLimits()
	limits.Answer, limits.Redial = 300*time.Millisecond, 10*time.Millisecond
	limits.Accept, limits.Clear = 20*time.Second, 5*time.Second
	for f, step := range map[printertest.Fault]int{
		printertest.RunLow: 10, printertest.RunOut: 1, printertest.OpenCover: 1, printertest.Jam: 4, printertest.Mute: 5,
	} {
		codes := map[printertest.Fault][]fault.Code{
			printertest.RunOut: {fault.PaperOut}, printertest.OpenCover: {fault.CoverOpen},
			printertest.Jam: {fault.CutterJam}, printertest.Mute: {fault.PrinterFailed},
		}[f]
		t.Run(string(f), func(t *testing.T) {
			for percent := 0; percent <= 100; percent += step {
				s := all[percent/step%len(all)]
				dev := printertest.New(p.Dots)
				g.serve(dev)
				strike(t, dev, g.dial, limits, s, f, codes, s.bytes*percent/100)
			}
		})
	}
}

// TestVMThePlugIsPulled pulls the plug in the middle of a slip, puts it back and
// prints the next one.
func TestVMThePlugIsPulled(t *testing.T) {
	g := newGadget(t)
	p := printer.Full()
	all := sheets(t, "ja", p)
	limits := printer.DefaultLimits()
	limits.Redial, limits.Accept = 10*time.Millisecond, 20*time.Second
	for i := range 8 {
		s := all[i%len(all)]
		m := printertest.Epson()
		m.Speed = printertest.HeadSpeed // slow enough to be in the middle of it
		dev := printertest.NewModel(m)
		g.serve(dev)
		drv := printer.New(g.dial, p, quiet(), printer.WithLimits(limits))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- drv.Run(ctx) }()
		ended := make(chan error, 1)
		go func() {
			outcome, err := drv.Print(ctx, printer.Job{ID: s.name, Draw: s.draw})
			if outcome != printer.Failed || fault.CodeOf(err) != fault.PrinterGone {
				err = fmt.Errorf("the torn one is %s: %w", outcome, err)
			} else {
				err = nil
			}
			ended <- err
		}()
		middle := time.NewTimer(time.Duration(150+40*i) * time.Millisecond)
		<-middle.C
		if err := g.pull(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		dev.Set(func(s *printertest.State) { s.Power = false }) // it forgets what it had
		dev.Repair()
		if err := g.plug(); err != nil {
			t.Fatal(err)
		}
		g.serve(dev)
		if outcome, err := drv.Print(ctx, printer.Job{ID: "next", Draw: s.draw}); outcome != printer.Printed {
			t.Errorf("the next one is %s: %v", outcome, err)
		}
		if out := whole(dev); len(out) != 1 || !same(out[0], s.paper) {
			t.Errorf("%d whole slips", len(out))
		}
		stop()
		<-done
		dev.Close()
	}
}
