// Package printertest is a virtual slip printer. It takes ESC/POS bytes as a
// real one does, keeps paper, cover, error and power, answers status, and turns
// what it prints into pictures.
//
// It obeys the rules of the device: it prints nothing without paper or with the
// cover open, it acts on real-time commands the moment they arrive (even inside
// a picture), its receive buffer is finite and stops the line when it is full, a
// picture that was begun is continued after a stop, and power off forgets
// everything but the paper.
//
// It has a parser of its own, so it also checks the encoder it is used with.
//
// Every connection has one goroutine; [Printer.Close] ends them and waits.
package printertest

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"sync"
	"time"

	"kioskd/internal/hw/printer"
	"kioskd/internal/hw/printer/dots"
)

// Paper is how much is on the roll.
type Paper string

// The states of the roll.
const (
	PaperFull Paper = "full"
	PaperLow  Paper = "low"
	PaperOut  Paper = "out"
)

// Fault is something that happens in the middle of a job.
type Fault string

// The faults.
const (
	RunLow    Fault = "paper_low"
	RunOut    Fault = "paper_out"
	OpenCover Fault = "cover_open"
	PowerOff  Fault = "power_off"
	Unplug    Fault = "unplugged" // the cable: it goes on printing what it has
	Overheat  Fault = "head_hot"
	Jam       Fault = "cutter"
	GoOffline Fault = "offline"
	Mute      Fault = "mute" // it goes on taking and printing but answers nothing
)

// State is what can be set from outside.
type State struct {
	Paper  Paper
	Cover  bool // open
	Power  bool // on
	Mute   bool
	Cutter bool // jammed
	Hot    bool
	// Offline: somebody has pressed its button, or it has a defect.
	Offline bool
	// Unplugged: the cable is out. The printer itself goes on.
	Unplugged bool
}

// Slip is one piece of paper.
type Slip struct {
	At time.Time
	// Complete: printed without interruption and cut.
	Complete bool
	Bitmap   *dots.Bitmap
	// Text is the lines that the printer set itself, and Codes what the QR codes say
	// that it drew; only after [Printer.Transcribe].
	Text, Codes []string
}

// PNG draws the slip as it looks on white paper.
func (s Slip) PNG() ([]byte, error) { return PNG(s.Bitmap) }

// PNG encodes a bitmap, one bit a dot.
func PNG(b *dots.Bitmap) ([]byte, error) {
	img := image.NewPaletted(image.Rect(0, 0, b.Width, b.Height), color.Palette{color.White, color.Black})
	for y := range b.Height {
		for x := range b.Width {
			if b.Black(x, y) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Printer is the virtual printer. All methods may be called from any goroutine.
type Printer struct {
	model Model

	mu      sync.Mutex
	changed *sync.Cond // buffer, state or connection changed
	state   State
	m       machine
	out     [][]byte // answers not yet written
	conn    *end     // the printer's end, nil when nobody is connected
	closed  bool
	// speed is rows a second; 0: no time passes. headFree is when the head has printed
	// everything; waiting: work goes on then.
	speed    int
	headFree time.Time
	waiting  bool
	trigger  *trigger
	notify   chan struct{}
	wg       sync.WaitGroup
}

// trigger makes a fault happen once.
type trigger struct {
	left  int  // bytes of the job
	armed bool // the job has begun
	fault Fault
}

// end is the printer's end of a line.
type end struct {
	io.ReadWriteCloser
	// sticky: a line whose other end does not notice that the printer is off.
	sticky bool
}

// New gives an Epson of the given width.
func New(dots int) *Printer {
	m := Epson()
	m.Dots = dots
	return NewModel(m)
}

// NewModel gives a printer of that make that is on, closed and full of paper.
func NewModel(m Model) *Printer {
	p := &Printer{model: m, speed: m.Speed, state: State{Paper: PaperFull, Power: true}, notify: make(chan struct{}, 1)}
	p.changed = sync.NewCond(&p.mu)
	p.m.model, p.m.rom = m, boxes{}
	p.m.reset()
	return p
}

// UseROM gives it characters; before that each one is a frame.
func (p *Printer) UseROM(rom ROM) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.rom = rom
}

// SetSpeed sets how many rows a second the head prints; 0: no time passes.
func (p *Printer) SetSpeed(rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed = rows
	p.work()
}

// Speed is how many rows a second the head prints.
func (p *Printer) Speed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speed
}

// Model is what make it is.
func (p *Printer) Model() Model { return p.model }

// ErrOff is what Dial fails with while the printer is off or not plugged in.
var ErrOff = errors.New("cannot open printer: it is off")

// Dial connects in process. A new connection replaces the old one.
func (p *Printer) Dial(ctx context.Context) (printer.Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	if !p.Attach(ours) {
		return nil, ErrOff
	}
	return theirs, nil
}

// Attach makes conn the printer's line until either end closes it; one before it
// is closed. It fails while the printer is off or not plugged in.
func (p *Printer) Attach(conn io.ReadWriteCloser) bool { return p.attach(&end{ReadWriteCloser: conn}) }

// AttachSerial is Attach for a line whose other end does not notice that the
// printer is off: bytes vanish then, and the line stays.
func (p *Printer) AttachSerial(conn io.ReadWriteCloser) bool {
	return p.attach(&end{ReadWriteCloser: conn, sticky: true})
}

func (p *Printer) attach(e *end) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !e.sticky && (!p.state.Power || p.state.Unplugged) {
		return false
	}
	p.drop()
	p.conn = e
	p.wg.Add(2)
	go p.receive(e)
	go p.answer(e)
	return true
}

// Listen takes connections until the listener is closed. While the printer is off
// they are closed at once.
func (p *Printer) Listen(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if !p.Attach(conn) {
			_ = conn.Close() // that is all there is to say
		}
	}
}

// Get gives the state.
func (p *Printer) Get() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// Set changes the state: change gets a copy of it and edits that.
func (p *Printer) Set(change func(*State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set(change)
	p.work()
}

func (p *Printer) set(change func(*State)) {
	old := p.state
	change(&p.state)
	now := p.state
	if old == now {
		return
	}
	if old.Power && !now.Power {
		p.hangUp()
		p.m.reset()
		p.out = nil
	}
	if !old.Unplugged && now.Unplugged {
		p.hangUp()
	}
	if p.m.dirty() && (now.Paper == PaperOut || now.Cover || !now.Power) {
		p.m.broken = true
	}
	if old.Paper == PaperOut && now.Paper != PaperOut {
		p.m.tear(time.Now(), false) // the piece on the old roll's end
	}
	if now.Power {
		p.pushStatus()
	}
	p.wake()
}

// FailAtByte makes f happen once n bytes of a job have been received. The job
// begins with the next ESC @ that is followed by something to print.
func (p *Printer) FailAtByte(n int, f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trigger = &trigger{left: n, fault: f}
	p.wake()
}

// Armed is what FailAtByte has set and what has not happened yet; "" = nothing.
func (p *Printer) Armed() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.trigger == nil {
		return ""
	}
	return p.trigger.fault
}

// Faults lists what FailAtByte can make happen.
func Faults() []Fault {
	return []Fault{RunLow, RunOut, OpenCover, PowerOff, Unplug, Overheat, Jam, GoOffline, Mute}
}

// Repair puts everything right: paper, cover, power, voice.
func (p *Printer) Repair() {
	p.mu.Lock()
	p.trigger = nil
	p.mu.Unlock()
	p.Set(func(s *State) { *s = State{Paper: PaperFull, Power: true} })
}

// Slips gives all pieces of paper, the oldest first. What hangs half printed
// in the printer is the last one.
func (p *Printer) Slips() []Slip {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := append([]Slip(nil), p.m.slips...)
	if p.m.dirty() {
		out = append(out, Slip{At: time.Now(), Bitmap: p.m.strip()})
	}
	return out
}

// Transcribe has it keep what it prints as text too, for whoever reads slips. It is
// to be called before anything is printed.
func (p *Printer) Transcribe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.transcript = &transcript{}
}

// Take gives the pieces that are finished and throws them away, and a copy of what
// hangs in the printer, half printed: nil for nothing. A printer that runs for days
// does not keep its paper for ever.
func (p *Printer) Take() (finished []Slip, hangs *dots.Bitmap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	finished, p.m.slips = p.m.slips, nil
	if p.m.dirty() {
		hangs = p.m.strip()
	}
	return finished, hangs
}

// Tear tears off what hangs out, as a person does where there is no cutter.
func (p *Printer) Tear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.tear(time.Now(), true)
	p.wake()
}

// Forget throws the slips away.
func (p *Printer) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.slips = nil
	p.wake()
}

// Strays gives the number of bytes that belonged to no command it knows: an
// encoder that is in step leaves 0.
func (p *Printer) Strays() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.m.strays
}

// Changed gets a value after each change of state or slips; several changes may
// be one value. One receiver.
func (p *Printer) Changed() <-chan struct{} { return p.notify }

// Close ends the connection and waits for the goroutines.
func (p *Printer) Close() {
	p.mu.Lock()
	p.closed = true
	p.drop()
	p.mu.Unlock()
	p.wg.Wait()
}

// hangUp ends a line whose other end notices.
func (p *Printer) hangUp() {
	if p.conn != nil && !p.conn.sticky {
		p.drop()
	}
	p.out = nil
	p.changed.Broadcast()
}

// drop ends the line.
func (p *Printer) drop() {
	if p.conn != nil {
		_ = p.conn.Close() // nobody is there to be told
		p.conn = nil
	}
	p.out = nil
	p.changed.Broadcast()
}

func (p *Printer) wake() {
	p.changed.Broadcast()
	select {
	case p.notify <- struct{}{}:
	default:
	}
}

// receive takes bytes in. It stops taking while the buffer is full.
func (p *Printer) receive(conn *end) {
	defer p.wg.Done()
	buf := make([]byte, 256)
	for {
		n, err := conn.Read(buf)
		p.mu.Lock()
		for _, b := range buf[:n] {
			if len(p.m.buffer) >= p.model.Buffer {
				p.work()
			}
			for p.conn == conn && p.hears() && len(p.m.buffer) >= p.model.Buffer {
				p.changed.Wait()
			}
			if p.conn != conn {
				break
			}
			if p.hears() {
				p.take(b)
			}
		}
		p.work() // also when the cable is out now
		gone := p.conn != conn
		if err != nil && !gone {
			p.drop()
			gone = true
		}
		p.mu.Unlock()
		if gone || err != nil {
			return
		}
	}
}

// hears: what comes over the line reaches it.
func (p *Printer) hears() bool { return p.state.Power && !p.state.Unplugged }

// answer writes what the printer has to say.
func (p *Printer) answer(conn *end) {
	defer p.wg.Done()
	for {
		p.mu.Lock()
		for p.conn == conn && len(p.out) == 0 {
			p.changed.Wait()
		}
		if p.conn != conn {
			p.mu.Unlock()
			return
		}
		b := p.out[0]
		p.out = p.out[1:]
		p.mu.Unlock()
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

func (p *Printer) say(b ...byte) {
	if p.state.Mute || p.conn == nil || !p.hears() {
		return
	}
	p.out = append(p.out, b)
	p.changed.Broadcast()
}
