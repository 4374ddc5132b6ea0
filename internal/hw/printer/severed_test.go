package printer_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/printertest"
)

// severed is a line of which the last bytes that were handed over never arrive: they
// were in a buffer of the kernel's when it broke.
type severed struct {
	printer.Port
	left *atomic.Int32 // chunks of slips until then, it included; 0 = it does not break
}

func (s severed) Write(p []byte) (int, error) {
	if s.left.Load() == 0 || len(p) < 100 || s.left.Add(-1) > 0 { // status and markers pass
		return s.Port.Write(p)
	}
	return len(p), s.Close()
}

// TestTheWordOnTheSlipBefore: the line breaks when all of a slip has been handed over
// and before it was asked for. That the printer has confirmed the slip before says
// nothing about this one.
func TestTheWordOnTheSlipBefore(t *testing.T) {
	for _, p := range []printer.Profile{printer.Full(), printer.Star()} {
		t.Run(p.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := printertest.NewModel(modelOf(p))
				var left atomic.Int32
				drv := run(t, dev, wrapped(dev, func(port printer.Port) printer.Port { return severed{port, &left} }), p)
				slip := func(id string) printer.Job { // of two chunks: the first piece goes at once
					return printer.Job{ID: id, Draw: only(printer.Picture{Bitmap: picture(3, 20)}, printer.Picture{Bitmap: picture(4, 20)})}
				}
				if o, err := drv.Print(t.Context(), slip("a")); o != printer.Printed {
					t.Fatalf("the first slip is %s (%v)", o, err)
				}
				left.Store(2)
				if o, err := drv.Print(t.Context(), slip("b")); o != printer.Lost || len(complete(dev)) != 1 {
					t.Errorf("%d slips came out, the second is called %s (%v)", len(complete(dev)), o, err)
				}
				if o, err := drv.Print(t.Context(), slip("c")); o != printer.Printed || len(complete(dev)) != 2 {
					t.Errorf("%d slips came out, the third is called %s (%v)", len(complete(dev)), o, err)
				}
			})
		})
	}
}
