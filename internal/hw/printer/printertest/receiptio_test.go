package printertest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/printertest"
)

// receiptio (npm, Apache-2.0) is a print client that nobody here wrote. It asks a
// printer for its state, in ESC/POS and in StarPRNT, and prints: what it says of the
// virtual printer is how far that one behaves like a real one.

// patience bounds one run of receiptio: its longest way is 12 s.
const patience = 30 * time.Second

// receiptio runs it against a printer at host, port 9100, which it cannot change.
// word is what it says of it.
func receiptio(t *testing.T, host, document string, args ...string) (word string, code int) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: install Node.js (make deps)")
	}
	cli := filepath.Join("..", "..", "..", "..", "e2e", "node_modules", "receiptio", "bin", "cli.js")
	if _, err := os.Stat(cli); err != nil {
		t.Fatal("receiptio is missing: run make e2e/node_modules/.stamp")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{cli, "-d", host}, args...)...)
	cmd.Stdin = strings.NewReader(document)
	var says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &says, &says
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("receiptio: %v, %v: %s", err, ctx.Err(), says.String())
	}
	return strings.TrimSpace(says.String()), cmd.ProcessState.ExitCode()
}

// serve lets p be reached at host until the test ends; hangUp ends it before.
func serve(t *testing.T, p *printertest.Printer, host string) (hangUp func()) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(host, "9100"))
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { _ = p.Listen(l) }) // ends with the listener
	hangUp = sync.OnceFunc(func() { _ = l.Close(); served.Wait() })
	t.Cleanup(func() { hangUp(); p.Close() })
	return hangUp
}

func TestReceiptioReadsTheState(t *testing.T) {
	paperOut := func(s *printertest.State) { s.Paper = printertest.PaperOut }
	cover := func(s *printertest.State) { s.Cover = true }
	jam := func(s *printertest.State) { s.Cutter = true }
	mute := func(s *printertest.State) { s.Mute = true }
	epson, star := printertest.Epson(), printertest.Star()
	for _, tt := range []struct {
		name, host string
		model      printertest.Model
		change     func(*printertest.State)
		language   string // "": it has to find out
		word       string
		code       int
	}{
		{"epson", "127.0.0.40", epson, nil, "escpos", "online", 100},
		{"epson, cover", "127.0.0.41", epson, cover, "escpos", "coveropen", 101},
		{"epson, paper", "127.0.0.42", epson, paperOut, "escpos", "paperempty", 102},
		{"epson, cutter", "127.0.0.43", epson, jam, "escpos", "error", 103},
		{"epson, mute", "127.0.0.56", epson, mute, "escpos", "offline", 104}, // it gives up after 12 s
		{"epson, found", "127.0.0.44", epson, nil, "", "online", 100},
		{"clone", "127.0.0.45", printertest.Clone(), cover, "", "coveropen", 101},
		{"star", "127.0.0.46", star, nil, "star", "online", 100},
		{"star, cover", "127.0.0.47", star, cover, "star", "coveropen", 101},
		{"star, paper", "127.0.0.48", star, paperOut, "star", "paperempty", 102},
		{"star, cutter", "127.0.0.49", star, jam, "star", "error", 103},
		{"star, found", "127.0.0.50", star, nil, "", "online", 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := printertest.NewModel(tt.model)
			serve(t, p, tt.host)
			if tt.change != nil {
				p.Set(tt.change)
			}
			args := []string{"-q"}
			if tt.language != "" {
				args = append(args, "-p", tt.language)
			}
			if word, code := receiptio(t, tt.host, "", args...); word != tt.word || code != tt.code {
				t.Errorf("got %q (%d), want %q (%d)", word, code, tt.word, tt.code)
			}
		})
	}
}

// TestReceiptioFindsNobody: where a printer is off, nobody takes the connection.
func TestReceiptioFindsNobody(t *testing.T) {
	t.Parallel()
	serve(t, printertest.NewModel(printertest.Epson()), "127.0.0.51")()
	if word, code := receiptio(t, "127.0.0.51", "", "-q", "-p", "escpos"); word != "disconnect" || code != 105 {
		t.Errorf("got %q (%d), want disconnect (105)", word, code)
	}
}

// TestReceiptioPrints: a stranger's job comes out whole, and its picture to the dot.
func TestReceiptioPrints(t *testing.T) {
	epson, star := printertest.Epson(), printertest.Star()
	for _, tt := range []struct {
		name, host string
		model      printertest.Model
		language   string
		picture    bool
	}{
		{"epson, letters", "127.0.0.52", epson, "escpos", false},
		{"epson, picture", "127.0.0.53", epson, "generic", true},
		{"star, letters", "127.0.0.54", star, "star", false},
		{"star, picture", "127.0.0.55", star, "star", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := printertest.NewModel(tt.model)
			serve(t, p, tt.host)
			pic := woven()
			document := "受付票\n"
			if tt.picture {
				document = "{image:" + pngOf(t, pic) + "}\n"
			}
			if word, code := receiptio(t, tt.host, document, "-p", tt.language, "-l", "ja", "-t", "20"); word != "success" || code != 0 {
				t.Errorf("got %q (%d), want success (0)", word, code)
			}
			s := slipOf(t, p)
			if !s.Complete || p.Strays() != 0 {
				t.Errorf("complete: %v, %d stray bytes", s.Complete, p.Strays())
			}
			if tt.picture && !has(s.Bitmap, pic) {
				t.Error("the slip does not show the picture")
			}
		})
	}
}

// slipOf waits for the one slip of p: receiptio goes as soon as it is told that all is
// printed.
func slipOf(t *testing.T, p *printertest.Printer) printertest.Slip {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		if s := p.Slips(); len(s) == 1 && s[0].Complete {
			return s[0]
		}
		select {
		case <-p.Changed():
		case <-limit.C:
			t.Fatalf("no slip came out: %d pieces, %d stray bytes", len(p.Slips()), p.Strays())
		}
	}
}

// woven is a picture in which no row is like another.
func woven() *dots.Bitmap {
	b := dots.New(200, 60)
	for y := range b.Height {
		for x := range b.Width {
			if (x*x+3*x*y+5*y*y)%11 < 4 {
				b.Set(x, y)
			}
		}
	}
	return b
}

func pngOf(t *testing.T, b *dots.Bitmap) string {
	t.Helper()
	packed, err := printertest.PNG(b)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(packed)
}

// has reports whether b shows pic somewhere, left to right anywhere.
func has(b, pic *dots.Bitmap) bool {
	for top := range b.Height - pic.Height + 1 {
		for left := range b.Width - pic.Width + 1 {
			if shown(b, pic, left, top) {
				return true
			}
		}
	}
	return false
}

func shown(b, pic *dots.Bitmap, left, top int) bool {
	for y := range pic.Height {
		for x := range pic.Width {
			if b.Black(left+x, top+y) != pic.Black(x, y) {
				return false
			}
		}
	}
	return true
}
