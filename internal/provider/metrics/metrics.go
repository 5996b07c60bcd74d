// Package metrics counts what a node does, for Prometheus. Names follow its
// conventions: egide_<subsystem>_<unit>, base units, _total for counters.
//
// No label holds anything a stranger chose: routes are patterns, methods and
// reasons come from closed lists, clients are registered ones and bounded in
// number. Whoever can send requests must not be able to make series.
package metrics

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the instruments of one node. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	inFlight prometheus.Gauge

	logins        *prometheus.CounterVec
	loginRefusals *prometheus.CounterVec
	tokens        *prometheus.CounterVec
	families      *prometheus.CounterVec
	sessions      *prometheus.CounterVec
	refusals      *prometheus.CounterVec
	changes       *prometheus.CounterVec

	records       *prometheus.CounterVec
	recordLatency prometheus.Histogram
	recordsLost   prometheus.Counter

	store       *prometheus.HistogramVec
	storeFailed *prometheus.CounterVec
	signatures  *prometheus.HistogramVec
	pushes      *prometheus.CounterVec

	clients, reasons bounded
}

// fast are buckets for what takes microseconds to a second; slow ones for answers.
func fast() []float64 {
	return []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1}
}

func slow() []float64 {
	return []float64{500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 10, 30}
}

// New makes the instruments in a registry of their own.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), clients: bounded{limit: 256}, reasons: bounded{limit: 128}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.requests = counter("egide_http_requests_total", "Answers, by the pattern of the route, method and status.", "route", "method", "code")
	m.latency = histogram("egide_http_request_duration_seconds", "Time to answer, by the pattern of the route; long polls and streams take as long as they wait.", slow(), "route")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "egide_http_requests_in_flight", Help: "Requests being answered."})

	m.logins = counter("egide_logins_total", "Logins that ended, by means and outcome.", "means", "outcome")
	m.loginRefusals = counter("egide_login_refusals_total", "Logins refused, by public reason.", "reason")
	m.tokens = counter("egide_tokens_issued_total", "Token answers, by client and grant.", "client", "grant")
	m.families = counter("egide_token_families_revoked_total", "Token families that died, by reason.", "reason")
	m.sessions = counter("egide_sessions_ended_total", "Sessions ended, by reason.", "reason")
	m.refusals = counter("egide_refusals_total", "Vain tries of callers who have proven nothing, by kind.", "kind")
	m.changes = counter("egide_config_changes_total", "Configurations and certificates found changed, by outcome: refused ones leave the old in force.", "outcome")

	m.records = counter("egide_audit_records_total", "Traces made durable, by event.", "event")
	m.recordLatency = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "egide_audit_write_duration_seconds", Help: "Time until a trace is durable.", Buckets: fast()})
	m.recordsLost = prometheus.NewCounter(prometheus.CounterOpts{Name: "egide_audit_write_failures_total", Help: "Traces that could not be made durable; each refused an act."})

	m.store = histogram("egide_store_operation_duration_seconds", "Time of one operation of the short-lived store.", fast(), "operation")
	m.storeFailed = counter("egide_store_failures_total", "Operations that the short-lived store could not confirm.", "operation")
	m.signatures = histogram("egide_signature_duration_seconds", "Time of one signature, by algorithm.", fast(), "alg")
	m.pushes = counter("egide_pushes_total", "Pushes handed to push services, by outcome.", "outcome")

	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "egide_build_info", Help: "Always 1; what runs."}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.inFlight, m.recordLatency, m.recordsLost, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.begin()
	return m
}

// begin shows counters at zero that an alert waits for: without it their first
// step would go unseen.
func (m *Metrics) begin() {
	m.changes.WithLabelValues("accepted")
	m.changes.WithLabelValues("refused")
	for _, op := range operations {
		m.storeFailed.WithLabelValues(op)
	}
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// Gatherer is for tests that read the names.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }
