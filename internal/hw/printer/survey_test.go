package printer_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/printertest"
)

// found is a driver that has to find out what dev is.
func found(t *testing.T, dev *printertest.Printer, o printer.Override) *printer.Driver {
	t.Helper()
	drv := printer.Find(dev.Dial, o, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = drv.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; dev.Close() })
	return drv
}

func settle(d time.Duration) {
	tick := time.NewTimer(d)
	<-tick.C
	synctest.Wait()
}

func TestWhatAPrinterCanDoIsFoundOut(t *testing.T) {
	no := false
	change := func(m printertest.Model, f func(*printertest.Model)) printertest.Model { f(&m); return m }
	tests := map[string]struct {
		model    printertest.Model
		override printer.Override
		want     printer.Profile
	}{
		"epson": {printertest.Epson(), printer.Override{}, printer.Profile{
			Name: "virtual-80", Language: printer.ESCPOS, Dots: 576, Buffer: 4096,
			Status: true, Paced: true, Completion: true, Clear: true, Cutter: true, QR: true, Kanji: true,
		}},
		"clone": {printertest.Clone(), printer.Override{}, printer.Profile{
			Name: "probed", Language: printer.ESCPOS, Dots: 576, Buffer: 4096, Status: true, Paced: true, Cutter: true,
		}},
		"clone under another name": {
			change(printertest.Clone(), func(m *printertest.Model) { m.Maker, m.Name = "EPSON", "TM-T88III" }), printer.Override{},
			printer.Profile{
				Name: "epson-tm-t88-early", Language: printer.ESCPOS, Dots: 512, Buffer: 4096, Status: true, Paced: true, Cutter: true,
			},
		},
		"no marker": {
			change(printertest.Clone(), func(m *printertest.Model) { m.NoMarker = true }), printer.Override{},
			printer.Profile{Name: "probed", Language: printer.ESCPOS, Dots: 576, Buffer: 4096, Status: true, Cutter: true},
		},
		"star": {printertest.Star(), printer.Override{}, printer.Profile{
			Name: "star", Language: printer.StarPRNT, Dots: 576, Buffer: 4096,
			Status: true, Paced: true, Completion: true, Cutter: true,
		}},
		"configured": {
			printertest.Epson(), printer.Override{Dots: 384, Buffer: 65536, Cutter: &no, QR: &no, Completion: &no, Text: true},
			printer.Profile{
				Name: "virtual-80", Language: printer.ESCPOS, Dots: 384, Buffer: 65536,
				Status: true, Paced: true, Clear: true, Kanji: true, Text: true,
			},
		},
		"typed without characters": {
			change(printertest.Epson(), func(m *printertest.Model) { m.NoKanji = true }), printer.Override{Text: true},
			printer.Profile{
				Name: "virtual-80", Language: printer.ESCPOS, Dots: 576, Buffer: 4096,
				Status: true, Paced: true, Completion: true, Clear: true, Cutter: true, QR: true,
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := printertest.NewModel(tt.model)
				drv := found(t, dev, tt.override)
				settle(10 * time.Second)
				f := drv.Facts()
				if diff := cmp.Diff(tt.want, f.Profile); diff != "" || !f.Probed || f.Condition != printer.Ready || f.Line != nil {
					t.Fatalf("%+v\n%s", f, diff)
				}
				if tt.model.Maker == "" != (f.Identity.Model == "") {
					t.Errorf("it is %+v", f.Identity)
				}
				// The questions leave nothing on the paper.
				pic := picture(1, 60)
				if _, err := drv.Print(t.Context(), jobOf("a", pic)); err != nil {
					t.Fatal(err)
				}
				settle(time.Second)
				dev.Tear()
				slips := dev.Slips()
				strays := 0
				if tt.model.Star { // the first question is one of ESC/POS
					strays = 3
				}
				if len(slips) != 1 || dev.Strays() > strays {
					t.Fatalf("%d slips, %d stray bytes", len(slips), dev.Strays())
				}
				if !tt.want.Cutter || tt.want.Text {
					return // it hangs below white paper
				}
				if err := shows(slips[0], pic); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAStoppedPrinterIsAskedLater: it works nothing off, so what it can do is found
// out when it can print again, at the latest before the first slip.
func TestAStoppedPrinterIsAskedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.NewModel(printertest.Epson())
		dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperOut })
		drv := found(t, dev, printer.Override{})
		settle(10 * time.Second)
		if f := drv.Facts(); f.Probed || f.Condition != printer.PaperOut {
			t.Fatalf("%+v", f)
		}
		dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperFull })
		settle(5 * time.Second)
		if o, err := drv.Print(t.Context(), jobOf("a", picture(1, 60))); o != printer.Printed {
			t.Fatalf("%s, %v", o, err)
		}
		if f := drv.Facts(); !f.Probed || !f.Profile.Completion {
			t.Errorf("%+v", f)
		}
	})
}

// TestAMutePrinterIsNotTakenForABlindOne: only the configuration says that a printer
// cannot answer.
func TestAMutePrinterIsNotTakenForABlindOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.NewModel(printertest.Epson())
		dev.Set(func(s *printertest.State) { s.Mute = true })
		drv := found(t, dev, printer.Override{})
		settle(10 * time.Second)
		if f := drv.Facts(); f.Probed || f.Condition != printer.Unknown {
			t.Fatalf("%+v", f)
		}
		if o, err := drv.Print(t.Context(), jobOf("a", picture(1, 60))); o == printer.Printed || o == printer.Unconfirmed {
			t.Fatalf("%s, %v", o, err)
		}
		dev.Set(func(s *printertest.State) { s.Mute = false })
		settle(5 * time.Second)
		if o, err := drv.Print(t.Context(), jobOf("a", picture(1, 60))); o != printer.Printed {
			t.Fatalf("%s, %v", o, err)
		}
	})
}

// TestXOFF: a printer that says so is sent nothing until it says otherwise.
func TestXOFF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newScripted()
		drv := printer.New(line.dial, printer.Blind(), slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = drv.Run(ctx) }()
		settle(time.Second)
		line.say(0x13)
		settle(time.Second)
		before := line.written()
		ended := make(chan printer.Outcome, 1)
		go func() {
			o, _ := drv.Print(ctx, jobOf("a", picture(1, 60)))
			ended <- o
		}()
		settle(3 * time.Second)
		if got := line.written(); !bytes.Equal(got, before) {
			t.Errorf("%d bytes were sent to a printer that is busy", len(got)-len(before))
		}
		line.say(0x11)
		if o := <-ended; o != printer.Unconfirmed {
			t.Errorf("%s", o)
		}
		stop()
		<-done
	})
}
