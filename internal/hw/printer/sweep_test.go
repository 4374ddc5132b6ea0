package printer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/fault"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/hw/printer/starprnt"
	"kioskd/internal/underrace"
)

// picture draws something that differs in every row, full of single dots that
// would be real-time commands if the encoder let them through.
func picture(seed uint64, rows int) *dots.Bitmap {
	r := rand.New(rand.NewPCG(seed, 7))
	b := dots.New(576, rows)
	tricky := []byte{0x10, 0x04, 0x05, 0x14, 0x01, 0x02, 0xFF, 0x1D, 0x1B}
	for i := range b.Bits {
		b.Bits[i] = tricky[r.IntN(len(tricky))]
	}
	return b
}

// jobOf draws b in bands of 50 rows.
func jobOf(id string, b *dots.Bitmap) printer.Job {
	var bands []printer.Piece
	for y := 0; y < b.Height; y += 50 {
		bands = append(bands, printer.Picture{Bitmap: b.Rows(y, min(50, b.Height-y))})
	}
	return printer.Job{ID: id, Draw: only(bands...)}
}

// raster is b as the commands of p's language; b is defused.
func raster(t *testing.T, p printer.Profile, b *dots.Bitmap) []byte {
	t.Helper()
	var out []byte
	emit := func(c []byte) error { out = append(out, c...); return nil }
	draw := escpos.Raster
	if p.Language == printer.StarPRNT {
		draw = starprnt.Raster
	}
	for y := 0; y < b.Height; y += 50 {
		if err := draw(b.Rows(y, min(50, b.Height-y)), 1984, emit); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// modelOf is a printer of the least that p asks for.
func modelOf(p printer.Profile) printertest.Model {
	m := printertest.Epson()
	if p.Language == printer.StarPRNT {
		m = printertest.Star()
	}
	m.Dumb, m.NoMarker, m.NoComplete, m.NoClear, m.NoCutter = !p.Status, !p.Paced, !p.Completion, !p.Clear, !p.Cutter
	return m
}

// bench is a driver on a virtual printer, inside a synctest bubble.
type bench struct {
	dev *printertest.Printer
	drv *printer.Driver
}

func newBench(t *testing.T, profile printer.Profile) *bench {
	t.Helper()
	dev := printertest.NewModel(modelOf(profile))
	drv := printer.New(dev.Dial, profile, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- drv.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v, want context.Canceled", err)
		}
		dev.Close()
	})
	synctest.Wait()
	return &bench{dev, drv}
}

func complete(dev *printertest.Printer) (whole []printertest.Slip) {
	for _, s := range dev.Slips() {
		if s.Complete {
			whole = append(whole, s)
		}
	}
	return whole
}

// ink counts the rows on all paper that carry ink.
func ink(dev *printertest.Printer) (rows int) {
	for _, s := range dev.Slips() {
		for y := range s.Bitmap.Height {
			if bytes.Trim(s.Bitmap.Row(y), "\x00") != nil {
				rows++
			}
		}
	}
	return rows
}

// shows holds a slip against the picture it was made from.
func shows(s printertest.Slip, want *dots.Bitmap) error {
	if s.Bitmap.Height < want.Height {
		return fmt.Errorf("slip has %d rows, want at least %d", s.Bitmap.Height, want.Height)
	}
	for i, b := range want.Bits {
		if s.Bitmap.Bits[i] != b {
			return fmt.Errorf("slip differs at row %d", i/want.Stride)
		}
	}
	for _, b := range s.Bitmap.Bits[len(want.Bits):] {
		if b != 0 {
			return errors.New("slip carries ink after its picture")
		}
	}
	return nil
}

// TestFaultSweep lets each fault happen at every percent of a slip. Whatever the
// driver says must be true on the paper, and the next slip must be clean.
func TestFaultSweep(t *testing.T) {
	for _, profile := range []printer.Profile{printer.Full(), printer.Plain(), printer.Star()} {
		for f, code := range struck() {
			t.Run(profile.Name+"/"+string(f), func(t *testing.T) {
				t.Parallel()
				const rows = 120
				// The cut (4 bytes), GS ( H (11) and their like follow the body; beyond them
				// the job is over.
				body := len(raster(t, profile, picture(1, rows)))
				count := map[printer.Outcome]int{}
				points := []int{body + 1, body + 3, body + 6, body + 9, body + 12, body + 14}
				for percent := 0; percent <= 100; percent += underrace.Stride(25) {
					points = append(points, max(1, body*percent/100))
				}
				for _, at := range points {
					synctest.Test(t, func(t *testing.T) {
						count[strike(t, profile, f, code, at, rows, body)]++
					})
				}
				if count[printer.Failed] < len(points)/3 {
					t.Errorf("only %d of %d faults were judged as failed: %v", count[printer.Failed], len(points), count)
				}
			})
		}
	}
}

// struck are the faults that end a slip, and as what they are told.
func struck() map[printertest.Fault]fault.Code {
	return map[printertest.Fault]fault.Code{
		printertest.RunOut: fault.PaperOut, printertest.OpenCover: fault.CoverOpen, printertest.Jam: fault.CutterJam,
		printertest.PowerOff: fault.PrinterGone, printertest.Unplug: fault.PrinterGone,
		printertest.GoOffline: fault.PrinterFailed, printertest.Mute: fault.PrinterFailed,
	}
}

func strike(t *testing.T, profile printer.Profile, f printertest.Fault, code fault.Code, at, rows, body int) printer.Outcome {
	t.Helper()
	b := newBench(t, profile)
	first, second := picture(1, rows), picture(2, rows)
	b.dev.FailAtByte(at, f)

	began := time.Now()
	outcome, err := b.drv.Print(t.Context(), jobOf("first", first))
	l := printer.DefaultLimits()
	if took := time.Since(began); took > l.Accept+l.Band+l.Finish+l.Clear {
		t.Errorf("byte %d: Print took %v", at, took)
	}
	whole := complete(b.dev)
	switch outcome {
	case printer.Printed, printer.Unconfirmed:
		if err != nil || len(whole) != 1 {
			t.Fatalf("byte %d: %s with error %v and %d whole slips", at, outcome, err, len(whole))
		}
		if err := shows(whole[0], first); err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
	case printer.Failed:
		if len(whole) != 0 {
			t.Fatalf("byte %d: failed, but a whole slip came out", at)
		}
		if got := fault.CodeOf(err); got != code {
			t.Fatalf("byte %d: code %s, want %s", at, got, code)
		}
	case printer.Lost:
		// Two chunks of 2 kB are on their way: from there on all may have been handed over.
		if at < body-2*1984 {
			t.Fatalf("byte %d of %d: unknown, but the last part had not been sent", at, body)
		}
		if got := fault.CodeOf(err); got != fault.SlipUnknown {
			t.Fatalf("byte %d: code %s, want %s", at, got, fault.SlipUnknown)
		}
	}

	inked := ink(b.dev)
	b.dev.Repair()
	recovery := time.NewTimer(5 * time.Second)
	<-recovery.C
	synctest.Wait()
	// The rest of the slip must not come out by itself. A printer that cannot
	// drop its buffer still holds what was on its way: two bands at most.
	// A command that the cable cut in two is filled up by what comes next.
	spill := 0
	switch {
	case !profile.Clear:
		spill = 56
	case f == printertest.Unplug:
		spill = 6
	}
	if more := ink(b.dev) - inked; more > spill {
		t.Fatalf("byte %d: %d more rows came out after the repair, at most %d may", at, more, spill)
	}
	// One whose cut was on its way may, where nothing can be dropped or the cable left
	// half a cut: that it is unknown is the truth.
	before := len(complete(b.dev))
	if before != len(whole) && (outcome != printer.Lost || profile.Clear && f != printertest.Unplug) {
		t.Fatalf("byte %d: a slip judged %s came out by itself after the repair", at, outcome)
	}
	if outcome, err := b.drv.Print(t.Context(), jobOf("second", second)); err != nil {
		t.Fatalf("byte %d: next job: %s, %v", at, outcome, err)
	}
	whole = complete(b.dev)
	if len(whole) != before+1 {
		t.Fatalf("byte %d: next job left %d whole slips, want %d", at, len(whole), before+1)
	}
	if err := shows(whole[len(whole)-1], second); err != nil {
		t.Fatalf("byte %d: next job: %v", at, err)
	}
	if n := b.dev.Strays(); n > 16 || n > 0 && f != printertest.Unplug {
		t.Fatalf("byte %d: printer saw %d stray bytes", at, n)
	}
	return outcome
}
