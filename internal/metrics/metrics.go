// Package metrics tells Prometheus how a daemon is: kioskd by its own sign of life,
// hubd by what it answers and how many links it holds. Labels come from closed sets
// (faults, devices, routes); nothing of a visit is in them, not even that there is
// one.
//
//	reg := metrics.New("kioskd", version, metrics.OfKiosk(status))
//	mux.Handle("GET /metrics", metrics.Handler(reg, log))
package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Path is where a daemon answers Prometheus.
const Path = "/metrics"

const (
	atOnce = 2 // who asks more often than that is not waiting for the answers
	limit  = 5 * time.Second
)

// New makes the registry of a daemon: itself, its process, and what the collectors tell.
func New(daemon, version string, more ...prometheus.Collector) *prometheus.Registry {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: daemon + "_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	reg := prometheus.NewRegistry()
	reg.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg.MustRegister(more...)
	return reg
}

// Handler answers with what reg gathers, at most two at a time. What cannot be gathered
// is logged and left out.
func Handler(reg *prometheus.Registry, log *slog.Logger) http.Handler {
	h := promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog: logger{log}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: atOnce, Timeout: limit,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		h.ServeHTTP(w, r)
	})
}

// logger is what promhttp wants.
type logger struct{ log *slog.Logger }

// Println logs an error.
func (l logger) Println(v ...any) { l.log.Warn("Metrics not gathered", "error", fmt.Sprint(v...)) }
