package slip_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/slip"
)

// trials are the shapes in which a test slip is looked at.
func trials() map[string]printer.Profile {
	all := map[string]printer.Profile{}
	for _, name := range []string{"drawn", "native", "typed"} {
		p := printer.Full()
		p.QR, p.Text = name != "drawn", name == "typed"
		all[name+"-576"] = p
		p.Dots = 384
		all[name+"-384"] = p
	}
	return all
}

func aTrial() slip.Trial {
	return slip.Trial{At: at, Printer: "EPSON TM-m30II, firmware 1.00", Line: "the first free USB printer"}
}

// The test slip is what lies in testdata, and an independent reader finds each code
// that the profile has.
func TestTrial(t *testing.T) {
	unraced(t)
	m := newMaker(t)
	for name, p := range trials() {
		t.Run(name, func(t *testing.T) {
			got := printed(t, p, m.Test(aTrial()))
			golden(t, "trial-"+name+".png", got)
			codes := "kioskd test slip: drawn"
			if p.QR {
				codes = "kioskd test slip: by the printer\n" + codes
			}
			if found := scan(t, got); found != codes {
				t.Errorf("the reader found %q, want %q", found, codes)
			}
		})
	}
}

// scan gives the contents of the codes, in the order in which zbar tells them.
func scan(t *testing.T, b *dots.Bitmap) string {
	t.Helper()
	img, err := printertest.PNG(b)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "slip.png")
	if err := os.WriteFile(path, img, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path).Output()
	if err != nil {
		t.Fatalf("the reader found nothing (zbarimg is of zbar-tools, make deps): %v", err)
	}
	return strings.TrimSpace(string(out))
}

// The ruler reaches both edges of every paper, and nothing is drawn outside.
func TestTrialReachesTheEdges(t *testing.T) {
	m := newMaker(t)
	for _, width := range []int{384, 512, 576, 640, 832} {
		p := printer.Plain()
		p.Dots = width
		left, right := 0, 0
		for piece, err := range m.Test(aTrial())(p) {
			if err != nil {
				t.Fatal(err)
			}
			b := piece.(printer.Picture).Bitmap
			if b.Width != width {
				t.Fatalf("%d dots wide, want %d", b.Width, width)
			}
			for y := range b.Height {
				if b.Black(0, y) {
					left++
				}
				if b.Black(width-1, y) {
					right++
				}
			}
		}
		// The tip, the line with its tick, and the bar at the end.
		if want := 1 + 26 + 24; left != want || right != want {
			t.Errorf("%d dots: %d rows reach the left edge and %d the right one, want %d", width, left, right, want)
		}
	}
}

func TestTrialRefusesWrongPaper(t *testing.T) {
	p := printer.Plain()
	p.Dots = 200
	for _, err := range newMaker(t).Test(aTrial())(p) {
		if !errors.Is(err, slip.ErrWidth) {
			t.Errorf("%v, want ErrWidth", err)
		}
	}
	n := 0
	for range newMaker(t).Test(aTrial())(printer.Plain()) { // left off
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d pieces", n)
	}
}

// Every character of a test slip has a glyph.
func TestTrialHasGlyphs(t *testing.T) {
	var all strings.Builder
	for c := ' '; c <= '~'; c++ {
		all.WriteRune(c)
	}
	if missing := slip.Missing(all.String()); missing != "" {
		t.Errorf("the faces lack %q", missing)
	}
}
