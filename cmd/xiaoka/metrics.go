package main

import (
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// meters is what operators watch. Labels are routes, outcomes and kinds, never
// people.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec // HTTP by route and status class
	messages *prometheus.HistogramVec // chat by app, route and outcome
	pushes   *prometheus.CounterVec   // by kind and outcome
	dead     *prometheus.CounterVec   // pushes that failed for good, by kind and reason
	hashes   prometheus.Counter       // query-password hashes evaluated
	refused  *prometheus.CounterVec   // presses of cards that were not the presser's, by app

	capped    prometheus.Counter // codes refused because too many went out to everybody
	suspended prometheus.Counter // machines that saw too many wrong passwords
}

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "xiaoka_http_request_seconds", Help: "Time to answer an HTTP request.",
			Buckets: []float64{.005, .02, .1, .5, 1, 2.5, 5}}, []string{"route", "status"}),
		messages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "xiaoka_chat_message_seconds", Help: "Time to answer a chat message or event.",
			Buckets: []float64{.01, .05, .2, 1, 2.5, 5}}, []string{"app", "route", "outcome"}),
		pushes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "xiaoka_pushes_total", Help: "Pushes by kind and outcome."}, []string{"kind", "outcome"}),
		dead:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "xiaoka_pushes_dead_total", Help: "Pushes that failed for good."}, []string{"kind", "reason"}),
		hashes: prometheus.NewCounter(prometheus.CounterOpts{Name: "xiaoka_password_hashes_total", Help: "Query-password hashes evaluated."}),
		capped: prometheus.NewCounter(prometheus.CounterOpts{Name: "xiaoka_codes_capped_total",
			Help: "Codes refused because otp.hourly_max went out to everybody within an hour. Above 0 is an alarm."}),
		suspended: prometheus.NewCounter(prometheus.CounterOpts{Name: "xiaoka_kiosk_suspensions_total",
			Help: "Machines suspended for too many wrong query passwords. Above 0 is an alarm."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "xiaoka_card_presses_refused_total", Help: "Presses of cards that were not sent to the person."}, []string{"app"}),
	}
	m.registry.MustRegister(m.requests, m.messages, m.pushes, m.dead, m.hashes, m.refused, m.capped, m.suspended, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// own is the second address: metrics and profiles, for operators only.
func (m *meters) own() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// loopbackOnly serves callers on this machine and nobody behind a proxy.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		ip := net.ParseIP(host)
		forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Real-Ip") != ""
		if err != nil || ip == nil || !ip.IsLoopback() || forwarded {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// watch measures every request by the pattern it matched.
func (m *meters) watch(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		mux.ServeHTTP(seen, r)
		route := r.Pattern
		if route == "" {
			route = "none"
		}
		m.requests.WithLabelValues(route, strconv.Itoa(seen.status/100)+"xx").Observe(time.Since(begun).Seconds())
	})
}

// statusWriter remembers the status for the metric.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
