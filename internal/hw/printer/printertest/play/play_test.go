package play_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
	"kioskd/internal/hw/printer/line"
	"kioskd/internal/hw/printer/printertest"
	"kioskd/internal/hw/printer/printertest/play"
)

// patience is how long anything may take on a busy machine.
const patience = 20 * time.Second

// table is a player with a script's hands and ears.
type table struct {
	*testing.T
	paper *printertest.Printer
	in    *io.PipeWriter
	lines chan string
	ended chan error
}

// set starts a player.
func set(t *testing.T, at play.Line, m printertest.Model, folder string) *table {
	t.Helper()
	stdin, in := io.Pipe()
	out, stdout := io.Pipe()
	b := &table{t, printertest.NewModel(m), in, make(chan string, 100), make(chan error, 1)}
	p, err := play.New(b.paper, stdout, folder)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() {
		b.ended <- p.Run(ctx, at, stdin)
		_ = stdout.Close()
	}()
	go func() {
		defer close(b.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			b.lines <- s.Text()
		}
	}()
	return b
}

func (b *table) tell(command string) {
	b.Helper()
	if _, err := io.WriteString(b.in, command+"\n"); err != nil {
		b.Fatal(err)
	}
}

// hears waits for a line that begins so, and gives what follows in it. Others are
// let pass.
func (b *table) hears(prefix string) string {
	b.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	var all []string
	for {
		select {
		case said, ok := <-b.lines:
			if !ok {
				b.Fatalf("ended before %q was said, after %q", prefix, all)
			}
			if rest, found := strings.CutPrefix(said, prefix); found {
				return rest
			}
			all = append(all, said)
		case <-limit.C:
			b.Fatalf("not said: %q, but %q", prefix, all)
		}
	}
}

func (b *table) quits() {
	b.Helper()
	b.tell("quit")
	if err := <-b.ended; err != nil {
		b.Error(err)
	}
}

// prints prints rows of black with the daemon's driver.
func (b *table) prints(dial printer.Dial, rows int) (printer.Outcome, error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	drv := printer.Find(dial, printer.Override{}, slog.New(slog.DiscardHandler))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = drv.Run(ctx) }()
	outcome, err := drv.Print(ctx, printer.Job{ID: "t", Draw: func(p printer.Profile) iter.Seq2[printer.Piece, error] {
		return func(yield func(printer.Piece, error) bool) {
			black := dots.New(p.Dots, rows)
			for i := range black.Bits {
				black.Bits[i] = 0xFF
			}
			yield(printer.Picture{Bitmap: black}, nil)
		}
	}})
	cancel()
	<-ended
	return outcome, err
}

func over[P printer.Port](dial func(context.Context) (P, error)) printer.Dial {
	return func(ctx context.Context) (printer.Port, error) { return dial(ctx) }
}

func TestTCP(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "paper")
	b := set(t, play.TCP("127.0.0.1:0"), printertest.Epson(), folder)
	addr := b.hears("listening at ")
	dial := over(func(ctx context.Context) (*line.TCP, error) { return line.DialTCP(ctx, addr) })
	if outcome, err := b.prints(dial, 80); outcome != printer.Printed {
		t.Errorf("%s, %v", outcome, err)
	}
	b.hears("connected: 127.0.0.1:")
	if said := b.hears("slip 1: "); said != "576 x 104 dots, 72 x 13 mm, whole -> "+filepath.Join(folder, "slip-1.png") {
		t.Errorf("it said %q", said)
	}

	b.tell("fail paper_out 400")
	b.hears("armed: paper_out after 400 bytes of a slip")
	if outcome, err := b.prints(dial, 900); outcome != printer.Failed {
		t.Errorf("%s, %v", outcome, err)
	}
	b.hears("paper out")
	b.tell("status")
	b.hears("power on, cable in, paper out, cover closed")
	b.hears("slip 2 hangs in it: 576 x ")
	picture := filepath.Join(folder, "slip-2.png")
	about, err := os.Stat(picture) // half printed, and to be seen already
	if err != nil || about.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", about, err)
	}
	b.tell("paper full")
	b.hears("paper full")
	if said := b.hears("slip 2: "); !strings.Contains(said, ", not whole") {
		t.Errorf("it said %q", said)
	}
	b.quits()
	if left, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}

	// The next one begins behind the pictures that are there.
	b = set(t, play.TCP("127.0.0.1:0"), printertest.Clone(), folder)
	addr = b.hears("listening at ")
	if outcome, err := b.prints(dial, 80); outcome != printer.Unconfirmed {
		t.Errorf("%s, %v", outcome, err)
	}
	b.hears("slip 3: ")
	b.quits()
}

func TestOneConnectionAtATime(t *testing.T) {
	b := set(t, play.TCP("127.0.0.1:0"), printertest.Epson(), "")
	addr := b.hears("listening at ")
	first, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	b.hears("connected: " + first.LocalAddr().String())
	turnedAway(t, addr)
	if said := b.hears("turned away: "); !strings.Contains(said, first.LocalAddr().String()+" has it") {
		t.Errorf("it said %q", said)
	}
	b.tell("power off") // ends the first one too
	b.hears("power off")
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("it is still open")
	}
	b.hears("disconnected: ")
	turnedAway(t, addr)
	if said := b.hears("turned away: "); !strings.Contains(said, "it is off") {
		t.Errorf("it said %q", said)
	}
	b.quits()
}

// turnedAway: the connection is broken off, be it while it is made.
func turnedAway(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("it is still open")
	}
}

func TestSerial(t *testing.T) {
	link := filepath.Join(t.TempDir(), "ttyPrinter")
	if err := os.Symlink("/dev/pts/nobody", link); err != nil { // of one that was killed
		t.Fatal(err)
	}
	b := set(t, play.Serial(link), printertest.Star(), "")
	b.hears("serial line at " + link)
	dial := over(func(ctx context.Context) (*line.Serial, error) {
		return line.DialSerial(ctx, link, line.SerialOptions{Baud: 115200})
	})
	for range 2 { // the second one finds the line free
		if outcome, err := b.prints(dial, 80); outcome != printer.Printed {
			t.Errorf("%s, %v", outcome, err)
		}
		b.hears("slip ")
	}
	b.quits()
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is left: %v", err)
	}
}

// What is there and no link of ours stays.
func TestSerialSparesFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := set(t, play.Serial(file), printertest.Epson(), "")
	if err := <-b.ended; err == nil {
		t.Error("no error")
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "1" {
		t.Errorf("%q, %v", raw, err)
	}
}

// A terminal stands in for the gadget: it knows no status, and all else.
func TestUSB(t *testing.T) {
	path := filepath.Join(t.TempDir(), "g_printer0")
	b := set(t, play.USB(path), printertest.Epson(), "")
	b.hears("waiting for the gadget: no such file")
	for range 2 { // it is found when it comes, and when it comes again
		host, err := printertest.OpenPTY()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(host.Path, path); err != nil {
			t.Fatal(err)
		}
		b.hears("gadget opened")
		if _, err := host.Master.Write([]byte{0x10, 0x04, 0x01}); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 1)
		if err := host.Master.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := host.Master.Read(answer); err != nil || answer[0] != 0x12 {
			t.Fatalf("% X, %v", answer, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		b.tell("cable out")
		b.hears("gadget closed")
		b.tell("cable in")
		b.hears("waiting for the gadget: ")
		_ = host.Close()
	}
	b.quits()
}

func TestCommands(t *testing.T) {
	b := set(t, play.TCP("127.0.0.1:0"), printertest.Epson(), "")
	for command, answer := range map[string]string{
		"paper low": "paper low", "cover open": "cover open", "cutter jammed": "cutter jammed", "head hot": "head hot",
		"offline on": "offline on", "mute on": "mute on", "help": "paper full|low|out", "dance": `error: there is no command "dance"`,
		"paper": "error: write paper full|low|out", "cover ajar": "error: write cover open|closed", "tear it": `error: tear takes nothing: leave "it" out`,
		"fail": "error: write fail FAULT AT_BYTE", "fail fire 1": `error: "fire" is no fault: use one of paper_low,`, "fail mute x": `error: "x" is no number of bytes`,
	} {
		b.tell(command)
		b.hears(answer)
	}
	b.tell("fail mute 7")
	b.hears("armed: mute after 7 bytes")
	b.tell("status")
	b.hears("power on, cable in, paper low, cover open, cutter jammed, head hot, offline on, mute on")
	b.hears("armed: mute")
	b.tell("repair")
	b.hears("paper full")
	b.tell("tear")
	b.tell("status")
	b.hears("power on, cable in, paper full, cover closed, cutter free, head cool, offline off, mute off")
	_ = b.in.Close() // the end of its input is not its end
	b.paper.Set(func(s *printertest.State) { s.Cover = true })
	b.hears("cover open")
}
