package slip_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/catalogue"
	"kioskd/internal/flow"
	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/lang"
	"kioskd/internal/secret"
	"kioskd/internal/slip"
	"kioskd/internal/slip/sliptest"
	"kioskd/internal/underrace"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shop is a catalogue of its own, so that the pictures only change with the layout.
var shop = &catalogue.Catalogue{Version: "test", Services: []catalogue.Service{{
	ID:     "hinode",
	Name:   catalogue.Text{"ja": "ひのでカード(WAON一体型)", "en": "Hinode Card (with WAON)"},
	Grants: catalogue.OnPurchase,
	IDField: catalogue.Field{
		Label:  catalogue.Text{"ja": "決済サービスID", "en": "Payment service ID"},
		Groups: []int{4, 4, 4, 4},
	},
	CodeFields: []catalogue.Field{{
		Label:  catalogue.Text{"ja": "セキュリティコード", "en": "Security code"},
		Groups: []int{3, 3},
	}},
	Ask: catalogue.Text{
		"ja": "ひのでカード ヘルプデスク 0120-000-001(例・9時〜17時)",
		"en": "Hinode Card help desk 0120-000-001 (example, 9:00–17:00)",
	},
}}}

var at = time.Date(2026, 11, 23, 6, 4, 0, 0, time.UTC)

type sample struct {
	name    string
	slip    flow.Slip
	reprint bool
	code    string // what a reader must find
}

func samples(lang string) []sample {
	return []sample{
		{"issuance", flow.Slip{
			Kind: flow.SlipIssuance, Lang: lang, At: at, Service: "hinode", ServiceID: "6900123456780042",
			Codes: []flow.Code{secret.New([]byte("048213"))},
		}, false, "6900123456780042"},
		{"reservation", flow.Slip{
			Kind: flow.SlipReservation, Lang: lang, At: at, Number: "K7F3-92QX-4", MyKeyID: "MK7D2Q4X",
		}, false, "K7F3-92QX-4"},
		{"reservation-queued", flow.Slip{
			Kind: flow.SlipReservation, Lang: lang, At: at, Number: "K7F3-92QX-4", Queued: true,
		}, false, "K7F3-92QX-4"},
		{"application", flow.Slip{
			Kind: flow.SlipApplication, Lang: lang, At: at, Number: "0WMB-7H3T-9", Service: "hinode",
		}, false, "0WMB-7H3T-9"},
		{"application-reprint", flow.Slip{
			Kind: flow.SlipApplication, Lang: lang, At: at, Number: "0WMB-7H3T-9", Service: "hinode",
			Queued: true, Guardian: true,
		}, true, "0WMB-7H3T-9"},
	}
}

var maker = sync.OnceValues(func() (*slip.Maker, error) {
	texts, err := lang.Load()
	if err != nil {
		return nil, err
	}
	return slip.New(shop, texts, slip.Place{Store: "ひので商店 渋谷店", Kiosk: "SB-02", Phone: "03-0000-0001"})
})

func newMaker(t testing.TB) *slip.Maker {
	t.Helper()
	m, err := maker()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// way is a printer that makes slips look its own way.
type way struct {
	name  string // ends the name of the picture
	shape func(*printer.Profile)
}

// ways are the three ways in which a slip comes out.
func ways() []way {
	return []way{
		{"", func(p *printer.Profile) { p.QR = false }},
		{"-native", func(*printer.Profile) {}},
		{"-typed", func(p *printer.Profile) { p.Text = true }},
	}
}

// each calls f for every slip, language, width and way.
func each(t *testing.T, f func(t *testing.T, name string, s sample, p printer.Profile)) {
	for _, l := range []string{"ja", "en"} {
		for _, s := range samples(l) {
			for _, dots := range []int{576, 384} {
				for _, w := range ways() {
					name := fmt.Sprintf("%s-%s-%d%s", s.name, l, dots, w.name)
					p := printer.Full()
					p.Dots = dots
					w.shape(&p)
					t.Run(name, func(t *testing.T) { f(t, name, s, p) })
				}
			}
		}
	}
}

// printed is what lies in the tray of a virtual printer, without the white at its end.
func printed(t *testing.T, p printer.Profile, draw printer.Drawing) *dots.Bitmap {
	t.Helper()
	var out *dots.Bitmap
	rom := theROM(t)
	synctest.Test(t, func(t *testing.T) {
		dev := printertest.New(p.Dots)
		dev.UseROM(rom)
		defer dev.Close()
		drv := printer.New(dev.Dial, p, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = drv.Run(ctx) }()
		if outcome, err := drv.Print(ctx, printer.Job{ID: "test", Draw: draw}); outcome != printer.Printed {
			t.Fatalf("outcome %s, %v", outcome, err)
		}
		slips := dev.Slips()
		if len(slips) != 1 || !slips[0].Complete || dev.Strays() != 0 {
			t.Fatalf("%d slips, %d stray bytes", len(slips), dev.Strays())
		}
		out = slips[0].Bitmap
	})
	for out.Height > 0 && out.Extent(out.Height-1) == 0 {
		out = out.Rows(0, out.Height-1)
	}
	return out
}

var rom = sync.OnceValues(sliptest.NewROM)

func theROM(t testing.TB) *sliptest.ROM {
	t.Helper()
	r, err := rom()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// unraced is for tests in which one goroutine draws: `make test` runs them without the
// race detector, which finds nothing there and takes ten times as long.
func unraced(t *testing.T) {
	t.Helper()
	if underrace.On {
		t.Skip("one goroutine draws: `make test` runs it without the race detector")
	}
}

func TestGolden(t *testing.T) {
	unraced(t)
	m := newMaker(t)
	each(t, func(t *testing.T, name string, s sample, p printer.Profile) {
		golden(t, name+".png", printed(t, p, m.Draw(s.slip, s.reprint)))
	})
}

// golden compares what was printed with what the file shows.
func golden(t *testing.T, name string, got *dots.Bitmap) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		packed, err := printertest.PNG(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, packed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update)", err)
	}
	want, err := decodePNG(packed)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want) {
		t.Errorf("%s differs; look at it, then run the test with -update", name)
	}
}

// decodePNG gives the dots of a picture.
func decodePNG(b []byte) (*dots.Bitmap, error) {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	pal, ok := img.(*image.Paletted)
	if !ok {
		return nil, fmt.Errorf("cannot compare a %T", img)
	}
	out := dots.New(pal.Rect.Dx(), pal.Rect.Dy())
	for i, p := range pal.Pix {
		if p == 1 {
			out.Set(i%pal.Stride, i/pal.Stride)
		}
	}
	return out, nil
}

// TestPiecesAreThePicture: what comes out of the printer is what was drawn, but for
// the dots that keep real-time commands out of it.
func TestPiecesAreThePicture(t *testing.T) {
	m := newMaker(t)
	each(t, func(t *testing.T, _ string, s sample, p printer.Profile) {
		if p.QR || p.Text {
			return
		}
		var drawn []byte
		for piece, err := range m.Draw(s.slip, s.reprint)(p) {
			if err != nil {
				t.Fatal(err)
			}
			drawn = append(drawn, piece.(printer.Picture).Bits...)
		}
		out, more := printed(t, p, m.Draw(s.slip, s.reprint)), 0
		for i, b := range out.Bits {
			if b&drawn[i] != drawn[i] {
				t.Fatalf("byte %d lost ink", i)
			}
			more += bits.OnesCount8(b &^ drawn[i])
		}
		if more > 40 {
			t.Errorf("%d dots were added", more)
		}
	})
}

// TestALeftSlipIsWiped: whoever stops taking pieces leaves nothing behind, and is
// not told of an error.
func TestALeftSlipIsWiped(t *testing.T) {
	m := newMaker(t)
	for _, w := range ways() {
		p := printer.Full()
		w.shape(&p)
		var lent [][]byte
		n := 0
		for piece, err := range m.Draw(samples("ja")[0].slip, false)(p) {
			if err != nil {
				t.Fatal(err)
			}
			switch piece := piece.(type) {
			case printer.Picture:
				lent = append(lent, piece.Bits)
			case printer.Line:
				lent = append(lent, piece.Spans[0].Text)
			}
			if n++; n == 5 {
				break
			}
		}
		if n != 5 {
			t.Fatalf("%d pieces", n)
		}
		for _, b := range lent {
			if strings.Trim(string(b), "\x00") != "" {
				t.Errorf("%q: a piece was not wiped", w.name)
			}
		}
	}
}

// TestQRCode lets a reader that shares no code with us look at every slip.
func TestQRCode(t *testing.T) {
	unraced(t)
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Fatal("zbarimg is missing: install zbar-tools (make deps)")
	}
	m := newMaker(t)
	each(t, func(t *testing.T, name string, s sample, p printer.Profile) {
		img, err := printertest.PNG(printed(t, p, m.Draw(s.slip, s.reprint)))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "slip.png")
		if err := os.WriteFile(path, img, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path).Output()
		if err != nil {
			t.Fatalf("the reader found nothing: %v", err)
		}
		if got := strings.TrimSpace(string(out)); got != s.code {
			t.Errorf("the reader found %q, want %q", got, s.code)
		}
	})
}

// TestEveryCharacterHasAGlyph holds the built-in faces against all texts of the slip.
func TestEveryCharacterHasAGlyph(t *testing.T) {
	texts, err := lang.Load()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString("0123456789ABCDEFGHJKMNPQRSTVWXYZ- 再発行髙﨑①㈱")
	for _, l := range []string{"ja", "en"} {
		for _, key := range texts.Keys(l) {
			if strings.HasPrefix(key, "slip.") {
				all.WriteString(texts.T(l, key))
			}
		}
		for _, s := range shipped.Services {
			all.WriteString(s.Name.In(l) + s.Ask.In(l) + s.IDField.Label.In(l))
			for _, f := range s.CodeFields {
				all.WriteString(f.Label.In(l))
			}
		}
	}
	if missing := slip.Missing(all.String()); missing != "" {
		t.Errorf("no glyph for %q", missing)
	}
}

// TestNothingIsCutOff: no ink touches the edge of the paper, and no letter is missing.
func TestNothingIsCutOff(t *testing.T) {
	unraced(t)
	m := newMaker(t)
	each(t, func(t *testing.T, _ string, s sample, p printer.Profile) {
		if p.Text { // letters begin at the edge: printers keep a margin
			typedFits(t, m, s, p)
			return
		}
		b := printed(t, p, m.Draw(s.slip, s.reprint))
		for y := range b.Height {
			for _, x := range []int{0, 1, 2, 3, p.Dots - 4, p.Dots - 3, p.Dots - 2, p.Dots - 1} {
				if b.Black(x, y) {
					t.Fatalf("ink at %d,%d", x, y)
				}
			}
		}
	})
}

// typedFits: no line is wider than the paper, which would break it anywhere.
func typedFits(t *testing.T, m *slip.Maker, s sample, p printer.Profile) {
	t.Helper()
	for piece, err := range m.Draw(s.slip, s.reprint)(p) {
		if err != nil {
			t.Fatal(err)
		}
		line, ok := piece.(printer.Line)
		if !ok {
			continue
		}
		w := 0
		for _, span := range line.Spans {
			w += len(span.Text) * max(span.Size, 1) * 12
		}
		if w > p.Dots {
			t.Errorf("a line of %d dots on %d: %v", w, p.Dots, line.Spans)
		}
	}
}

// TestSecretsStayWithTheirOwner: drawing leaves the codes as they are, and the QR
// code of an issuance does not hold them (TestQRCode).
func TestSecretsStayWithTheirOwner(t *testing.T) {
	s := samples("ja")[0]
	for _, w := range ways() {
		p := printer.Full()
		w.shape(&p)
		if err := drawAll(newMaker(t), s.slip, p, false); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(s.slip.Codes[0].Bytes()); got != "048213" {
		t.Errorf("the code is now %q", got)
	}
}

// drawAll draws a slip for nobody.
func drawAll(m *slip.Maker, s flow.Slip, p printer.Profile, reprint bool) error {
	for _, err := range m.Draw(s, reprint)(p) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestOddSlips(t *testing.T) {
	m := newMaker(t)
	long := strings.Repeat("A1", 30)
	for name, s := range map[string]flow.Slip{
		"unknown service": {Kind: flow.SlipApplication, Lang: "ja", At: at, Number: "0WMB-7H3T-9", Service: "gone"},
		"other language":  {Kind: flow.SlipReservation, Lang: "vi", At: at, Number: "0WMB-7H3T-9"},
		"more codes than fields": {
			Kind: flow.SlipIssuance, Lang: "en", At: at, Service: "hinode", ServiceID: long,
			Codes: []flow.Code{secret.New([]byte("1")), secret.New([]byte(long)), secret.New(nil)},
		},
	} {
		for _, w := range ways() {
			p := printer.Full()
			p.Dots = 384
			w.shape(&p)
			if err := drawAll(m, s, p, true); err != nil {
				t.Errorf("%s%s: %v", name, w.name, err)
			}
		}
	}
	for name, s := range map[string]flow.Slip{"none": {}, "foreign": {Kind: "letter"}} {
		if err := drawAll(m, s, printer.Full(), false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, dots := range []int{0, 100, 2000} {
		p := printer.Full()
		p.Dots = dots
		if err := drawAll(m, samples("ja")[1].slip, p, false); !errors.Is(err, slip.ErrWidth) {
			t.Errorf("%d dots: %v", dots, err)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	m := newMaker(b)
	for _, w := range ways() {
		p := printer.Full()
		w.shape(&p)
		for _, s := range samples("ja") {
			b.Run(s.name+w.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := drawAll(m, s.slip, p, s.reprint); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
