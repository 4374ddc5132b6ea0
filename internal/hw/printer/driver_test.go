package printer_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
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
	for _, p := range []printer.Profile{printer.Full(), printer.Plain(), printer.Star()} {
		t.Run(p.Name, func(t *testing.T) { conditionsFollow(t, p) })
	}
}

func conditionsFollow(t *testing.T, p printer.Profile) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, p)
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
			{func(s *printertest.State) { s.Offline = true }, printer.Offline},
			{func(s *printertest.State) { s.Offline = false }, printer.Ready},
			{func(s *printertest.State) { s.Unplugged = true }, printer.Unplugged},
			{func(s *printertest.State) { s.Unplugged = false }, printer.Ready},
		}
		for _, s := range steps {
			b.dev.Set(s.change)
			expect(t, b.drv, s.want)
		}
	})
}

func TestNothingIsSentToAPrinterThatCannotPrint(t *testing.T) {
	tests := map[string]struct {
		change  func(*printertest.State)
		outcome printer.Outcome
		want    fault.Code
	}{
		"paper":   {func(s *printertest.State) { s.Paper = printertest.PaperOut }, printer.Failed, fault.PaperOut},
		"cover":   {func(s *printertest.State) { s.Cover = true }, printer.Failed, fault.CoverOpen},
		"off":     {func(s *printertest.State) { s.Power = false }, printer.Expired, fault.PrinterGone},
		"cable":   {func(s *printertest.State) { s.Unplugged = true }, printer.Expired, fault.PrinterGone},
		"mute":    {func(s *printertest.State) { s.Mute = true }, printer.Failed, fault.PrinterFailed},
		"hot":     {func(s *printertest.State) { s.Hot = true }, printer.Failed, fault.HeadHot},
		"jam":     {func(s *printertest.State) { s.Cutter = true }, printer.Failed, fault.CutterJam},
		"offline": {func(s *printertest.State) { s.Offline = true }, printer.Failed, fault.PrinterFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, printer.Full())
				b.dev.Set(tt.change)
				synctest.Wait()
				outcome, err := b.drv.Print(t.Context(), jobOf("a", picture(1, 100)))
				if outcome != tt.outcome || fault.CodeOf(err) != tt.want {
					t.Errorf("got %s, %v; want %s with %s", outcome, err, tt.outcome, tt.want)
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
	tests := []struct {
		profile printer.Profile
		want    printer.Outcome
	}{
		{printer.Full(), printer.Printed}, {printer.Plain(), printer.Unconfirmed}, {printer.Blind(), printer.Unconfirmed}, {printer.Star(), printer.Printed},
	}
	for _, tt := range tests {
		t.Run(tt.profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tt.profile)
				pic := picture(3, 130)
				for range 40 { // more than Star counts to
					if got, err := b.drv.Print(t.Context(), jobOf("a", pic)); got != tt.want || err != nil {
						t.Fatalf("got %s, %v; want %s", got, err, tt.want)
					}
				}
				synctest.Wait()
				whole := complete(b.dev)
				if len(whole) != 40 || len(b.dev.Slips()) != 40 {
					t.Fatalf("%d whole slips of %d, want 40", len(whole), len(b.dev.Slips()))
				}
				for _, s := range whole {
					if err := shows(s, pic); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func TestAHotHeadOnlyPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, printer.Full())
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

// TestWhatCannotBeDrawnIsRefused: the kiosk's own defects end a job, and no more.
func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	broken := errors.New("no such picture")
	jobs := map[string]printer.Drawing{
		"drawing fails": func(printer.Profile) iter.Seq2[printer.Piece, error] {
			return func(yield func(printer.Piece, error) bool) {
				_ = yield(printer.Picture{Bitmap: picture(1, 60)}, nil) && yield(nil, broken)
			}
		},
		"bad code":      only(printer.QR{Content: "\x10\x04\x01", Module: 4}),
		"foreign piece": only(nil),
	}
	for _, profile := range []printer.Profile{printer.Full(), printer.Star()} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, profile)
			for name, draw := range jobs {
				if o, err := b.drv.Print(t.Context(), printer.Job{ID: name, Draw: draw}); o != printer.Failed || fault.CodeOf(err) != fault.Internal {
					t.Errorf("%s, %s: got %s, %v", profile.Name, name, o, err)
				}
			}
			pic := picture(1, 60)
			if o, err := b.drv.Print(t.Context(), jobOf("a", pic)); o != printer.Printed {
				t.Errorf("%s afterwards: got %s, %v", profile.Name, o, err)
			}
			whole := complete(b.dev)
			if err := shows(whole[len(whole)-1], pic); err != nil {
				t.Errorf("%s afterwards: %v", profile.Name, err)
			}
		})
	}
}

// only draws these pieces.
func only(pieces ...printer.Piece) printer.Drawing {
	return func(printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			for _, p := range pieces {
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

func TestPrintWithoutRunIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drv := printer.New(printertest.New(576).Dial, printer.Full(), slog.New(slog.DiscardHandler))
		began := time.Now()
		if o, err := drv.Print(t.Context(), jobOf("a", picture(1, 10))); o != printer.Expired || fault.CodeOf(err) != fault.PrinterGone {
			t.Errorf("got %s, %v", o, err)
		}
		if took := time.Since(began); took != printer.DefaultLimits().Accept {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("visit is over")
		cancel(over)
		if o, err := drv.Print(ctx, jobOf("a", picture(1, 10))); o != printer.Expired || !errors.Is(err, over) {
			t.Errorf("got %s, %v", o, err)
		}
	})
}

// TestStopInMidJob: the daemon is told to end while a slip is being printed.
func TestStopInMidJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.New(576)
		defer dev.Close()
		drv := printer.New(dev.Dial, printer.Full(), slog.New(slog.DiscardHandler))
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
	for _, profile := range []printer.Profile{printer.Full(), printer.Plain(), printer.Blind(), printer.Star()} {
		t.Run(profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := printertest.NewModel(modelOf(profile))
				defer dev.Close()
				port, err := dev.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := port.Write(raster(t, profile, picture(9, 20))[:500]); err != nil {
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
