package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kioskd/internal/flow"
	"kioskd/internal/kiosk"
)

// Visit is the kiosk's loop, as the screen needs it.
type Visit interface {
	// Subscribe gives the snapshots, the current one first.
	Subscribe(ctx context.Context) (*kiosk.Subscription, error)
	// Touch hands over a touch made on snapshot seq.
	Touch(ctx context.Context, seq uint64, fact flow.Fact) error
	// Look asks the loop how things stand.
	Look(ctx context.Context) (kiosk.Frame, error)
}

// Options of a Server.
type Options struct {
	Visit Visit
	// Dock serves /dock/api/ when the hardware is simulated, else nil.
	Dock http.Handler
	// Metrics answers Prometheus; nil: it is not there.
	Metrics http.Handler
	// Origins are further origins whose pages may talk to the kiosk, e.g. that of
	// a development server. The server's own are always allowed.
	Origins []string
	// Token is what a browser must have to see the visit: see [ScreenPath]. Empty:
	// none is asked for.
	Token string
	// Brand is the store's own colour and logo.
	Brand   Brand
	Version string
	// Refused is told why a request was refused; may be nil. It must not block.
	Refused func(why string)
	Log     *slog.Logger
}

// Server is the kiosk's HTTP and WebSocket server.
type Server struct {
	opt     Options
	limits  limits
	windows chan struct{} // one for each open WebSocket
	open    sync.WaitGroup
	// strangers bounds how often a missing token is told.
	strangers *rate.Sometimes
}

// New makes a server. Nothing runs before Run.
func New(opt Options) *Server {
	return &Server{opt: opt, limits: standard(), windows: make(chan struct{}, standard().windows), strangers: newStrangers()}
}

// Run serves ln until ctx ends, and returns when every connection is closed.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(ln.Addr()),
		ReadHeaderTimeout: s.limits.header,
		ReadTimeout:       s.limits.request,
		WriteTimeout:      s.limits.answer, // WebSocket and the dock's events set their own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnState:         (&crowd{most: int64(s.limits.guests)}).note,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("cannot serve the screen: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-failed      //nolint:errcheck // ErrServerClosed: Shutdown was asked for
	s.open.Wait() // WebSockets, which Shutdown does not know
	if err != nil {
		return fmt.Errorf("cannot close all connections: %w", err)
	}
	return nil
}

// Handler serves everything for a listener at addr.
func (s *Server) Handler(addr net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.page)
	mux.Handle("GET /ws", s.guarded(http.HandlerFunc(s.socket)))
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /brand.css", s.brandCSS)
	mux.HandleFunc("GET /brand/logo", s.brandLogo)
	if s.opt.Metrics != nil {
		mux.Handle("GET /metrics", s.opt.Metrics)
	}
	if s.opt.Dock != nil {
		mux.Handle("/dock/api/", s.guarded(s.opt.Dock))
	}
	return newGate(addr, s.opt.Origins, s.opt.Refused).wrap(s.keyed(s.limited(mux)))
}

// health answers 200 when the loop that owns the visit answers. Where it stands is
// for those who may see it.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	body := struct {
		Status  string        `json:"status"`
		Step    flow.StepName `json:"step,omitempty"`
		Version string        `json:"version"`
	}{Status: "ok", Version: s.opt.Version}
	status := http.StatusOK
	frame, err := s.opt.Visit.Look(ctx)
	if err != nil {
		status, body.Status = http.StatusServiceUnavailable, "stuck"
	}
	if s.trusts(r) {
		body.Step = frame.Step
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.opt.Log.Debug("Cannot answer a health check", "err", err)
	}
}
