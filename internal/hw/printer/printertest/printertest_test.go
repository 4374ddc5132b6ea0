package printertest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/escpos"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/hw/printer/starprnt"
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

// raster is b as commands.
func raster(t *testing.T, b *dots.Bitmap) []byte {
	t.Helper()
	var out []byte
	if err := escpos.Raster(b, 2000, func(c []byte) error { out = append(out, c...); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func black(rows int) *dots.Bitmap {
	b := dots.New(384, rows)
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
		data := raster(t, black(10))
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
		l.send(t, escpos.Init(), raster(t, black(20)), escpos.Cut(0))
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
		code, err := escpos.AppendQR(escpos.Blank(nil, 40), "K7F3-92QX-4", 6, escpos.M)
		if err != nil {
			t.Fatal(err)
		}
		l.send(t, escpos.Init(), code, escpos.Cut(40))
		l.answers()
		slips := p.Slips()
		if len(slips) != 1 {
			t.Fatalf("%d slips", len(slips))
		}
		if picture, err = slips[0].PNG(); err != nil {
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

// TestTheHeadTakesItsTime: with a speed, paper comes out row by row, and the answer
// to a marker only when the head is there.
func TestTheHeadTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := printertest.Epson()
		m.Dots, m.Speed = 384, 1000
		p := printertest.NewModel(m)
		defer p.Close()
		l := dial(t, p)
		began := time.Now()
		l.send(t, escpos.Init(), raster(t, black(60)), escpos.Marker())
		after := func(d time.Duration) {
			tick := time.NewTimer(d)
			<-tick.C
			synctest.Wait()
		}
		after(30 * time.Millisecond)
		if h := p.Slips()[0].Bitmap.Height; h < 25 || h > 40 {
			t.Errorf("%d rows after 30 ms, at 1 row a ms", h)
		}
		if got := l.answers(); len(got) != 0 {
			t.Errorf("an answer before the end: % x", got)
		}
		after(40 * time.Millisecond)
		if got := l.answers(); string(got) != "\x00" {
			t.Errorf("after %v: % x", time.Since(began), got)
		}
	})
}

// TestText: letters go where alignment and size say.
func TestText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.New(384)
		defer p.Close()
		p.Transcribe()
		l := dial(t, p)
		line, err := escpos.AppendText(escpos.TextMode(), escpos.Right, []escpos.Span{
			{Text: []byte("A"), Style: escpos.Style{Wide: 2, High: 2}}, {Text: []byte{0x90, 0x5C}}, // 申
		})
		if err != nil {
			t.Fatal(err)
		}
		l.send(t, escpos.Init(), line, escpos.Cut(0))
		l.answers()
		slips := p.Slips()
		if len(slips) != 1 || p.Strays() != 0 {
			t.Fatalf("%d slips, %d strays", len(slips), p.Strays())
		}
		b := slips[0].Bitmap
		left, right := b.Width, 0
		for y := range b.Height {
			for x := range b.Width {
				if b.Black(x, y) {
					left, right = min(left, x), max(right, x)
				}
			}
		}
		if left != 384-24-24+2 || right != 382 || b.Height != 48 {
			t.Errorf("ink from %d to %d on %d rows", left, right, b.Height)
		}
		code, err := escpos.AppendQR(nil, "K7-42", 6, escpos.M)
		if err != nil {
			t.Fatal(err)
		}
		l.send(t, code, line, escpos.Cut(0))
		l.answers()
		if slips = p.Slips(); !slices.Equal(slips[0].Text, []string{"A申"}) || len(slips[0].Codes) != 0 {
			t.Errorf("the first says %q, its codes %q", slips[0].Text, slips[0].Codes)
		}
		if s := slips[1]; !slices.Equal(s.Text, []string{"A申"}) || !slices.Equal(s.Codes, []string{"K7-42"}) {
			t.Errorf("the second says %q, its codes %q", s.Text, s.Codes)
		}
	})
}

// TestAFrameOfStar: the status that the manual of a TSP describes.
func TestAFrameOfStar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := printertest.NewModel(printertest.Star())
		defer p.Close()
		l := dial(t, p)
		p.Set(func(s *printertest.State) { s.Cover = true })
		l.send(t, starprnt.Status())
		if got := l.answers(); string(got) != "\x23\x06\x28\x00\x00\x00\x00\x00\x00" {
			t.Errorf("% x", got)
		}
		p.Set(func(s *printertest.State) { s.Cover = false })
		l.send(t, starprnt.AutoStatus(), starprnt.End(), starprnt.End())
		if got := l.answers(); len(got) != 27 || got[16] != 0x02 || got[25] != 0x04 {
			t.Errorf("% x", got)
		}
	})
}
