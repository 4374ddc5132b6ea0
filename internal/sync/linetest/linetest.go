// Package linetest is a line between a kiosk and its hub that fails as it is told:
// a TCP proxy that cuts, half-closes, doubles, stops and delays the bytes of a
// connection at any place, in either direction, and that can lead to somebody else, or to
// several in turn as a load balancer does.
// Delays have no length: a test opens the gate, so that answers come in the order that
// it wants.
//
// It knows nothing of TLS but the length of its records, of which [Line.Records]
// tells where they ended, so that a test can cut at the places that differ.
package linetest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
)

// How a connection fails.
type How string

// The ways.
const (
	Cut    How = "cut"         // both ends learn that it is gone
	Half   How = "half-closed" // one direction ends, the other goes on
	Stop   How = "stopped"     // nothing more comes through, and nobody is told
	Double How = "doubled"     // what comes next comes twice
	Delay  How = "delayed"     // what comes next waits for the fault's gate
)

// Way is a direction.
type Way string

// The directions.
const (
	Up   Way = "up"   // to the hub
	Down Way = "down" // to the kiosk
)

// Fault is what happens to a connection once so many bytes went one way.
type Fault struct {
	How How
	Way Way
	At  int
	// Gate holds what a Delay holds. Its connection is the only one that waits there.
	Gate *Gate
}

// Gate is where bytes wait. Make one with [NewGate].
type Gate struct {
	once sync.Once
	held chan struct{}
	open chan struct{}
}

// NewGate gives a gate that is shut.
func NewGate() *Gate { return &Gate{held: make(chan struct{}), open: make(chan struct{})} }

// Held is closed when the first bytes wait.
func (g *Gate) Held() <-chan struct{} { return g.held }

// Open lets everything through, for good. A second time is harmless.
func (g *Gate) Open() { g.once.Do(func() { close(g.open) }) }

// Line leads connections to targets. Its methods may be called from any goroutine.
type Line struct {
	l    net.Listener
	done sync.WaitGroup

	mu      sync.Mutex
	targets []string
	reached map[string]int // connections that each has taken
	faults  []Fault        // of the connections to come, in their order
	open    map[*conn]struct{}
	ended   *sync.Cond // one of open has
	last    *conn      // that came last
	arrived int
	closed  bool
}

// conn is one connection, as two halves.
type conn struct {
	kiosk, hub *net.TCPConn
	fault      Fault
	gone       chan struct{} // closed when nothing will come through any more
	once       sync.Once

	mu      sync.Mutex
	records map[Way][]int
}

// Listen starts a line to targets as [Line.Lead] has them, on loopback.
func Listen(ctx context.Context, targets ...string) (*Line, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	line := &Line{l: l, targets: targets, reached: map[string]int{}, open: map[*conn]struct{}{}}
	line.ended = sync.NewCond(&line.mu)
	line.done.Go(func() { line.accept(context.WithoutCancel(ctx)) })
	return line, nil
}

// Addr is where kiosks find it.
func (l *Line) Addr() string { return l.l.Addr().String() }

// Close ends the line and all its connections, and waits for them.
func (l *Line) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	err := l.l.Close()
	l.Break()
	l.done.Wait()
	return err
}

// Lead leads the connections to come to other targets, which take them in turn. One that
// takes none is passed over.
func (l *Line) Lead(targets ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.targets = slices.Clone(targets)
}

// Reached is how many connections a target has taken.
func (l *Line) Reached(target string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reached[target]
}

// Next lets these faults happen to the connections to come, one to each.
func (l *Line) Next(faults ...Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = slices.Clone(faults)
}

// Break ends all connections there are.
func (l *Line) Break() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		c.cut()
	}
}

// Quiet waits until all connections have ended, whoever ends them.
func (l *Line) Quiet() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) > 0 {
		l.ended.Wait()
	}
}

// Arrived is how many connections have come.
func (l *Line) Arrived() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.arrived
}

// Records tells after how many bytes each TLS record ended that went one way over
// the newest connection.
func (l *Line) Records(way Way) []int {
	l.mu.Lock()
	c := l.last
	l.mu.Unlock()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.records[way])
}

func (l *Line) accept(ctx context.Context) {
	for {
		kiosk, err := l.l.Accept()
		if err != nil {
			return
		}
		l.done.Go(func() { l.carry(ctx, kiosk.(*net.TCPConn)) })
	}
}

// begin takes a connection on, and gives the targets, first the one whose turn it is;
// nil when the line has been closed.
func (l *Line) begin(kiosk *net.TCPConn) (c *conn, targets []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil
	}
	c = &conn{kiosk: kiosk, gone: make(chan struct{}), records: map[Way][]int{}, fault: Fault{At: -1}}
	if len(l.faults) > 0 {
		c.fault, l.faults = l.faults[0], l.faults[1:]
	}
	l.open[c], l.last = struct{}{}, c
	if n := len(l.targets); n > 0 {
		turn := l.arrived % n
		targets = slices.Concat(l.targets[turn:], l.targets[:turn])
	}
	l.arrived++
	return c, targets
}

// dial connects with the first target that takes it; nil when none does.
func (l *Line) dial(ctx context.Context, targets []string) net.Conn {
	for _, target := range targets {
		hub, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
		if err != nil {
			continue
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reached[target]++
		return hub
	}
	return nil
}

func (l *Line) carry(ctx context.Context, kiosk *net.TCPConn) {
	defer func() { _ = kiosk.Close() }() // whoever is there sees it
	c, targets := l.begin(kiosk)
	if c == nil {
		return
	}
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, c)
		l.ended.Broadcast()
	}()
	hub := l.dial(ctx, targets)
	if hub == nil {
		return
	}
	defer func() { _ = hub.Close() }()
	l.mu.Lock()
	c.hub = hub.(*net.TCPConn)
	l.mu.Unlock()
	var ways sync.WaitGroup
	ways.Go(func() { c.pass(Up, c.hub, c.kiosk) })
	ways.Go(func() { c.pass(Down, c.kiosk, c.hub) })
	ways.Wait()
}

// cut ends both directions.
func (c *conn) cut() {
	c.once.Do(func() { close(c.gone) })
	_ = c.kiosk.Close()
	if c.hub != nil {
		_ = c.hub.Close()
	}
}

// errFault ends one direction.
var errFault = errors.New("the line fails here")

// pass carries one direction to its end.
func (c *conn) pass(way Way, to, from *net.TCPConn) {
	p := &passage{conn: c, way: way, to: to, left: -1}
	if c.fault.Way == way {
		p.left = c.fault.At
	}
	_, err := io.Copy(p, from)
	switch {
	case errors.Is(err, errFault) && c.fault.How == Stop:
		<-c.gone // until somebody gives up
		return
	case errors.Is(err, errFault) && c.fault.How == Cut:
		c.cut()
		return
	}
	_ = to.CloseWrite() // the end that from has come to, or a half-close
	if err != nil && !errors.Is(err, errFault) {
		c.cut()
	}
}

// passage counts what goes one way.
type passage struct {
	*conn
	way    Way
	to     *net.TCPConn
	left   int // bytes until the fault; -1 = none
	sent   int
	header []byte // of the TLS record that is under way
	body   int    // bytes of it still to come
}

// Write carries bytes on, up to the fault.
func (p *passage) Write(b []byte) (int, error) {
	if p.left < 0 || len(b) <= p.left {
		if p.left >= 0 {
			p.left -= len(b)
		}
		p.count(b)
		return p.to.Write(b)
	}
	n, err := p.to.Write(b[:p.left])
	if err != nil {
		return n, err
	}
	rest := b[p.left:]
	switch p.fault.How {
	case Double:
		p.left = -1
	case Delay:
		p.left = -1
		m, err := p.wait(rest)
		return n + m, err
	case Cut, Half, Stop:
		return n, errFault
	}
	for range 2 {
		if _, err := p.to.Write(rest); err != nil {
			return n, err
		}
	}
	return len(b), nil
}

// wait holds what comes next until the gate opens, or nothing will come through any
// more. The sender is held up as well, as by a line that is full.
func (p *passage) wait(b []byte) (int, error) {
	close(p.fault.Gate.held)
	select {
	case <-p.fault.Gate.open:
	case <-p.gone:
		return 0, net.ErrClosed
	}
	p.count(b)
	return p.to.Write(b)
}

// count follows the records: five bytes of header, the last two the length.
func (p *passage) count(b []byte) {
	for _, x := range b {
		p.sent++
		if p.body == 0 {
			if p.header = append(p.header, x); len(p.header) == 5 {
				p.body = int(binary.BigEndian.Uint16(p.header[3:]))
				p.header = p.header[:0]
			}
			continue
		}
		if p.body--; p.body == 0 {
			p.mu.Lock()
			p.records[p.way] = append(p.records[p.way], p.sent)
			p.mu.Unlock()
		}
	}
}
