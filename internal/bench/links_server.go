package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5"

	"kioskd/internal/hub"
	"kioskd/internal/hub/pki"
	"kioskd/internal/hub/postgres"
)

// linkServerMain serves links until it is killed, and says on request what memory
// it holds.
func linkServerMain(ctx context.Context, kind, dir, listen string, in io.Reader, out io.Writer) error {
	keys, err := pki.Open(dir+"/keys", time.Now())
	if err != nil {
		return err
	}
	var h http.Handler = http.HandlerFunc(bareLink)
	var door *hub.Door
	if kind == "ours" {
		store, err := postgres.Open(ctx, os.Getenv("HUBD_STORE"))
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		all := &hub.Links{Store: store, Now: time.Now, Log: log}
		failed := make(chan error, 1)
		go func() { failed <- all.Run(ctx) }()
		// All come in one moment and from one address; by default some might be sent back.
		door = &hub.Door{Log: log, Strangers: manyLinks}
		api := &hub.API{Door: door, Store: store, Ingest: &hub.Ingest{Keys: keys.Keys}, Now: time.Now, Log: log, Links: all, Rate: 1e9, Burst: 1e9}
		h = api.Handler()
	}
	s, err := serveTLS(ctx, keys, h, listen, door)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, strings.TrimPrefix(s.url, "https://"))
	for asked := bufio.NewScanner(in); asked.Scan(); {
		debug.FreeOSMemory()
		n, err := resident()
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(out, n)
	}
	return nil
}

// bareLink is the least that holds a WebSocket open, as gorilla's examples have it.
func bareLink(w http.ResponseWriter, r *http.Request) {
	var up websocket.Upgrader
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is what this process holds in RAM, in bytes.
func resident() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	m := residentLine.FindSubmatch(status)
	if m == nil {
		return 0, errors.New("cannot find VmRSS")
	}
	var kib int64
	_, err = fmt.Sscan(string(m[1]), &kib)
	return kib << 10, err
}

// enrolMany puts the kiosks into the hub's database.
func enrolMany(ctx context.Context, url string) (err error) {
	store, err := postgres.Open(ctx, url)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	_, err = c.Exec(ctx, `INSERT INTO kiosk (id, enrolled_at) SELECT 'bench-' || g, now() FROM generate_series(0, $1 - 1) g`, manyLinks)
	return err
}
