package printer_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/underrace"
)

// run serves dev by a driver of profile p over dial, until the test ends.
func run(t *testing.T, dev *printertest.Printer, dial printer.Dial, p printer.Profile) *printer.Driver {
	t.Helper()
	drv := printer.New(dial, p, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = drv.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; dev.Close() })
	settle(5 * time.Second)
	return drv
}

// wrapped is dev's line with something in between.
func wrapped(dev *printertest.Printer, wrap func(printer.Port) printer.Port) printer.Dial {
	return func(ctx context.Context) (printer.Port, error) {
		p, err := dev.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return wrap(p), nil
	}
}

// start prints beside the test.
func start(drv *printer.Driver, pic *dots.Bitmap) <-chan printer.Outcome {
	ended := make(chan printer.Outcome, 1)
	go func() {
		o, _ := drv.Print(context.Background(), jobOf("a", pic))
		ended <- o
	}()
	return ended
}

// paced is a line of 9600 baud.
type paced struct{ printer.Port }

func (w paced) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		k := min(len(p), 16)
		tick := time.NewTimer(time.Duration(k) * time.Second / 960)
		<-tick.C
		m, err := w.Port.Write(p[:k])
		if n += m; err != nil {
			return n, err
		}
		p = p[k:]
	}
	return n, nil
}

// TestAStopBetweenTwoLooks: the cover is opened and closed while a part of the slip is
// on a slow line. The paper has a gap, whatever the printer says afterwards.
func TestAStopBetweenTwoLooks(t *testing.T) {
	for _, p := range []printer.Profile{printer.Full(), printer.Plain(), printer.Star()} {
		t.Run(p.Name, func(t *testing.T) {
			for at := 5 * time.Second; at < 25*time.Second; at += 1900 * time.Millisecond {
				synctest.Test(t, func(t *testing.T) {
					m := modelOf(p)
					m.Speed = printertest.HeadSpeed
					dev := printertest.NewModel(m)
					drv := run(t, dev, wrapped(dev, func(p printer.Port) printer.Port { return paced{p} }), p)
					settle(15 * time.Second)
					ended := start(drv, picture(1, 400))
					settle(at)
					dev.Set(func(s *printertest.State) { s.Cover = true })
					settle(800 * time.Millisecond)
					dev.Set(func(s *printertest.State) { s.Cover = false })
					o := <-ended
					if n := len(complete(dev)); n == 0 && (o == printer.Printed || o == printer.Unconfirmed) {
						t.Errorf("opened after %v: %s", at, o)
					}
				})
			}
		})
	}
}

// TestAStarThatForgets: its counter begins anew, which is no progress.
func TestAStarThatForgets(t *testing.T) {
	for _, at := range []int{9000, len(raster(t, printer.Star(), picture(4, 400))) + 12} {
		synctest.Test(t, func(t *testing.T) {
			dev := printertest.NewModel(printertest.Star())
			serial := func(context.Context) (printer.Port, error) { // does not notice power
				a, b := net.Pipe()
				dev.AttachSerial(a)
				return b, nil
			}
			drv := run(t, dev, serial, printer.Star())
			dev.FailAtByte(at, printertest.Overheat)
			ended := start(drv, picture(4, 400))
			settle(1100 * time.Millisecond)
			dev.Set(func(s *printertest.State) { s.Power = false })
			dev.Set(func(s *printertest.State) { s.Power, s.Hot = true, false })
			if o := <-ended; o == printer.Printed && len(complete(dev)) == 0 {
				t.Errorf("byte %d: printed, but nothing came out whole", at)
			}
		})
	}
}

// TestAStarsStaleCount: what an earlier slip left in the printer is printed after the
// refill, and confirms no other slip.
func TestAStarsStaleCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := printertest.Star()
		m.Speed = printertest.HeadSpeed
		dev := printertest.NewModel(m)
		drv := run(t, dev, dev.Dial, printer.Star())
		dev.FailAtByte(3000, printertest.RunOut)
		if o := <-start(drv, picture(1, 400)); o != printer.Failed {
			t.Fatal(o)
		}
		dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperFull })
		pic := picture(2, 400)
		o := <-start(drv, pic)
		dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperOut })
		settle(10 * time.Second)
		whole := complete(dev)
		if o == printer.Printed && (len(whole) == 0 || shows(whole[len(whole)-1], pic) != nil) {
			t.Error("printed, but it never came out whole")
		}
	})
}

// TestANightWithoutPaper: what the printer is asked stays in its buffer. The condition
// is the same in the morning, and nothing of the evening comes out.
func TestANightWithoutPaper(t *testing.T) {
	for _, p := range []printer.Profile{printer.Full(), printer.Plain(), printer.Star()} {
		t.Run(p.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, p)
				settle(5 * time.Second)
				b.dev.FailAtByte(2500, printertest.RunOut)
				if o := <-start(b.drv, picture(1, 300)); o != printer.Failed {
					t.Fatal(o)
				}
				for i := range 3000 / underrace.Stride(20) {
					settle(7300 * time.Millisecond) // six hours, or half of one
					if f := b.drv.Facts(); f.Condition != printer.PaperOut {
						t.Fatalf("after %d looks: %s, %v", i, f.Condition, f.Line)
					}
				}
				b.dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperFull })
				settle(30 * time.Second)
				pic := picture(2, 60)
				if _, err := b.drv.Print(t.Context(), jobOf("b", pic)); err != nil {
					t.Fatal(err)
				}
				whole := complete(b.dev)
				if len(whole) != 1 {
					t.Fatalf("%d whole slips", len(whole))
				}
				if err := shows(whole[0], pic); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestStatusWithoutMarkers: a printer that answers for its state only is asked once
// more at the end.
func TestStatusWithoutMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printer.Plain()
		p.Paced = false
		dev := printertest.NewModel(modelOf(p))
		drv := run(t, dev, dev.Dial, p)
		dev.FailAtByte(1000, printertest.RunOut)
		if o := <-start(drv, picture(1, 40)); o == printer.Unconfirmed {
			t.Error("unconfirmed, though the printer says that the paper is out")
		}
	})
}

// TestNobodysSlipIsJoinedToAnothers: power blinks after a slip of which nobody knows
// how much has come out.
func TestNobodysSlipIsJoinedToAnothers(t *testing.T) {
	unpaced := printer.Plain()
	unpaced.Paced = false
	for _, p := range []printer.Profile{printer.Blind(), unpaced, printer.Plain()} {
		synctest.Test(t, func(t *testing.T) {
			m := modelOf(p)
			m.Speed = 300
			dev := printertest.NewModel(m)
			drv := run(t, dev, dev.Dial, p)
			<-start(drv, picture(3, 10))
			settle(5 * time.Second)
			<-start(drv, picture(1, 45))
			settle(120 * time.Millisecond)
			dev.Set(func(s *printertest.State) { s.Power = false })
			settle(2 * time.Second)
			dev.Set(func(s *printertest.State) { s.Power = true })
			settle(10 * time.Second)
			pic := picture(2, 45)
			<-start(drv, pic)
			settle(10 * time.Second)
			slips := dev.Slips()
			if err := shows(slips[len(slips)-1], pic); err != nil {
				t.Errorf("%s, paced %t: %v", p.Name, p.Paced, err)
			}
		})
	}
}

// TestTheRestOfAFailedSlipFalls: it must not hang there until somebody else's slip is
// printed.
func TestTheRestOfAFailedSlipFalls(t *testing.T) {
	for _, p := range []printer.Profile{printer.Full(), printer.Plain(), printer.Star()} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, p)
			settle(5 * time.Second)
			b.dev.FailAtByte(9000, printertest.Jam)
			<-start(b.drv, picture(1, 300))
			b.dev.Repair()
			settle(time.Minute)
			if _, hangs := b.dev.Take(); hangs != nil {
				t.Errorf("%s: %d rows still hang in the mouth", p.Name, hangs.Height)
			}
		})
	}
}

// TestAWholeSlipIsNeverCalledFailed: the cable goes anywhere around the end.
func TestAWholeSlipIsNeverCalledFailed(t *testing.T) {
	for _, cutter := range []bool{true, false} {
		for extra := 0; extra < 120; extra += 3 * underrace.Stride(10) {
			synctest.Test(t, func(t *testing.T) {
				p := printer.Full()
				p.Cutter = cutter
				m := modelOf(p)
				m.Speed = printertest.HeadSpeed
				dev := printertest.NewModel(m)
				drv := run(t, dev, dev.Dial, p)
				<-start(drv, picture(5, 20))
				dev.Tear()
				dev.Forget()
				pic := picture(4, 400)
				dev.FailAtByte(len(raster(t, p, picture(4, 400)))+extra, printertest.Unplug)
				o := <-start(drv, pic)
				settle(2500 * time.Millisecond)
				slips := dev.Slips()
				if o == printer.Failed && len(slips) > 0 && shows(slips[len(slips)-1], pic) == nil {
					t.Errorf("cutter %t, byte %d after the body: failed", cutter, extra)
				}
			})
		}
	}
}

// silent takes the request for automatic status out of what is written.
type silent struct{ printer.Port }

func (n silent) Write(p []byte) (int, error) {
	return n.Port.Write(bytes.ReplaceAll(p, []byte{0x1d, 'a', 0x0e}, []byte{0x1d, 'a', 0}))
}

// TestAPrinterThatPushesNothing: it is asked, and the reason is awaited before a stop
// is believed.
func TestAPrinterThatPushesNothing(t *testing.T) {
	for f, want := range map[printertest.Fault]printer.Outcome{printertest.Overheat: printer.Printed, printertest.RunOut: printer.Failed} {
		synctest.Test(t, func(t *testing.T) {
			dev := printertest.NewModel(printertest.Epson())
			drv := run(t, dev, wrapped(dev, func(p printer.Port) printer.Port { return silent{p} }), printer.Full())
			dev.FailAtByte(9000, f)
			ended := make(chan error, 1)
			var got printer.Outcome
			go func() {
				o, err := drv.Print(context.Background(), jobOf("a", picture(4, 400)))
				got = o
				ended <- err
			}()
			settle(3 * time.Second)
			dev.Set(func(s *printertest.State) { s.Hot = false })
			err := <-ended
			if got != want || want == printer.Failed && fault.CodeOf(err) != fault.PaperOut {
				t.Errorf("%s: %s, %v", f, got, err)
			}
		})
	}
}

// stale gives answers to markers that nobody asks for any more.
type stale struct {
	printer.Port
	n int
}

func (s *stale) Read(p []byte) (int, error) {
	if s.n > 0 {
		s.n--
		p[0] = 0
		return 1, nil
	}
	return s.Port.Read(p)
}

func TestStaleAnswersAreNotTakenForNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := modelOf(printer.Plain())
		m.Speed = 300
		dev := printertest.NewModel(m)
		drv := run(t, dev, wrapped(dev, func(p printer.Port) printer.Port { return &stale{p, 2} }), printer.Plain())
		<-start(drv, picture(3, 10))
		settle(5 * time.Second)
		o := <-start(drv, picture(1, 200))
		dev.Set(func(s *printertest.State) { s.Paper = printertest.PaperOut })
		settle(time.Second)
		if n := len(complete(dev)); n != 2 {
			t.Errorf("%s was said before the printer had worked off the slip", o)
		}
	})
}

// TestAPrinterBusyWithItsPast is not taken for one that answers nothing.
func TestAPrinterBusyWithItsPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := printertest.Epson()
		m.NoClear, m.Dots, m.Name, m.Speed = true, 384, "SLIP-58", printertest.HeadSpeed
		dev := printertest.NewModel(m)
		port, err := dev.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, port) }()
		thin := dots.New(384, 1500)
		for y := range 1500 {
			thin.Set(y%8, y)
		}
		if _, err := port.Write(raster(t, printer.Full(), thin)); err != nil {
			t.Fatal(err)
		}
		drv := found(t, dev, printer.Override{})
		settle(10 * time.Second)
		if f := drv.Facts(); f.Profile.Dots != 384 || !f.Profile.Completion {
			t.Errorf("%+v", f.Profile)
		}
	})
}

// TestADefectInDrawingEndsOneSlip, and nothing else.
func TestADefectInDrawingEndsOneSlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, printer.Full())
		o, err := b.drv.Print(t.Context(), printer.Job{ID: "a", Draw: func(printer.Profile) iter.Seq2[printer.Piece, error] {
			return func(func(printer.Piece, error) bool) { panic("defect") }
		}})
		if o != printer.Failed || fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s, %v", o, err)
		}
		if o := <-start(b.drv, picture(1, 60)); o != printer.Printed {
			t.Errorf("the next one: %s", o)
		}
	})
}

// TestAStarIsSpokenToInItsLanguage, whatever is configured.
func TestAStarIsSpokenToInItsLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yes := true
		dev := printertest.NewModel(printertest.Star())
		drv := found(t, dev, printer.Override{QR: &yes, Kanji: &yes, Text: true})
		settle(10 * time.Second)
		if p := drv.Facts().Profile; p.QR || p.Kanji || p.Text {
			t.Errorf("%+v", p)
		}
	})
}
