package main

import (
	"context"
	"errors"
	"io"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer"
	"kioskd/internal/lang"
	"kioskd/internal/slip"
)

// What the slip has to keep to.
const (
	limitSlip  = 15.0 // ms, drawn and encoded whole
	limitBand  = 3.0  // ms, until the first command with dots is handed over
	limitPeer  = 0.2  // of the peer's time: five times faster
	limitNaive = 0.6  // of the bytes of a picture without any thought
	slipWarm   = 30   // rounds
	slipRounds = 40
	slipTexts  = 10 // typed slips a round: they are too quick for one at a time
)

// typical is the slip of the bench.
func typical() flow.Slip {
	return flow.Slip{
		Kind: flow.SlipApplication, Lang: "ja", Number: "0WMB-7H3T-9", Service: "aeon-card-waon",
		At: time.Date(2026, time.November, 23, 6, 4, 0, 0, time.UTC),
	}
}

// ways are how it is made: drawn whole, drawn but for the code, typed, and typed with
// a drawn code, which is what receiptline does.
func ways() (drawn, native, typed, mixed printer.Profile) {
	drawn, native, typed, mixed = printer.Full(), printer.Full(), printer.Full(), printer.Full()
	typed.Text, mixed.Text = true, true
	drawn.QR, mixed.QR = false, false
	return drawn, native, typed, mixed
}

// contest is who takes turns.
type contest struct {
	drawn, native, typed, mixed *press

	peer  *peer
	cold  time.Duration // our very first one
	naive int           // bytes
}

// slips measures the typical slip through the real driver on a line that takes
// everything at once and answers at once: drawing, encoding, pacing and all questions
// are in the time, the printer is not. Ours and the peers take turns, so that the
// noise of the machine meets all of them alike.
func slips(ctx context.Context, out io.Writer, script string) (err error) {
	texts, err := lang.Load()
	if err != nil {
		return err
	}
	shipped, err := catalogue.Load()
	if err != nil {
		return err
	}
	maker, err := slip.New(shipped, texts, slip.Place{Store: "ひので商店 渋谷店", Phone: "03-0000-0001"})
	if err != nil {
		return err
	}
	draw := maker.Draw(typical(), false)
	drawn, native, typed, mixed := ways()
	c := contest{
		drawn: newPress(ctx, drawn, draw), native: newPress(ctx, native, draw),
		typed: newPress(ctx, typed, draw), mixed: newPress(ctx, mixed, draw),
	}
	defer func() {
		for _, p := range c.presses() {
			err = errors.Join(err, p.end())
		}
	}()
	if err := c.drawn.run(ctx); err != nil {
		return err
	}
	c.cold = c.drawn.whole[0]
	if c.naive, err = naiveBytes(draw, drawn); err != nil {
		return err
	}
	same, err := markdown(draw, typed)
	if err != nil {
		return err
	}
	if c.peer, err = startPeer(ctx, script, same); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.peer.end()) }()
	for i := range slipWarm + slipRounds {
		if i == slipWarm {
			c.forget()
		}
		if err := c.round(ctx); err != nil {
			return err
		}
	}
	c.times(out)
	c.sizes(out)
	return nil
}

func (c *contest) presses() []*press { return []*press{c.drawn, c.native, c.typed, c.mixed} }

func (c *contest) forget() {
	for _, p := range c.presses() {
		p.forget()
	}
	c.peer.forget()
}

// round is everybody's turn.
func (c *contest) round(ctx context.Context) error {
	ours := func(p *press) func() error { return func() error { return p.run(ctx) } }
	theirs := func(way string) func() error { return func() error { return c.peer.run(way) } }
	for _, turn := range []struct {
		times int
		run   func() error
	}{
		{1, ours(c.drawn)}, {1, theirs("raster")}, {1, ours(c.native)},
		{slipTexts, ours(c.typed)}, {slipTexts, theirs("text")}, {slipTexts, ours(c.mixed)},
	} {
		for range turn.times {
			if err := turn.run(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *contest) times(out io.Writer) {
	drawn, raster := median(c.drawn.whole), median(c.peer.took["raster"])
	report(out, "slip_raster", drawn, limitSlip, "ms", within())
	report(out, "slip_raster_first_ever", median([]time.Duration{c.cold}), limitSlip, "ms", within())
	report(out, "slip_raster_first_band", median(c.drawn.band), limitBand, "ms", within())
	report(out, "slip_raster_beside_receiptio", drawn, raster, "ms")
	report(out, "slip_raster_share_of_receiptio", drawn/raster, limitPeer, "share", within())
	report(out, "slip_raster_native_qr", median(c.native.whole), limitSlip, "ms", within())
	typed, mixed, text := median(c.typed.whole), median(c.mixed.whole), median(c.peer.took["text"])
	report(out, "slip_typed", typed, limitSlip, "ms", within())
	report(out, "slip_typed_beside_receiptline", typed, text, "ms")
	report(out, "slip_typed_share_of_receiptline", typed/text, limitPeer, "share", within())
	report(out, "slip_typed_drawn_qr_beside_receiptline", mixed, text, "ms")
}

func (c *contest) sizes(out io.Writer) {
	naive, raster, text := float64(c.naive), float64(c.peer.bytes["raster"]), float64(c.peer.bytes["text"])
	drawn, native := float64(c.drawn.bytes), float64(c.native.bytes)
	report(out, "slip_raster_bytes", drawn, naive, "B")
	report(out, "slip_raster_bytes_share_of_naive", drawn/naive, limitNaive, "share", within())
	report(out, "slip_native_qr_bytes", native, naive, "B")
	report(out, "slip_native_qr_bytes_share_of_naive", native/naive, limitNaive, "share", within())
	report(out, "slip_raster_bytes_beside_receiptio", drawn, raster, "B")
	report(out, "slip_typed_bytes_beside_receiptline", float64(c.typed.bytes), text, "B")
	report(out, "slip_typed_drawn_qr_bytes_beside_receiptline", float64(c.mixed.bytes), text, "B")
}

// naiveBytes is what the drawn slip takes as whole rows, 255 to a command.
func naiveBytes(draw printer.Drawing, p printer.Profile) (int, error) {
	rows, stride := 0, 0
	for piece, err := range draw(p) {
		if err != nil {
			return 0, err
		}
		if picture, ok := piece.(printer.Picture); ok {
			rows, stride = rows+picture.Height, picture.Stride
		}
	}
	return rows*stride + (rows+254)/255*8, nil
}
