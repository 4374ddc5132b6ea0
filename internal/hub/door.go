package hub

import (
	"container/list"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of [Door].
const (
	DefaultStrangers = 4096
	defaultPatience  = 15 * time.Second // an enrolment over a bad line
	defaultConnsEach = 16               // a kiosk's courier and visits use ten at most

	// strangersSpared is how many connections a network may have before it counts as a
	// crowd: what a store's kiosks open at one moment.
	strangersSpared = 16
	doorTellsEvery  = time.Minute
)

// Door bounds the connections to a hub. Each one needs a file descriptor, and a
// hub without any takes nobody in.
//
// A connection is a stranger's until a request with a kiosk's certificate comes
// over it; those of enrolments stay strangers'. When there are too many strangers,
// the network that has most of them loses its oldest one, and the newcomer is let
// in. So whoever holds connections and says nothing pushes out himself, not a kiosk
// elsewhere. Behind a balancer all come from one network; there an honest kiosk is
// through as long as it shows its certificate before the others have opened as many
// connections as there may be. To refuse the newest instead would let a few hundred
// silent connections a second keep everybody out.
//
// A kiosk that has more connections than it needs loses the one of its own that was
// idle longest, and when all are in use, the new one. Its links are not counted
// here: [Links] bounds them.
//
// A Door has no goroutine. It is safe for concurrent use.
type Door struct {
	Log       *slog.Logger
	Strangers int           // connections without a certificate; 0 = DefaultStrangers
	Patience  time.Duration // how long one may stay so; 0 = 15 s
	Each      int           // connections of one kiosk beside its links; 0 = 16
	// Left is told when a connection ends over which a shopper's call or a submission came;
	// nil = nobody is.
	Left func()

	turns atomic.Uint64 // numbers what must be told apart by its age

	mu        sync.Mutex
	strangers map[netip.Prefix]*list.List // of *doorConn, the oldest first
	count     int                         // of strangers
	kiosks    map[string][]*doorConn
	closed    int // connections, since the log was told
	told      time.Time
}

// doorConn is one connection. What follows door is under door.mu.
type doorConn struct {
	net.Conn

	idle atomic.Uint64 // the turn at which it fell idle; 0 = in use
	told atomic.Bool   // a shopper's call or a submission came over it
	door *Door

	from  netip.Prefix
	came  uint64
	place *list.Element // among the strangers
	timer *time.Timer   // a stranger's patience
	kiosk string        // whose it is
}

// Listen gives what comes through l. TLS goes on top of it.
func (d *Door) Listen(l net.Listener) net.Listener { return doorListener{l, d} }

type doorListener struct {
	net.Listener

	door *Door
}

// Accept lets the next one in.
func (l doorListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.door.enter(conn), nil
}

// Watch has a server over TLS over Listen tell what becomes of its connections. Its
// handler is that of an [API] which has this door.
func (d *Door) Watch(s *http.Server) {
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, doorKey{}, ofDoor(conn))
	}
	s.ConnState = d.note
}

type doorKey struct{}

// ofDoor gives what is below the TLS; nil where there is no door.
func ofDoor(conn net.Conn) *doorConn {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	c, _ := conn.(*doorConn)
	return c
}

// enter takes a stranger in.
func (d *Door) enter(conn net.Conn) *doorConn {
	c := &doorConn{Conn: conn, door: d, from: neighbours(conn.RemoteAddr()), came: d.turns.Add(1)}
	d.mu.Lock()
	var out *doorConn
	if d.count >= or(d.Strangers, DefaultStrangers) {
		out = d.surplus()
		d.leave(out)
		d.tell("too many without a certificate", out)
	}
	if d.strangers == nil {
		d.strangers = map[netip.Prefix]*list.List{}
	}
	of := d.strangers[c.from]
	if of == nil {
		of = list.New()
		d.strangers[c.from] = of
	}
	c.place = of.PushBack(c)
	d.count++
	c.timer = time.AfterFunc(or(d.Patience, defaultPatience), c.late)
	d.mu.Unlock()
	out.hangUp()
	return c
}

// surplus chooses the stranger to close: of the largest crowd, or, when nobody makes
// one, of all, the oldest. d.mu is held, and there is a stranger.
func (d *Door) surplus() *doorConn {
	var most, oldest *doorConn
	crowd := 0
	for _, of := range d.strangers {
		first, _ := of.Front().Value.(*doorConn)
		n := of.Len()
		if most == nil || n > crowd || n == crowd && first.came < most.came {
			most, crowd = first, n
		}
		if oldest == nil || first.came < oldest.came {
			oldest = first
		}
	}
	if crowd > strangersSpared {
		return most
	}
	return oldest
}

// late ends a stranger that has shown nothing for too long.
func (c *doorConn) late() {
	c.door.mu.Lock()
	stranger := c.place != nil
	c.door.leave(c)
	c.door.mu.Unlock()
	if stranger {
		c.hangUp()
	}
}

// admit makes the connection of a request that of its kiosk. It says no when the
// kiosk has too many, all of them in use; then the connection must end.
func (d *Door) admit(ctx context.Context, kiosk string) bool {
	c, _ := ctx.Value(doorKey{}).(*doorConn)
	if d == nil || c == nil {
		return true
	}
	d.mu.Lock()
	if c.place == nil { // it is the kiosk's already, or has ended
		d.mu.Unlock()
		return true
	}
	var out *doorConn
	if len(d.kiosks[kiosk]) >= or(d.Each, defaultConnsEach) {
		out = longestIdle(d.kiosks[kiosk])
		d.tell("too many of kiosk "+kiosk, c)
		if out == nil {
			d.mu.Unlock()
			return false
		}
		d.leave(out)
	}
	d.leave(c)
	if d.kiosks == nil {
		d.kiosks = map[string][]*doorConn{}
	}
	c.kiosk = kiosk
	d.kiosks[kiosk] = append(d.kiosks[kiosk], c)
	d.mu.Unlock()
	out.hangUp()
	return true
}

// longestIdle gives nil when all are in use.
func longestIdle(all []*doorConn) (out *doorConn) {
	since := uint64(0)
	for _, c := range all {
		if turn := c.idle.Load(); turn > 0 && (out == nil || turn < since) {
			out, since = c, turn
		}
	}
	return out
}

// note is an http.Server's ConnState. Of its end a connection tells itself.
func (d *Door) note(conn net.Conn, state http.ConnState) {
	c := ofDoor(conn)
	if c == nil {
		return
	}
	switch state {
	case http.StateIdle:
		c.idle.Store(d.turns.Add(1))
	case http.StateActive:
		c.idle.Store(0)
	case http.StateHijacked: // a link
		d.mu.Lock()
		defer d.mu.Unlock()
		d.leave(c)
	case http.StateNew, http.StateClosed:
	}
}

// leave forgets a connection; again is harmless. d.mu is held.
func (d *Door) leave(c *doorConn) {
	if c.place != nil {
		of := d.strangers[c.from]
		of.Remove(c.place)
		if of.Len() == 0 {
			delete(d.strangers, c.from)
		}
		d.count--
		c.timer.Stop()
		c.place, c.timer = nil, nil
	}
	if c.kiosk == "" {
		return
	}
	left := slices.DeleteFunc(d.kiosks[c.kiosk], func(o *doorConn) bool { return o == c })
	if len(left) == 0 {
		delete(d.kiosks, c.kiosk)
	} else {
		d.kiosks[c.kiosk] = left
	}
	c.kiosk = ""
}

// tell warns, once a minute for all reasons. d.mu is held.
func (d *Door) tell(reason string, last *doorConn) {
	d.closed++
	if now := time.Now(); now.Sub(d.told) >= doorTellsEvery {
		d.Log.Warn("Connections closed", "reason", reason, "last", last.RemoteAddr().String(), "closed", d.closed)
		d.closed, d.told = 0, now
	}
}

// Close forgets the connection and ends it.
func (c *doorConn) Close() error {
	c.door.mu.Lock()
	c.door.leave(c)
	c.door.mu.Unlock()
	if c.told.Swap(false) && c.door.Left != nil {
		defer c.door.Left()
	}
	return c.Conn.Close()
}

// entrusted notes that a shopper's call or a submission has come over this connection.
func entrusted(ctx context.Context) {
	if c, _ := ctx.Value(doorKey{}).(*doorConn); c != nil {
		c.told.Store(true)
	}
}

// hangUp ends a connection that was forgotten already. Its server notices.
func (c *doorConn) hangUp() {
	if c != nil {
		_ = c.Conn.Close()
	}
}

// neighbours is the network that an address is in: whoever has one address of it can
// have others.
func neighbours(a net.Addr) netip.Prefix {
	const bits4, bits6 = 24, 64
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
