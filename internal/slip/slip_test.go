package slip_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
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
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/lang"
	"kioskd/internal/secret"
	"kioskd/internal/slip"
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
	return slip.New(shop, texts, slip.Place{Store: "ひので商店 渋谷店", Kiosk: "SB-02"})
})

func newMaker(t testing.TB) *slip.Maker {
	t.Helper()
	m, err := maker()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// each calls f for every slip, language and width.
func each(t *testing.T, f func(t *testing.T, name string, s sample, dots int)) {
	for _, l := range []string{"ja", "en"} {
		for _, s := range samples(l) {
			for _, dots := range []int{576, 384} {
				name := fmt.Sprintf("%s-%s-%d", s.name, l, dots)
				t.Run(name, func(t *testing.T) { f(t, name, s, dots) })
			}
		}
	}
}

func TestGolden(t *testing.T) {
	m := newMaker(t)
	each(t, func(t *testing.T, name string, s sample, dots int) {
		picture, err := m.Render(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".png", picture.Bits, func() ([]byte, error) { return printertest.PNG(picture) }, decodePNG)
		if dots != 576 {
			return
		}
		data, err := m.Encode(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".escpos.gz", data, func() ([]byte, error) { return zip(data) }, unzip)
	})
}

// golden compares what was made with what the file holds. The file is packed.
func golden(t *testing.T, name string, got []byte, pack func() ([]byte, error), open func([]byte) ([]byte, error)) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		packed, err := pack()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("testdata", 0o755); err != nil {
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
	want, err := open(packed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it, then run the test with -update", name)
	}
}

// decodePNG gives the dots of a picture, packed as in a bitmap.
func decodePNG(b []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	dots, ok := img.(*image.Paletted)
	if !ok {
		return nil, fmt.Errorf("cannot compare a %T", img)
	}
	out := escpos.NewBitmap(dots.Rect.Dx(), dots.Rect.Dy())
	for i, p := range dots.Pix {
		if p == 1 {
			out.Set(i%dots.Stride, i/dots.Stride)
		}
	}
	return out.Bits, nil
}

func zip(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func unzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestThroughThePrinter sends every slip through driver and virtual printer. What
// lies in the tray must be what was drawn.
func TestThroughThePrinter(t *testing.T) {
	m := newMaker(t)
	each(t, func(t *testing.T, name string, s sample, dots int) {
		want, err := m.Render(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		data, err := m.Encode(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			dev := printertest.New(dots)
			defer dev.Close()
			profile := printer.Full
			profile.Dots = dots
			drv := printer.New(dev.Dial, profile, slog.New(slog.DiscardHandler))
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() { _ = drv.Run(ctx) }()
			if outcome, err := drv.Print(ctx, printer.Job{ID: name, Data: data}); outcome != printer.Printed {
				t.Fatalf("outcome %s, %v", outcome, err)
			}
			slips := dev.Slips()
			if len(slips) != 1 || !slips[0].Complete {
				t.Fatalf("%d slips", len(slips))
			}
			got := slips[0].Bitmap
			if !bytes.Equal(got.Bits[:len(want.Bits)], want.Bits) {
				t.Error("the printed slip is not what was drawn")
			}
			if bytes.ContainsFunc(got.Bits[len(want.Bits):], func(r rune) bool { return r != 0 }) {
				t.Error("ink after the slip")
			}
		})
	})
}

// TestQRCode lets a reader that shares no code with us look at every slip.
func TestQRCode(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Fatal("zbarimg is missing: install zbar-tools (make deps)")
	}
	m := newMaker(t)
	each(t, func(t *testing.T, name string, s sample, dots int) {
		picture, err := m.Render(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		img, err := printertest.PNG(picture)
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

// TestNothingIsCutOff: no ink touches the edge of the paper.
func TestNothingIsCutOff(t *testing.T) {
	m := newMaker(t)
	each(t, func(t *testing.T, _ string, s sample, dots int) {
		b, err := m.Render(s.slip, dots, s.reprint)
		if err != nil {
			t.Fatal(err)
		}
		for y := range b.Height {
			for _, x := range []int{0, 1, 2, 3, dots - 4, dots - 3, dots - 2, dots - 1} {
				if b.Black(x, y) {
					t.Fatalf("ink at %d,%d", x, y)
				}
			}
		}
	})
}

// TestSecretsStayWithTheirOwner: drawing leaves the codes as they are, and the QR
// code of an issuance does not hold them (TestQRCode).
func TestSecretsStayWithTheirOwner(t *testing.T) {
	s := samples("ja")[0]
	if _, err := newMaker(t).Encode(s.slip, 576, false); err != nil {
		t.Fatal(err)
	}
	if got := string(s.slip.Codes[0].Bytes()); got != "048213" {
		t.Errorf("the code is now %q", got)
	}
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
		if _, err := m.Encode(s, 384, true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]flow.Slip{"none": {}, "foreign": {Kind: "letter"}} {
		if _, err := m.Encode(s, 576, false); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, dots := range []int{0, 100, 2000} {
		if _, err := m.Encode(samples("ja")[1].slip, dots, false); err == nil {
			t.Errorf("%d dots: no error", dots)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m := newMaker(b)
	for _, s := range samples("ja") {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, err := m.Encode(s.slip, 576, s.reprint)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(data)))
			}
		})
	}
}
