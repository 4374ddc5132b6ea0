package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// drainLimit is longer than the longest interactive call.
const drainLimit = 25 * time.Second

// gate tells a balancer and the kiosks that the hub is about to end, while it still
// serves: the balancer sends nobody new, and whoever is here goes elsewhere with
// the next request.
type gate struct{ closing atomic.Bool }

// api marks every answer as the last of its connection once the gate is closing.
func (g *gate) api(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.closing.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// health answers GET /healthz for balancers: 200 while the hub takes requests and its
// store can be used, else 503. It tells nothing else, because anybody may ask.
func (g *gate) health(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case g.closing.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, "draining")
		case ready(r.Context()) != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprintln(w, "not ready")
		default:
			_, _ = fmt.Fprintln(w, "ready")
		}
	})
	return mux
}

// ending is what a hub goes through at its end, one after the other: it says so,
// waits until balancers have heard it, lets the kiosks' requests come to their end,
// and only then stops to be seen. What its servers use may be closed after that.
type ending struct {
	gate *gate
	wait time.Duration
	log  *slog.Logger
	// links sends the kiosks elsewhere: after the wait, so that no balancer sends them
	// back here, or when a server fails. It does not wait for them.
	links func()
	api   served
	rest  []served // console, health, metrics
}

// served is a server with its listener.
type served struct {
	server   *http.Server
	listener net.Listener
}

// run serves until ctx ends or a server fails, and then ends all.
func (e *ending) run(ctx context.Context) error {
	failed := make(chan error, 1+len(e.rest))
	serve := func(s served) {
		if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("cannot serve: %w", err)
		}
	}
	all := append([]served{e.api}, e.rest...)
	for _, s := range all {
		go serve(s)
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		e.log.Info("Hub ends: it drains", "why", context.Cause(ctx), "wait", e.wait)
		e.gate.closing.Store(true)
		t := time.NewTimer(e.wait)
		defer t.Stop()
		select {
		case <-t.C:
		case err = <-failed:
		}
	}
	e.links()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	for _, s := range all {
		if e := s.server.Shutdown(limit); e != nil {
			err = errors.Join(err, fmt.Errorf("cannot drain: %w", e), s.server.Close())
		}
	}
	return err
}
