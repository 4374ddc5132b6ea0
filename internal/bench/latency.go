package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// pace keeps under the daemon's limit of 40 messages a second.
const pace = 27 * time.Millisecond

// latency times an intent until its snapshot, turn by turn with a bare echo on
// the same library in a process of its own: the difference is kioskd's work.
func latency(ctx context.Context, out io.Writer, binary string, rounds int) (err error) {
	kioskd, err := startKioskd(ctx, binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kioskd.stop()) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	echo, err := launch(ctx, self, "-echo")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, echo.stop()) }()

	ours, err := kioskd.window(ctx)
	if err != nil {
		return err
	}
	defer ours.Close()
	peer, err := echo.window(ctx)
	if err != nil {
		return err
	}
	defer peer.Close()

	seq, err := snapshot(ours, 0)
	if err != nil {
		return err
	}
	turn := time.NewTicker(pace)
	defer turn.Stop()
	var here, there []time.Duration
	for i := range rounds {
		<-turn.C
		message := fmt.Appendf(nil, `{"seq":%d,"type":"size","data":{"size":%d}}`, seq, 2+i%2)
		began := time.Now()
		if err := ours.WriteMessage(websocket.TextMessage, message); err != nil {
			return err
		}
		if seq, err = snapshot(ours, seq); err != nil {
			return err
		}
		here = append(here, time.Since(began))

		began = time.Now()
		if err := peer.WriteMessage(websocket.TextMessage, message); err != nil {
			return err
		}
		if _, _, err := peer.ReadMessage(); err != nil {
			return err
		}
		there = append(there, time.Since(began))
	}
	report(out, "ws_intent_to_snapshot_p50", quantile(here, 0.50), quantile(there, 0.50), "ms")
	report(out, "ws_intent_to_snapshot_p99", quantile(here, 0.99), quantile(there, 0.99), "ms")
	return nil
}

// snapshot waits for one that is newer than seq and gives its number.
func snapshot(ws *websocket.Conn, seq uint64) (uint64, error) {
	for {
		_, raw, err := ws.ReadMessage()
		if err != nil {
			return 0, err
		}
		var m struct {
			V     int    `json:"v"`
			Seq   uint64 `json:"seq"`
			Error string `json:"error"`
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return 0, err
		}
		if m.Error != "" {
			return 0, fmt.Errorf("cannot go on: kioskd answers %s", m.Error)
		}
		if m.V > 0 && m.Seq > seq {
			return m.Seq, nil
		}
	}
}

// quantile gives the q-quantile in ms.
func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return float64(d[int(q*float64(len(d)-1))].Microseconds()) / 1000
}

// echoServer is the peer: the same library, and nothing else.
func echoServer(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "http://%s\n", ln.Addr())
	var upgrader websocket.Upgrader
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			kind, raw, err := ws.ReadMessage()
			if err != nil || ws.WriteMessage(kind, raw) != nil {
				return
			}
		}
	})}
	return server.Serve(ln)
}
