package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	return l
}

// A hub that ends says so first and serves on; requests that it has taken come to
// their end, and only then new connections are refused.
func TestDrain(t *testing.T) {
	g := &gate{}
	came, goOn := make(chan struct{}, 1), make(chan struct{})
	api := g.api(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			came <- struct{}{}
			<-goOn
		}
		_, _ = io.WriteString(w, "whole")
	}))
	apiL, healthL := listener(t), listener(t)
	var linksEnded atomic.Bool
	var said strings.Builder
	e := &ending{
		gate: g, wait: 400 * time.Millisecond, log: slog.New(slog.NewTextHandler(&said, nil)), links: func() { linksEnded.Store(true) }, api: served{&http.Server{Handler: api, ReadHeaderTimeout: time.Second}, apiL},
		rest: []served{{&http.Server{Handler: g.health(func(context.Context) error { return nil }), ReadHeaderTimeout: time.Second}, healthL}},
	}
	ctx, end := context.WithCancelCause(t.Context())
	stop := func() { end(errors.New("terminated signal received")) }
	ended := make(chan error, 1)
	go func() { ended <- e.run(ctx) }()
	c := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer c.CloseIdleConnections()
	get := func(url string) (int, string, bool, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		resp, err := c.Do(req)
		if err != nil {
			return 0, "", false, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), resp.Close, err
	}
	apiURL, health := "http://"+apiL.Addr().String(), "http://"+healthL.Addr().String()+"/healthz"
	if status, _, last, err := get(apiURL); err != nil || status != http.StatusOK || last {
		t.Fatalf("before: %d, last %v (%v)", status, last, err)
	}
	if status, body, _, err := get(health); err != nil || status != http.StatusOK || body != "ready\n" {
		t.Fatalf("health before: %d %q (%v)", status, body, err)
	}
	type answer struct {
		body string
		err  error
	}
	slow := make(chan answer, 1)
	go func() {
		_, body, _, err := get(apiURL + "/slow")
		slow <- answer{body, err}
	}()
	<-came
	stop()
	var during int
	for !g.closing.Load() {
		_, _, _, _ = get(health)
	}
	// While balancers are told, everybody is served, over a new connection each time.
	if status, body, _, err := get(health); err != nil || status != http.StatusServiceUnavailable || body != "draining\n" {
		t.Errorf("health: %d %q (%v)", status, body, err)
	}
	for range 5 {
		if status, body, last, err := get(apiURL); err == nil && status == http.StatusOK && body == "whole" && last {
			during++
		} else {
			t.Errorf("while it drains: %d %q, last %v (%v)", status, body, last, err)
		}
	}
	if linksEnded.Load() {
		t.Error("kiosks are sent away before the balancers have heard")
	}
	// Then nobody new gets in, and the one that is in is not cut.
	for {
		conn, err := net.Dial("tcp", apiL.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	if status, _, _, err := get(health); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("health at the end: %d (%v)", status, err)
	}
	select {
	case err := <-ended:
		t.Fatalf("it ended under a running request: %v", err)
	default:
	}
	close(goOn)
	if a := <-slow; a.err != nil || a.body != "whole" {
		t.Errorf("the running request got %q (%v)", a.body, a.err)
	}
	must(t, <-ended)
	if !linksEnded.Load() {
		t.Error("kiosks are not sent elsewhere")
	}
	if _, _, _, err := get(health); err == nil {
		t.Error("it can still be seen")
	}
	if !strings.Contains(said.String(), `msg="Hub ends: it drains" why="terminated signal received"`) {
		t.Errorf("it does not say why it ends: %s", said.String())
	}
}

// A server that fails ends the links as well: nobody else would.
func TestFailedServerEndsLinks(t *testing.T) {
	l := listener(t)
	must(t, l.Close())
	ended := false
	e := &ending{
		log:  slog.New(slog.DiscardHandler),
		gate: &gate{}, wait: time.Hour, links: func() { ended = true },
		api: served{&http.Server{ReadHeaderTimeout: time.Second}, l},
	}
	if err := e.run(t.Context()); err == nil || !ended {
		t.Errorf("%v, links ended: %v", err, ended)
	}
}

func TestHealthTellsOfTheStore(t *testing.T) {
	g := &gate{}
	rec := httptest.NewRecorder()
	g.health(func(context.Context) error { return errors.New("zebra") }).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if rec.Code != http.StatusServiceUnavailable || strings.Contains(rec.Body.String(), "zebra") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// A whole hub, from its first line to its exit code.
func TestHubDrains(t *testing.T) {
	dir := t.TempDir()
	health := listener(t)
	addr := health.Addr().String()
	must(t, health.Close())
	stop, code := start(t, dir, "--health", addr, "--drain-wait", "300ms")
	conn, err := net.Dial("tcp", addr)
	must(t, err)
	defer conn.Close()
	r := bufio.NewReader(conn)
	ask := func() (string, error) {
		if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: balancer\r\n\r\n"); err != nil {
			return "", err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(resp.Body)
		return strings.TrimSpace(string(b)), errors.Join(err, resp.Body.Close())
	}
	if got, err := ask(); err != nil || got != "ready" {
		t.Errorf("before: %q (%v)", got, err)
	}
	stop()
	got := "ready"
	for got == "ready" {
		got, err = ask()
	}
	if err != nil || got != "draining" {
		t.Errorf("at its end: %q (%v)", got, err)
	}
	if c := <-code; c != exitOK {
		t.Errorf("exit %d", c)
	}
}
