package ui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"kioskd/internal/fault"
	"kioskd/internal/flow"
	"kioskd/internal/kiosk"
	"kioskd/internal/wire"
)

// limits of connections: the WebSocket's, and all others'.
type limits struct {
	windows   int           // connections at the same time
	message   int64         // bytes
	perSecond rate.Limit    // messages
	burst     int           // messages
	forgiven  int           // bad messages, or messages too fast, before the connection is closed
	write     time.Duration // for one message to go out
	ping      time.Duration // between pings
	pong      time.Duration // silence after which the browser counts as gone
	linger    time.Duration // for the browser to read why it was closed
	header    time.Duration // for a request's header to come in
	request   time.Duration // for all of it
	answer    time.Duration // for what is asked to be done and to go out
	guests    int           // connections at the same time that are no windows
}

func standard() limits {
	return limits{
		windows: 8, message: 4 << 10, perSecond: 40, burst: 80, forgiven: 20,
		write: 5 * time.Second, ping: 10 * time.Second, pong: 25 * time.Second, linger: time.Second,
		header: 5 * time.Second, request: 10 * time.Second, answer: 15 * time.Second, guests: 128,
	}
}

// writeBuffer is kept small: it is kept as long as the connection, and what the
// last message did not reach of it would still hold the one before. Every snapshot
// is longer. What does not fit goes out from where it lies.
const writeBuffer = 256

// intent is a touch as the screen sends it.
type intent struct {
	Seq  uint64          `json:"seq"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// reply tells a window that its message was not taken. Snapshots have neither member.
type reply struct {
	Error fault.Code `json:"error,omitempty"`
	Stale bool       `json:"stale,omitempty"`
	Seq   uint64     `json:"seq,omitempty"` // of the message that was stale
}

// socket upgrades a request and serves the connection until either side ends it.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") == "" {
		s.tellRefused("foreign_origin")
		refuse(w, http.StatusForbidden, "foreign_origin")
		return
	}
	select {
	case s.windows <- struct{}{}:
		defer func() { <-s.windows }()
	default:
		refuse(w, http.StatusServiceUnavailable, "too_many_windows")
		return
	}
	s.open.Add(1)
	defer s.open.Done()
	// The gate has compared Origin with the fixed list already.
	upgrader := websocket.Upgrader{
		HandshakeTimeout: s.limits.write,
		ReadBufferSize:   1 << 10,
		WriteBufferSize:  writeBuffer,
		CheckOrigin:      func(r *http.Request) bool { return r.Header.Get("Origin") != "" },
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &window{
		ws: ws, visit: s.opt.Visit, limits: s.limits, stop: cancel,
		replies: make(chan reply, 8), rate: rate.NewLimiter(s.limits.perSecond, s.limits.burst),
	}
	reason := c.serve(ctx)
	s.opt.Log.Debug("Window closed", "reason", reason)
}

// window is one connection.
type window struct {
	ws      *websocket.Conn
	visit   Visit
	limits  limits
	stop    context.CancelFunc
	replies chan reply
	rate    *rate.Limiter
	faults  int

	mu   sync.Mutex
	over bool // the reader is to stop; no later read deadline may be set
}

// ending is why a window is closed: the reason in the close frame.
type ending string

// The endings. The browser is told of all but the first.
const (
	endGone     ending = "gone"
	endShutdown ending = "shutdown"
	endBinary   ending = "binary"
	endTooLong  ending = "too_long"
	endBad      ending = ending(fault.BadMessage)
	endTooFast  ending = ending(fault.TooFast)
	goesOn      ending = ""
)

// code is that of the close frame.
func (e ending) code() int {
	switch e {
	case endShutdown:
		return websocket.CloseGoingAway
	case endBinary:
		return websocket.CloseUnsupportedData
	case endTooLong:
		return websocket.CloseMessageTooBig
	case endBad, endTooFast:
		return websocket.ClosePolicyViolation
	case endGone, goesOn:
	}
	return websocket.CloseNormalClosure
}

// serve runs both directions and returns why it ended.
func (c *window) serve(ctx context.Context) ending {
	defer func() { _ = c.ws.Close() }() // it is over either way
	sub, err := c.visit.Subscribe(ctx)
	if err != nil {
		c.close(endShutdown)
		return endShutdown
	}
	defer sub.Close()

	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(ctx, sub.C)
	}()
	end := c.read(ctx)
	c.stop()
	<-written
	if end != endGone {
		c.close(end)
	}
	return end
}

// close says why and gives the browser a moment to read it: closing a
// connection with unread input would reset it, and the reason would be lost.
func (c *window) close(end ending) {
	until := time.Now().Add(c.limits.linger)
	message := websocket.FormatCloseMessage(end.code(), string(end))
	if err := c.ws.WriteControl(websocket.CloseMessage, message, until); err != nil {
		return
	}
	raw := c.ws.NetConn()
	if err := raw.SetReadDeadline(until); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(raw, 1<<20))
}

// write is the one goroutine that writes messages. It ends with ctx, or when the
// browser does not take a message in time.
func (c *window) write(ctx context.Context, frames <-chan kiosk.Frame) {
	defer c.stopReading() // whatever ends it ends the reader too
	ping := time.NewTicker(c.limits.ping)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case frame := <-frames:
			err = c.send(frame.JSON)
		case r := <-c.replies:
			raw, encoding := json.Marshal(r)
			err = errors.Join(encoding, c.send(raw))
		case <-ping.C:
			err = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.limits.write))
		}
		if err != nil {
			return
		}
	}
}

func (c *window) send(raw []byte) error {
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.limits.write)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, raw)
}

// read takes messages until the window ends.
func (c *window) read(ctx context.Context) ending {
	c.ws.SetReadLimit(c.limits.message)
	c.ws.SetPongHandler(func(string) error { return c.alive() })
	if c.alive() != nil {
		return endGone
	}
	for {
		kind, raw, err := c.ws.ReadMessage()
		switch {
		case ctx.Err() != nil:
			return endShutdown
		case errors.Is(err, websocket.ErrReadLimit):
			return endTooLong
		case err != nil:
			return endGone
		case kind != websocket.TextMessage:
			return endBinary
		}
		if end := c.take(ctx, raw); end != goesOn {
			return end
		}
	}
}

// alive gives the browser time until its next pong.
func (c *window) alive() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	return c.ws.SetReadDeadline(time.Now().Add(c.limits.pong))
}

func (c *window) stopReading() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	// An error means that the connection is closed, which stops the reader as well.
	_ = c.ws.SetReadDeadline(time.Now())
}

// parse reads a message strictly. It never gives both a touch and an error.
func parse(raw []byte) (uint64, flow.Fact, error) {
	in, err := wire.Decode[intent](raw)
	if err != nil {
		return 0, nil, err
	}
	fact, err := flow.ParseIntent(in.Type, in.Data)
	if err != nil {
		return 0, nil, err
	}
	return in.Seq, fact, nil
}

// take handles one message.
func (c *window) take(ctx context.Context, raw []byte) ending {
	if !c.rate.Allow() {
		return c.refuse(fault.TooFast, endTooFast)
	}
	seq, fact, err := parse(raw)
	if err != nil {
		return c.refuse(fault.BadMessage, endBad)
	}
	switch err := c.visit.Touch(ctx, seq, fact); {
	case err == nil:
		return goesOn
	case errors.Is(err, kiosk.ErrStale):
		c.reply(reply{Stale: true, Seq: seq}) // a double tap: no offence
		return goesOn
	case errors.Is(err, kiosk.ErrAhead):
		return c.refuse(fault.BadMessage, endBad)
	default:
		return endShutdown
	}
}

// refuse answers a message that breaks the rules, and ends a window that keeps
// breaking them.
func (c *window) refuse(code fault.Code, end ending) ending {
	c.faults++
	if c.faults > c.limits.forgiven {
		return end
	}
	c.reply(reply{Error: code})
	return goesOn
}

// reply queues an answer. A window that does not read its answers loses them.
func (c *window) reply(r reply) {
	select {
	case c.replies <- r:
	default:
	}
}
