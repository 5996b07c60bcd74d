package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sample is one reading of a state, with the values of its labels.
type Sample struct {
	Value  float64
	Labels []string
}

// State is something that is read when somebody asks, and costs nothing until then.
type State struct {
	Name, Help string
	Labels     []string
	Read       func(context.Context) ([]Sample, error)
}

// patience bounds all that one scrape reads.
const patience = 5 * time.Second

// Observe adds a state. One that cannot be read is left out of the answer, and
// an alert on its absence tells.
func (m *Metrics) Observe(s State) {
	m.registry.MustRegister(&state{s, prometheus.NewDesc(s.Name, s.Help, s.Labels, nil)})
}

// Outbox adds the depth of an outbox: what waits, and what was given up.
func (m *Metrics) Outbox(depths func(context.Context) (map[string]Depth, error)) {
	m.Observe(State{
		Name: "egide_outbox_messages", Help: "Messages in the outboxes, by state: waiting ones will be tried again, dead ones not.",
		Labels: []string{"outbox", "state"},
		Read: func(ctx context.Context) ([]Sample, error) {
			found, err := depths(ctx)
			var all []Sample
			for name, d := range found {
				all = append(all, Sample{float64(d.Waiting), []string{name, "waiting"}}, Sample{float64(d.Dead), []string{name, "dead"}})
			}
			return all, err
		},
	})
}

// Depth is what an outbox holds.
type Depth struct{ Waiting, Dead int64 }

type state struct {
	State
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *state) Describe(out chan<- *prometheus.Desc) { out <- s.desc }

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	samples, err := s.Read(ctx)
	if err != nil {
		return
	}
	for _, x := range samples {
		out <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, x.Value, x.Labels...)
	}
}
