package provider

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/telemetry/tracing"
	"github.com/egide-id/egide/internal/provider/metrics"
	"github.com/egide-id/egide/internal/trust/audit"
)

// MetricsConfig says where Prometheus may ask. Not among the public listeners:
// the numbers are the operator's.
type MetricsConfig struct {
	Listen string `yaml:"listen"` // host:port, loopback or an operator's network; empty: on the admin socket only
}

// traces are the log of the node under the eye of its instruments.
type traces struct {
	*audit.Log
	metrics *metrics.Metrics
	tracer  *tracing.Tracer
}

// Record implements audit.Recorder.
func (t *traces) Record(ctx context.Context, e audit.Event) error {
	ctx, span := t.tracer.Part(ctx, "audit.record")
	from := clock.System{}.Now() // real time, whatever the sandbox does to its clock
	err := t.Log.Record(ctx, e)
	span.End(err)
	t.metrics.Recorded(e, clock.System{}.Now().Sub(from), err)
	return err
}

// Failure counts a vain try, for the traces and for the operator.
func (t *traces) Failure(ctx context.Context, f audit.Failure) {
	t.metrics.Refused(f)
	t.Log.Failure(ctx, f)
}

// observe adds what is read when somebody asks.
func (p *Provider) observe() {
	m, r := p.res.metrics, p.res
	m.Outbox(p.outboxes)
	one := func(v float64) []metrics.Sample { return []metrics.Sample{{Value: v}} }
	m.Observe(metrics.State{
		Name: "egide_register_published_timestamp_seconds", Help: "When the register in service was published.",
		Read: func(ctx context.Context) ([]metrics.Sample, error) {
			info, err := r.register.Info(ctx)
			return one(float64(info.At.Unix())), err
		},
	})
	m.Observe(metrics.State{
		Name: "egide_register_persons", Help: "Persons in the register in service.",
		Read: func(ctx context.Context) ([]metrics.Sample, error) {
			info, err := r.register.Info(ctx)
			return one(float64(info.Persons)), err
		},
	})
	m.Observe(metrics.State{
		Name: "egide_audit_unproven_records", Help: "Durable traces that no signed checkpoint covers yet.",
		Read: func(ctx context.Context) ([]metrics.Sample, error) {
			proven, err := r.traces.Integrated(ctx)
			return one(float64(r.traces.Recorded()) - float64(proven)), err
		},
	})
	m.Observe(metrics.State{
		Name: "egide_certificate_not_after_timestamp_seconds", Help: "When the certificate in use ends.", Labels: []string{"file"},
		Read: func(context.Context) ([]metrics.Sample, error) {
			var all []metrics.Sample
			for _, c := range p.certificates.all() {
				all = append(all, metrics.Sample{Value: float64(c.Leaf().NotAfter.Unix()), Labels: []string{c.File()}})
			}
			return all, nil
		},
	})
	m.Observe(metrics.State{
		Name: "egide_ready", Help: "1 when this node may be sent people; what is missing is in its log and on its admin socket.",
		Read: func(ctx context.Context) ([]metrics.Sample, error) {
			if len(p.missing(ctx)) > 0 {
				return one(0), nil
			}
			return one(1), nil
		},
	})
}

// outboxes are the depths of all outboxes; a new one adds itself here.
func (p *Provider) outboxes(ctx context.Context) (map[string]metrics.Depth, error) {
	waiting, dead, err := p.res.outbox.Depth(ctx)
	if err != nil {
		return nil, err
	}
	untold, given, err := p.res.notices.Depth(ctx)
	return map[string]metrics.Depth{"letters": {Waiting: waiting, Dead: dead}, "notices": {Waiting: untold, Dead: given}}, err
}

// metricsListener is where Prometheus asks, if the configuration has a place for it.
func (p *Provider) metricsListener(ctx context.Context) ([]listener, error) {
	if p.config.Metrics.Listen == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.Metrics.Listen)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.res.metrics.Handler())
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(p.readyStatus(w, r)) })
	return []listener{{"metrics", l, mux}}, nil
}
