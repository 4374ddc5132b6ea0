package sync

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"kioskd/internal/fault"
	"kioskd/internal/wire"
)

// Limits of the link.
const (
	// linkSilence is how long the hub may be silent; it pings about every 45 s.
	linkSilence = 120 * time.Second
	linkMessage = 4 << 10 // bytes
	pongLimit   = 10 * time.Second
)

// Link opens the hub's push and hands on what comes, until the link ends or ctx
// does. opened is called once it stands. run names this start of the daemon.
//
// The error says how it ended: a *RefusalError when the hub would not have it. A link
// that broke, or that the hub closed, is line_down.
func (c *Client) Link(ctx context.Context, run string, opened func(), heard func(wire.LinkMessage)) error {
	const op = "hold link"
	conn, err := c.dialLink(ctx, run)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() { stop(); _ = conn.Close() }()
	conn.SetReadLimit(linkMessage)
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(linkSilence)) }
	conn.SetPingHandler(func(data string) error {
		if err := conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(pongLimit)); err != nil {
			return err
		}
		return alive()
	})
	if err := alive(); err != nil {
		return c.ended(ctx, op, err)
	}
	opened()
	for {
		kind, b, err := conn.ReadMessage()
		if err == nil {
			err = alive()
		}
		if err != nil {
			if ctx.Err() != nil {
				return c.ended(ctx, op, ctx.Err())
			}
			return hubFault(op, fault.LineDown, err, "")
		}
		if kind != websocket.TextMessage {
			continue
		}
		// Not strictly: a newer hub's messages may have members that are new. They are
		// hints, and kinds that are not known are ignored.
		var m wire.LinkMessage
		if err := json.Unmarshal(b, &m); err != nil {
			return hubFault(op, fault.HubRubbish, err, "")
		}
		heard(m)
	}
}

// dialLink makes the connection and asks for the upgrade.
func (c *Client) dialLink(ctx context.Context, run string) (*websocket.Conn, error) {
	const op = "open link"
	dialer := websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		NetDialContext:   dialer(c.opts),
		TLSClientConfig:  c.tls,
		HandshakeTimeout: 3 * c.opts.Connect,
		ReadBufferSize:   1 << 10,
		WriteBufferSize:  1 << 10,
	}
	asked := time.Now()
	conn, resp, err := dialer.DialContext(ctx, "wss"+c.base[len("https"):]+wire.PathLink, http.Header{wire.HeaderRun: {run}})
	if resp != nil {
		defer func() { _ = resp.Body.Close() }() // the connection is conn's
	}
	if err == nil {
		c.judge(nil, asked)
		return conn, nil
	}
	if !errors.Is(err, websocket.ErrBadHandshake) || resp == nil {
		return nil, c.ended(ctx, op, err)
	}
	// The dialer keeps up to 1 KiB of the answer, which is enough for a problem.
	b, readErr := io.ReadAll(io.LimitReader(resp.Body, wire.MaxBody))
	if readErr != nil {
		return nil, c.ended(ctx, op, readErr)
	}
	_, err = understand[none](op, resp, b)
	if err == nil { // 200 or 204 is no upgrade
		err = hubFault(op, fault.HubRubbish, websocket.ErrBadHandshake, "a proxy that takes no WebSocket stands between")
	}
	c.judge(err, asked)
	return nil, err
}
