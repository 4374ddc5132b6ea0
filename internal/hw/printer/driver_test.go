package printer_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/printertest"
)

func expect(t *testing.T, drv *printer.Driver, want printer.Condition) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	var got printer.Condition
	for {
		select {
		case got = <-drv.Watch():
			if got == want {
				return
			}
		case <-limit.C:
			t.Fatalf("condition is %s, want %s", got, want)
		}
	}
}

func TestConditionsFollowThePrinter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, printer.Full)
		expect(t, b.drv, printer.Ready)
		steps := []struct {
			change func(*printertest.State)
			want   printer.Condition
		}{
			{func(s *printertest.State) { s.Paper = printertest.PaperLow }, printer.NearEnd},
			{func(s *printertest.State) { s.Paper = printertest.PaperOut }, printer.PaperOut},
			{func(s *printertest.State) { s.Cover = true }, printer.CoverOpen},
			{func(s *printertest.State) { s.Paper, s.Cover = printertest.PaperFull, false }, printer.Ready},
			{func(s *printertest.State) { s.Cutter = true }, printer.Cutter},
			{func(s *printertest.State) { s.Cutter = false; s.Hot = true }, printer.HeadHot},
			{func(s *printertest.State) { s.Hot = false; s.Power = false }, printer.Unplugged},
			{func(s *printertest.State) { s.Power = true }, printer.Ready},
			{func(s *printertest.State) { s.Mute = true }, printer.Unknown},
			{func(s *printertest.State) { s.Mute = false }, printer.Ready},
		}
		for _, s := range steps {
			b.dev.Set(s.change)
			expect(t, b.drv, s.want)
		}
	})
}

func TestNothingIsSentToAPrinterThatCannotPrint(t *testing.T) {
	tests := map[string]struct {
		change func(*printertest.State)
		want   fault.Code
	}{
		"paper": {func(s *printertest.State) { s.Paper = printertest.PaperOut }, fault.PaperOut},
		"cover": {func(s *printertest.State) { s.Cover = true }, fault.CoverOpen},
		"off":   {func(s *printertest.State) { s.Power = false }, fault.PrinterGone},
		"mute":  {func(s *printertest.State) { s.Mute = true }, fault.PrinterFailed},
		"hot":   {func(s *printertest.State) { s.Hot = true }, fault.HeadHot},
		"jam":   {func(s *printertest.State) { s.Cutter = true }, fault.CutterJam},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, printer.Full)
				b.dev.Set(tt.change)
				synctest.Wait()
				outcome, err := b.drv.Print(t.Context(), jobOf("a", picture(1, 100)))
				if outcome != printer.Failed || fault.CodeOf(err) != tt.want {
					t.Errorf("got %s, %v; want failed with %s", outcome, err, tt.want)
				}
				b.dev.Repair()
				settle := time.NewTimer(10 * time.Second)
				<-settle.C
				if n := len(b.dev.Slips()); n != 0 {
					t.Errorf("%d slips came out", n)
				}
			})
		})
	}
}

func TestProfiles(t *testing.T) {
	tests := map[*printer.Profile]printer.Outcome{
		&printer.Full: printer.Printed, &printer.Plain: printer.Unconfirmed, &printer.Blind: printer.Unconfirmed,
	}
	for profile, want := range tests {
		t.Run(profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, *profile)
				pic := picture(3, 130)
				for range 3 {
					if got, err := b.drv.Print(t.Context(), jobOf("a", pic)); got != want || err != nil {
						t.Fatalf("got %s, %v; want %s", got, err, want)
					}
				}
				synctest.Wait()
				whole := complete(b.dev)
				if len(whole) != 3 || len(b.dev.Slips()) != 3 {
					t.Fatalf("%d whole slips of %d, want 3", len(whole), len(b.dev.Slips()))
				}
				for _, s := range whole {
					if err := shows(s, pic); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestAHotHeadOnlyPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, printer.Full)
		pic := picture(4, 400)
		ended := make(chan printer.Outcome, 1)
		b.dev.FailAtByte(9000, printertest.Overheat)
		go func() {
			o, _ := b.drv.Print(t.Context(), jobOf("a", pic))
			ended <- o
		}()
		cool := time.NewTimer(3 * time.Second)
		<-cool.C
		select {
		case o := <-ended:
			t.Fatalf("ended with %s while the head was hot", o)
		default:
		}
		b.dev.Set(func(s *printertest.State) { s.Hot = false })
		if o := <-ended; o != printer.Printed {
			t.Fatalf("got %s, want printed", o)
		}
		if err := shows(complete(b.dev)[0], pic); err != nil {
			t.Error(err)
		}
	})
}

func TestForeignJobsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, printer.Full)
		for name, data := range map[string][]byte{
			"cut": escpos.Cut(0), "text": []byte("hello"), "status": escpos.Status(1), "clear": escpos.Clear(),
			"open picture": escpos.AppendRaster(nil, picture(1, 4))[:30],
		} {
			if o, err := b.drv.Print(t.Context(), printer.Job{ID: name, Data: data}); o != printer.Failed || fault.CodeOf(err) != fault.Internal {
				t.Errorf("%s: got %s, %v", name, o, err)
			}
		}
		if o, err := b.drv.Print(t.Context(), jobOf("a", picture(1, 60))); o != printer.Printed {
			t.Errorf("afterwards: got %s, %v", o, err)
		}
	})
}

func TestPrintWithoutRunIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drv := printer.New(printertest.New(576).Dial, printer.Full, slog.New(slog.DiscardHandler))
		began := time.Now()
		if o, err := drv.Print(t.Context(), jobOf("a", picture(1, 10))); o != printer.Failed || fault.CodeOf(err) != fault.PrinterGone {
			t.Errorf("got %s, %v", o, err)
		}
		if took := time.Since(began); took != printer.DefaultLimits().Accept {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("visit is over")
		cancel(over)
		if o, err := drv.Print(ctx, jobOf("a", picture(1, 10))); o != printer.Failed || !errors.Is(err, over) {
			t.Errorf("got %s, %v", o, err)
		}
	})
}

// TestStopInMidJob: the daemon is told to end while a slip is being printed.
func TestStopInMidJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.New(576)
		defer dev.Close()
		drv := printer.New(dev.Dial, printer.Full, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- drv.Run(ctx) }()
		dev.FailAtByte(5000, printertest.Overheat) // holds the job up
		ended := make(chan printer.Outcome, 1)
		go func() {
			o, _ := drv.Print(t.Context(), jobOf("a", picture(1, 300)))
			ended <- o
		}()
		held := time.NewTimer(2 * time.Second)
		<-held.C
		stop()
		if o := <-ended; o != printer.Failed {
			t.Errorf("got %s, want failed", o)
		}
		<-done
	})
}

// TestAnOpenPictureIsFilledUp: the run before died in the middle of a picture,
// which would swallow the start of the next slip.
func TestAnOpenPictureIsFilledUp(t *testing.T) {
	for _, profile := range []printer.Profile{printer.Full, printer.Plain, printer.Blind} {
		t.Run(profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := printertest.New(576)
				defer dev.Close()
				port, err := dev.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := port.Write(escpos.AppendRaster(nil, picture(9, 20))[:500]); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				drv := printer.New(dev.Dial, profile, slog.New(slog.DiscardHandler))
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go func() { _ = drv.Run(ctx) }()
				pic := picture(5, 60)
				if o, err := drv.Print(ctx, jobOf("a", pic)); err != nil {
					t.Fatalf("got %s, %v", o, err)
				}
				synctest.Wait()
				slips := dev.Slips()
				if err := shows(slips[len(slips)-1], pic); err != nil || dev.Strays() != 0 {
					t.Errorf("the slip is spoilt: %v, %d stray bytes", err, dev.Strays())
				}
			})
		})
	}
}
