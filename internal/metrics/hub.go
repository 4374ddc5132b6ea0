package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// OfHub tells how many links are open, and whether the hub can do its work, which ready
// is asked.
func OfHub(links func() int, ready func(context.Context) error) prometheus.Collector {
	return collected{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hubd_links", Help: "Kiosks' links that are open to this hub."},
			func() float64 { return float64(links()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "hubd_ready", Help: "1 while database and disk let the hub do its work."},
			func() float64 {
				ctx, cancel := context.WithTimeout(context.Background(), limit/2)
				defer cancel()
				return truth(ready(ctx) == nil)
			}),
	}
}

// collected are several collectors as one.
type collected []prometheus.Collector

// Describe asks each.
func (all collected) Describe(to chan<- *prometheus.Desc) {
	for _, c := range all {
		c.Describe(to)
	}
}

// Collect asks each.
func (all collected) Collect(to chan<- prometheus.Metric) {
	for _, c := range all {
		c.Collect(to)
	}
}

// Requests counts a server's answers by route and status, and how long they took.
type Requests struct {
	collected

	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// NewRequests has counted nothing.
func NewRequests() *Requests {
	r := &Requests{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hubd_answers_total", Help: "Answers to kiosks, but for those that open links.",
		}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hubd_answer_seconds", Help: "How long kiosks waited for their answers.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 30},
		}, []string{"route"}),
	}
	r.collected = collected{r.answers, r.seconds}
	return r
}

// Of counts what next answers. Routes are the patterns of its mux: what no route fits
// counts as "none", so that strangers make no labels.
func (q *Requests) Of(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" { // it takes the connection, for hours
			next.ServeHTTP(w, r)
			return
		}
		began := time.Now()
		n := &noted{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(n, r)
		route := r.Pattern
		if route == "" {
			route = "none"
		}
		q.answers.WithLabelValues(route, strconv.Itoa(n.status)).Inc()
		q.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
	})
}

// noted remembers the status.
type noted struct {
	http.ResponseWriter

	status int
}

// WriteHeader notes it.
func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets handlers reach what the server can do besides.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
