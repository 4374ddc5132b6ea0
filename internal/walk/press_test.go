package walk

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kioskd/internal/hw/printer/printertest"
)

// press is a slip printer on a network line, and whoever reads what comes out of it.
// It lives on when the kiosk is killed, as a real one does: with half a slip in its
// mouth, and with what was on its way to it.
type press struct {
	printer *printertest.Printer
	l       net.Listener
	lines   atomic.Int64 // connections that are open
	unheard atomic.Bool  // the line breaks before the next slip is confirmed

	mu      sync.Mutex
	paper   []paper // whole slips, the oldest first
	pieces  []paper // what came out not whole
	visited int     // slips that had come out when the present visit began
}

// paper is what stands on a whole slip.
type paper struct {
	kind     string // reservation, application, issuance
	key      string // the reception number, or the ID of an issuance
	reprint  bool   // it says 再発行
	queued   bool   // it says that it is to be sent, not that it was accepted
	unlikely string // what no slip may look like
	text     string
}

func newPress(t testing.TB) *press {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &press{printer: printertest.NewModel(printertest.Epson()), l: l}
	p.printer.Transcribe()
	var done sync.WaitGroup
	done.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close() // which ends serve
		done.Wait()
		p.printer.Close()
	})
	return p
}

// printLine tells when the printer has read all that came over it.
type printLine struct {
	net.Conn
	once    sync.Once
	gone    func()
	unheard *atomic.Bool
}

// Write carries the printer's answers, but perhaps not that a slip was printed.
func (l *printLine) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("7\"")) && l.unheard.CompareAndSwap(true, false) {
		return 0, l.Close()
	}
	return l.Conn.Write(b)
}

func (l *printLine) Close() error {
	l.once.Do(l.gone)
	return l.Conn.Close()
}

func (p *press) serve() {
	for {
		conn, err := p.l.Accept()
		if err != nil {
			return
		}
		p.lines.Add(1)
		line := &printLine{Conn: conn, gone: func() { p.lines.Add(-1) }, unheard: &p.unheard}
		if !p.printer.Attach(line) {
			_ = line.Close() // that is all a printer that is off says
		}
	}
}

// quiet reports whether nothing can come out any more: nobody is connected.
func (p *press) quiet() bool { return p.lines.Load() == 0 }

// config is the part of a kiosk's configuration that leads to this printer. Slips are
// set with the printer's own characters, so that they can be read, and it is not asked
// first what it can: that takes longer than most lives in a storm.
func (p *press) config() string {
	return "[printer]\ndevice = \"tcp:" + p.l.Addr().String() + "\"\nprofile = \"full\"\nmode = \"typed\"\n"
}

// mend puts right whatever is wrong with it now. What is still to happen stays.
func (p *press) mend() {
	p.printer.Set(func(s *printertest.State) { *s = printertest.State{Paper: printertest.PaperFull, Power: true} })
}

// take reads what has come out since.
func (p *press) take() {
	finished, _ := p.printer.Take()
	for _, s := range finished {
		if s.Complete {
			p.paper = append(p.paper, read(s))
		} else {
			p.pieces = append(p.pieces, read(s))
		}
	}
}

// begin notes what lies there when a visit begins. A nil press is the dock's, which
// is asked to take its slips away instead.
func (p *press) begin() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take()
	p.visited = len(p.paper)
}

// sinceBegin counts the whole slips of the visit.
func (p *press) sinceBegin() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take()
	return len(p.paper) - p.visited
}

// all gives every whole slip there ever was, and the pieces that were not whole.
func (p *press) all() (whole, pieces []paper) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take()
	return slices.Clone(p.paper), slices.Clone(p.pieces)
}

// titles are the first lines of slips, under the programme's name.
func titles() map[string]string {
	return map[string]string{"予約の控え": "reservation", "申込の控え": "application", "発行の控え": "issuance"}
}

// read reads a slip as a person does who holds it against its QR code. A slip that
// was begun once and ended another time would have two titles, or two codes.
func read(s printertest.Slip) paper {
	p := paper{text: strings.Join(s.Text, "\n")}
	found := 0
	for _, line := range s.Text {
		line = strings.TrimSpace(line)
		if kind := titles()[line]; kind != "" {
			p.kind = kind
			found++
		}
		p.reprint = p.reprint || strings.Contains(line, "再発行")
		p.queued = p.queued || strings.HasPrefix(line, "※") && strings.Contains(line, "を受け付けました")
	}
	switch {
	case found != 1:
		p.unlikely = "it does not have one title"
	case len(s.Codes) != 1:
		p.unlikely = "it does not have one QR code"
	case !slices.ContainsFunc(s.Text, func(line string) bool { return strings.ReplaceAll(strings.TrimSpace(line), " ", "") == s.Codes[0] }):
		p.unlikely = "its QR code says " + s.Codes[0] + ", and its text does not"
	default:
		p.key = s.Codes[0]
	}
	return p
}
