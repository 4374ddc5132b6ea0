package printertest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/printertest"
)

// line is a bare connection: it collects what the printer answers.
type line struct {
	port printer.Port
	got  chan byte
}

func dial(t *testing.T, p *printertest.Printer) *line {
	t.Helper()
	port, err := p.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := &line{port, make(chan byte, 1024)}
	go func() {
		buf := make([]byte, 64)
		for {
			n, err := port.Read(buf)
			for _, b := range buf[:n] {
				l.got <- b
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = port.Close() })
	return l
}

func (l *line) send(t *testing.T, parts ...[]byte) {
	t.Helper()
	if err := l.port.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.port.Write(bytes.Join(parts, nil)); err != nil {
		t.Fatal(err)
	}
}

// answers gives what has come back so far.
func (l *line) answers() []byte {
	synctest.Wait()
	var out []byte
	for len(l.got) > 0 {
		out = append(out, <-l.got)
	}
	return out
}

func black(rows int) *escpos.Bitmap {
	b := escpos.NewBitmap(384, rows)
	for i := range b.Bits {
		b.Bits[i] = 0xFF
	}
	return b
}

func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		open := func(s *printertest.State) { s.Cover = true }
		empty := func(s *printertest.State) { s.Cover, s.Paper = false, printertest.PaperOut }
		steps := []struct {
			set  func(*printertest.State)
			send []byte
			want string
		}{
			{nil, escpos.Status(1), "\x12"},
			{nil, escpos.Marker(), "\x00"},
			{nil, escpos.Identity(67), "\x5fSLIP-80\x00"},
			{nil, escpos.Complete(escpos.NewJobID(0)), "\x37\x22    \x00"},
			{nil, escpos.Clear(), "\x37\x25\x00"},
			{open, escpos.Status(1), "\x1a"},
			{nil, escpos.Status(2), "\x16"},
			{nil, escpos.Marker(), ""}, // not real-time: it waits in the buffer
			{nil, escpos.Clear(), "\x37\x25\x00"},
			{empty, escpos.Status(2), "\x32"},
			{nil, escpos.Status(4), "\x7e"},
		}
		for i, s := range steps {
			if s.set != nil {
				p.Set(s.set)
			}
			l.send(t, s.send)
			if got := string(l.answers()); got != s.want {
				t.Errorf("step %d: % x, want % x", i, got, s.want)
			}
		}
	})
}

// TestRealTimeInsideAPicture: the trap that the encoder must avoid is really there.
func TestRealTimeInsideAPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		data := escpos.AppendRaster(nil, black(10))
		copy(data[100:], escpos.Status(1))
		l.send(t, data)
		if got := l.answers(); string(got) != "\x12" {
			t.Errorf("status inside a picture: % x", got)
		}
		copy(data[200:], escpos.Clear())
		l.send(t, escpos.Init(), data, escpos.Cut(0))
		l.answers()
		for _, s := range p.Slips() {
			if s.Complete {
				t.Error("a slip is whole although its picture cleared the buffer")
			}
		}
		if p.Strays() == 0 {
			t.Error("the rest of the picture was not taken for commands")
		}
	})
}

func TestAHalfPrintedSlipLooksSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		p.FailAtByte(8*48, printertest.RunOut)
		l.send(t, escpos.Init(), escpos.AppendRaster(nil, black(20)), escpos.Cut(0))
		l.answers()
		slips := p.Slips()
		if len(slips) != 1 || slips[0].Complete {
			t.Fatalf("%d slips, complete %v", len(slips), len(slips) > 0 && slips[0].Complete)
		}
		if h := slips[0].Bitmap.Height; h < 5 || h > 10 {
			t.Errorf("%d of 20 rows are on the paper", h)
		}
		// New paper: what waits in the buffer comes out, as a second torn piece.
		p.Set(func(s *printertest.State) { s.Paper = printertest.PaperFull })
		l.answers()
		if slips = p.Slips(); len(slips) != 2 || slips[0].Complete || slips[1].Complete {
			t.Errorf("after new paper: %d pieces", len(slips))
		}
	})
}

func TestAFullBufferStopsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		p.Set(func(s *printertest.State) { s.Cover = true })
		if err := l.port.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.port.Write(make([]byte, 3*printertest.BufferSize))
		if err == nil || n < printertest.BufferSize || n > printertest.BufferSize+512 {
			t.Errorf("took %d bytes, error %v", n, err)
		}
		p.Set(func(s *printertest.State) { s.Cover = false })
		l.send(t, escpos.Marker())
		if got := l.answers(); string(got) != "\x00" {
			t.Errorf("afterwards: % x", got)
		}
	})
}

func TestPowerOffEndsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		p.Set(func(s *printertest.State) { s.Power = false })
		if _, err := l.port.Write([]byte{0}); err == nil {
			t.Error("a printer that is off takes bytes")
		}
		if _, err := p.Dial(t.Context()); err == nil {
			t.Error("a printer that is off can be reached")
		}
	})
}

// TestNativeQR: a code that the printer draws itself can be read.
func TestNativeQR(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Fatal("zbarimg is missing: install zbar-tools (make deps)")
	}
	var picture []byte
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		l := dial(t, p)
		code, err := escpos.AppendQR(escpos.AppendFeed(nil, 40), "K7F3-92QX-4", 6, escpos.M)
		if err != nil {
			t.Fatal(err)
		}
		l.send(t, escpos.Init(), code, escpos.Cut(40))
		l.answers()
		slips := p.Slips()
		if len(slips) != 1 {
			t.Fatalf("%d slips", len(slips))
		}
		// The printer draws at the left edge; the white of the paper is the quiet zone.
		wide := escpos.NewBitmap(480, slips[0].Bitmap.Height)
		for y := range wide.Height {
			copy(wide.Row(y)[6:], slips[0].Bitmap.Row(y))
		}
		if picture, err = printertest.PNG(wide); err != nil {
			t.Fatal(err)
		}
	})
	path := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "zbarimg", "--quiet", "--raw", path).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != "K7F3-92QX-4" {
		t.Errorf("the reader found %q, %v", got, err)
	}
}
