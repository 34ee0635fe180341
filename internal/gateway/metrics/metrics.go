// Package metrics counts and times what a gateway does, for Prometheus.
//
// What is counted as it happens comes by [gateway.Meter] and by the middleware
// [Metrics.Calls]; what has a state is asked for when somebody looks. Nothing here
// is about a customer: the values of every label are words that the program has,
// so there are as many series for one relationship as for a million. Labels holds
// the complete list, and a test holds the program against it.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// Metrics are those of one gateway. It implements [gateway.Meter].
type Metrics struct {
	registry *prometheus.Registry

	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	inHand   *prometheus.GaugeVec
	entries  *prometheus.CounterVec
	commits  *prometheus.HistogramVec
	system   *prometheus.CounterVec
	systemIn *prometheus.HistogramVec
}

var _ gateway.Meter = (*Metrics)(nil)

// Routes are the values of the label route: each call is one of them.
var Routes = []string{"discovery", "open", "sync", "wait", "health", "desk", "other"}

// Labels are all labels, and all values that each can have.
func Labels() map[string][]string {
	var kinds, calls, statuses []string
	for _, k := range firsthand.Kinds() {
		kinds = append(kinds, string(k))
	}
	for _, c := range gateway.Calls {
		calls = append(calls, string(c))
	}
	for _, s := range gateway.Counted {
		statuses = append(statuses, string(s))
	}
	return map[string][]string{
		"route":   Routes,
		"status":  append(statuses, "1xx", "2xx", "3xx", "4xx", "429", "5xx"),
		"side":    {"first", "second"},
		"kind":    append(kinds, "other"),
		"call":    calls,
		"outcome": {"ok", "invalid", "denied", "not exist", "conflict", "unavailable", "internal", "unsupported", "canceled"},
		"when":    {"open", "overdue"},
		"system":  {gateway.Records.Member(), gateway.Tickets.Member()},
	}
}

// Names are those of all metrics of the gateway's own, without those of the process
// and the runtime.
func Names() (all []string) {
	m := New("")
	m.Watch(nil, nil, nil, nil)
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		m.registry.Describe(descs)
	}()
	for d := range descs {
		if name, ok := strings.CutPrefix(d.String(), `Desc{fqName: "firsthand_`); ok {
			name, _, _ = strings.Cut(name, `"`)
			all = append(all, "firsthand_"+name)
		}
	}
	return all
}

// From a fast disk's sync to the longest that a call may take.
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}

// New returns Metrics of a gateway that was built as version.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "firsthand_calls_total",
			Help: "HTTP calls that were answered. Those of route wait brought nothing and were open for news."}, []string{"route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "firsthand_call_seconds",
			Help: "How long HTTP calls took. Those of route wait take as long as there is no news.", Buckets: seconds}, []string{"route"}),
		inHand: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "firsthand_calls_in_hand",
			Help: "HTTP calls that are being answered, or wait for news."}, []string{"route"}),
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "firsthand_entries_total",
			Help: "Entries that were committed, of customers (first) and of the company (second)."}, []string{"side", "kind"}),
		commits: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "firsthand_store_commit_seconds",
			Help: "How long commits took until they were durable.", Buckets: seconds}, []string{"outcome"}),
		system: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "firsthand_connector_calls_total",
			Help: "Calls of the company's systems, and how they ended."}, []string{"system", "call", "outcome"}),
		systemIn: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "firsthand_connector_call_seconds",
			Help: "How long calls of the company's systems took.", Buckets: seconds}, []string{"system", "call"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "firsthand_build_info", Help: "1; the label says which program this is.",
		ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.calls, m.took, m.inHand, m.entries, m.commits, m.system, m.systemIn, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.expect(gateway.Records)
	return m
}

// expect has the counters of a system begin: a rate begins at 0, and an alert can't wait
// for a first error.
func (m *Metrics) expect(lane gateway.Lane) {
	for _, call := range gateway.Calls {
		m.system.WithLabelValues(lane.Member(), string(call), "ok")
		m.system.WithLabelValues(lane.Member(), string(call), "unavailable")
	}
}

// Committed implements [gateway.Meter].
func (m *Metrics) Committed(took time.Duration, err error) {
	m.commits.WithLabelValues(outcome(err)).Observe(took.Seconds())
}

// Entry implements [gateway.Meter].
func (m *Metrics) Entry(side firsthand.Side, kind firsthand.Kind) {
	if !slices.Contains(firsthand.Kinds(), kind) {
		kind = "other" // of a later protocol: the customer has chosen the word
	}
	name := "first"
	if side == firsthand.Second {
		name = "second"
	}
	m.entries.WithLabelValues(name, string(kind)).Inc()
}

// Called implements [gateway.Meter].
func (m *Metrics) Called(lane gateway.Lane, call gateway.Call, took time.Duration, err error) {
	m.system.WithLabelValues(lane.Member(), string(call), outcome(err)).Inc()
	m.systemIn.WithLabelValues(lane.Member(), string(call)).Observe(took.Seconds())
}

// Handler serves the metrics. What goes wrong in it is for log.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError, // half of the picture is better than none
		MaxRequestsInFlight: 4,
		Registry:            m.registry,
	})
}

// Gatherer returns what is registered, for tests.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// A Gateway is what is asked for its state.
type Gateway interface {
	Vitals() gateway.Vitals
}

// Watch adds the state of g and, where the store can count, what it has. ready
// reports whether the process takes calls, and has not begun to stop.
func (m *Metrics) Watch(g Gateway, store gateway.Store, ready func() bool, log *slog.Logger) {
	if g != nil {
		for _, s := range g.Vitals().Systems {
			m.expect(s.Lane)
		}
	}
	counter, _ := store.(gateway.Counter)
	m.registry.MustRegister(&state{gateway: g, store: counter, ready: ready, log: log, now: time.Now})
}

// countEvery is how old counts may be: whoever asks more often gets the last ones,
// so that the store has no work from being looked at.
const countEvery = 10 * time.Second

// countTime is how long counting may take before the rest is answered without it.
const countTime = 5 * time.Second

// state collects what is asked for when somebody looks.
type state struct {
	gateway Gateway
	store   gateway.Counter // nil if it can't count
	ready   func() bool
	log     *slog.Logger
	now     func() time.Time

	mu      sync.Mutex // held while counting
	counted time.Time
	counts  gateway.Counts
	failed  bool
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("firsthand_"+name, help, labels, nil)
}

var (
	descReady         = describe("ready", "1 while the gateway takes calls, 0 once it has been told to stop.")
	descBroken        = describe("connector_broken", "1 while a system of the company's is left alone for a while, since calls of it failed.", "system")
	descPolled        = describe("connector_poll_age_seconds", "How long ago a system of the company's was asked for changes with success.", "system")
	descPolls         = describe("connector_polls_failed", "Attempts to ask for changes that failed since.", "system")
	descSick          = describe("relationships_resting", "Relationships that are left alone for a while after an error of the gateway's own.")
	descMoving        = describe("rotation_unfinished", "1 while relationships may be left that have not reached the company's key in force.")
	descCounted       = describe("store_counted", "1 if the store could be counted; else what follows from it is missing.")
	descRelationships = describe("relationships", "Relationships that the store has.")
	descOutbox        = describe("outbox", "Deliveries that have not come to an end.", "system", "status")
	descOldest        = describe("outbox_oldest_seconds", "How long ago the customer wrote what the oldest delivery of that status is about; 0 if there is none.", "system", "status")
	descDuties        = describe("duties", "What the company owes a customer: all of it, and what is overdue.", "when")
)

// Describe implements [prometheus.Collector].
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descReady, descBroken, descPolled, descPolls, descSick, descMoving, descCounted,
		descRelationships, descOutbox, descOldest, descDuties} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *state) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now, v := s.now(), s.gateway.Vitals()
	gauge(descReady, number(s.ready()))
	for _, sys := range v.Systems {
		gauge(descBroken, number(sys.Broken), sys.Lane.Member())
		gauge(descPolled, max(0, now.Sub(sys.Polled).Seconds()), sys.Lane.Member())
		gauge(descPolls, float64(sys.Failed), sys.Lane.Member())
	}
	gauge(descSick, float64(v.Sick))
	gauge(descMoving, number(v.Unmoved))
	if s.store == nil {
		return
	}
	counts, ok := s.count(now)
	gauge(descCounted, number(ok))
	if !ok {
		return
	}
	gauge(descRelationships, float64(counts.Relationships))
	lines := make(map[gateway.Line]gateway.Line)
	lanes := make(map[gateway.Lane]bool) // of which something is to be told
	for _, l := range counts.Lines {
		lines[gateway.Line{Lane: l.Lane, Status: l.Status}], lanes[l.Lane] = l, true
	}
	for _, sys := range v.Systems {
		lanes[sys.Lane] = true
	}
	for lane := range lanes {
		for _, status := range gateway.Counted { // also those of which there are none
			l, age := lines[gateway.Line{Lane: lane, Status: status}], 0.0
			if !l.Oldest.IsZero() {
				age = max(0, now.Sub(l.Oldest).Seconds())
			}
			gauge(descOutbox, float64(l.N), lane.Member(), string(status))
			gauge(descOldest, age, lane.Member(), string(status))
		}
	}
	var all, overdue int64
	for due, n := range counts.Duties {
		if all += n; due.Over(now) {
			overdue += n
		}
	}
	gauge(descDuties, float64(all), "open")
	gauge(descDuties, float64(overdue), "overdue")
}

// count returns counts that are not too old.
func (s *state) count(now time.Time) (gateway.Counts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.counted); age >= 0 && age < countEvery {
		return s.counts, !s.failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), countTime)
	defer cancel()
	var err error
	if s.counts, err = s.store.Counts(ctx); err != nil {
		s.log.Warn("count for metrics", "err", err)
	}
	s.counted, s.failed = now, err != nil
	return s.counts, err == nil
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// outcome names how something ended.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case isCanceled(err):
		return "canceled"
	case isUnsupported(err):
		return "unsupported"
	}
	name := fault.KindOf(err).Error()
	if strings.HasPrefix(name, "kind ") {
		return fault.Internal.Error()
	}
	return name
}
