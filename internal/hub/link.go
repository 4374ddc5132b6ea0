package hub

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	mrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/wire"
)

// link is one open link. Its reader is the goroutine read.
type link struct {
	all   *Links
	conn  *websocket.Conn
	row   Link
	until int64 // end of the certificate, in Unix seconds
	slot  uint8

	issued time.Time // the certificate
	// arrived orders the links of this hub by when the kiosk asked for them: that is
	// before it has one, and so before it can give it up for the next. What comes after,
	// the answer's way and the goroutines' turns, may overtake.
	arrived uint64
	leaves  bool // another one takes its place; over it is the mutex of all

	look atomic.Bool // there may be something new: said with the next ping

	mu       sync.Mutex // over what follows, and held while a message is written
	ended    bool
	frames   int      // that the kiosk may send until the next ping
	asked    []uint64 // numbers of pings that are not answered yet
	suspects []clone  // whom an answer to a later ping than these were pinged by proves
	accused  []string // IDs of links that were proved to be another machine's
}

// clone is a pair of links of one kiosk with different runs. When the older
// answers a ping that went out after the newer had come, both were alive at one
// time: two machines have one identity.
type clone struct {
	older, newer Link
	ping         uint64
}

// read reads until the link ends. A kiosk has nothing to say but pongs.
func (n *link) read() {
	defer n.all.gone(n)
	n.conn.SetReadLimit(linkBuffer)
	n.mu.Lock()
	n.frames = linkFrames
	n.mu.Unlock()
	n.alive()
	n.conn.SetPongHandler(func(data string) error { return n.frame(data) })
	n.conn.SetPingHandler(func(data string) error {
		if err := n.frame(""); err != nil {
			return err
		}
		return n.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(linkWrite))
	})
	if _, _, err := n.conn.NextReader(); err == nil || errors.Is(err, errFlood) {
		n.end(websocket.ClosePolicyViolation, "a kiosk sends nothing but pongs")
		return
	}
	n.end(websocket.CloseNormalClosure, "")
}

var errFlood = errors.New("the kiosk sends more than it has to say")

// alive puts off the end of a link that answers nothing: two pings may get lost.
func (n *link) alive() {
	ping := or(n.all.Ping, defaultPing)
	_ = n.conn.SetReadDeadline(time.Now().Add(2*ping + ping/2))
}

// frame takes what the kiosk sent. Only an answer to a ping is a sign of life, and it
// bears the number of one that is not answered yet: who must answer pings to stay
// answers one of those that settle what it is suspected of.
func (n *link) frame(data string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.frames--; n.frames < 0 {
		return errFlood
	}
	if len(data) != 8 {
		return nil
	}
	answered := binary.BigEndian.Uint64([]byte(data))
	if !slices.Contains(n.asked, answered) {
		return nil
	}
	// Who has got a ping need not answer those before it.
	n.asked = slices.DeleteFunc(n.asked, func(number uint64) bool { return number <= answered })
	n.alive()
	var open []clone
	for _, c := range n.suspects {
		if answered < c.ping {
			open = append(open, c)
			continue
		}
		n.accused = append(n.accused, c.newer.ID)
		n.all.found(c)
	}
	n.suspects = open
	return nil
}

// ping asks whether the kiosk is there.
func (n *link) ping() { n.pingNumbered(n.all.number()) }

func (n *link) pingNumbered(number uint64) {
	n.mu.Lock()
	n.frames = linkFrames
	n.asked = append(n.asked[max(len(n.asked)-linkAsked+1, 0):], number)
	n.mu.Unlock()
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], number)
	if err := n.conn.WriteControl(websocket.PingMessage, b[:], time.Now().Add(linkWrite)); err != nil {
		_ = n.conn.Close() // the reader notices
	}
}

// suspect finds out whether the kiosk of this link is alive beside that of newer.
func (n *link) suspect(newer Link) {
	n.mu.Lock()
	known := false
	for _, c := range n.suspects {
		known = known || c.newer.ID == newer.ID
	}
	for _, id := range n.accused {
		known = known || id == newer.ID
	}
	number := uint64(0)
	if !known {
		const most = 2 * linksEach
		n.accused = n.accused[max(len(n.accused)-most, 0):]
		n.suspects = n.suspects[max(len(n.suspects)-most, 0):]
		number = n.all.number()
		n.suspects = append(n.suspects, clone{older: n.row, newer: newer, ping: number})
	}
	n.mu.Unlock()
	if !known {
		n.pingNumbered(number)
	}
}

// send tells the kiosk something. When that does not go out at once the link ends:
// its kiosk comes again, and looks.
func (n *link) send(m wire.LinkMessage) {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // two plain fields always encode
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	_ = n.conn.SetWriteDeadline(time.Now().Add(linkWrite))
	if err := n.conn.WriteMessage(websocket.TextMessage, b); err != nil {
		_ = n.conn.Close()
	}
}

// leave sends the kiosk to another hub, within spread from now.
func (n *link) leave(spread time.Duration) {
	n.send(wire.LinkMessage{Kind: wire.LinkDrain, AfterMS: int(mrand.N(spread) / time.Millisecond)})
	n.end(websocket.CloseGoingAway, "drain")
}

// end ends the link, and says why when the kiosk can still hear it.
func (n *link) end(code int, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	n.ended = true
	_ = n.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(linkWrite))
	_ = n.conn.Close()
}

// number gives the next ping its number. It grows over all links of the hub.
func (l *Links) number() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pinged++
	return l.pinged
}
