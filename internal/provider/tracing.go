package provider

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/config"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/telemetry/tracing"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/provider/metrics"
)

// TracingConfig says where the steps of requests are followed, by OpenTelemetry.
type TracingConfig struct {
	OTLPEndpoint string  `yaml:"otlp_endpoint"` // http(s)://collector:4318; empty: nobody follows
	Sample       float64 `yaml:"sample"`        // share of requests, 0 to 1
}

func (c TracingConfig) validate() []config.Fault {
	var faults []config.Fault
	u, err := url.Parse(c.OTLPEndpoint)
	if c.OTLPEndpoint != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "") {
		faults = append(faults, config.Fault{Path: "tracing.otlp_endpoint", Message: "must be http(s)://host:port, or empty"})
	}
	if c.Sample < 0 || c.Sample > 1 {
		faults = append(faults, config.Fault{Path: "tracing.sample", Message: "must be between 0 and 1"})
	}
	return faults
}

// openTracing begins to follow requests, if the configuration asks for it.
func (r *resources) openTracing(ctx context.Context, c Config, d Deps) error {
	if c.Tracing.OTLPEndpoint == "" {
		return nil
	}
	t, err := tracing.Open(ctx, tracing.Options{
		Endpoint: c.Tracing.OTLPEndpoint, Sample: c.Tracing.Sample, Service: "egide", Version: d.Version, Node: c.Node, Log: d.Log,
	})
	if err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	r.tracer = t
	r.onClose(func() error {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := t.Close(bounded); err != nil {
			d.Log.WarnContext(ctx, "the last spans were not sent", slog.Any("error", err))
		}
		return nil // a collector that is away stops nobody
	})
	return nil
}

// around counts every request, and follows it when somebody wants to see.
func (p *Provider) around(c Config) echo.MiddlewareFunc {
	count, tracer, proxies := p.res.metrics.HTTP, p.res.tracer, networks(c.TrustedProxies)
	if tracer == nil {
		return count
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		counted := count(next)
		return func(c echo.Context) error {
			r := c.Request()
			ctx, span := tracer.Request(r.Context(), r.Header, web.FromProxy(r, proxies))
			c.SetRequest(r.WithContext(ctx))
			err := counted(c)
			span.Answered(metrics.Method(r.Method), metrics.Route(c), metrics.Status(c, err), web.RequestID(c))
			return err
		}
	}
}

// followed is a store whose operations are steps of the request they belong to.
// Keys are not told: they name persons' records.
type followed struct {
	store.KV
	tracer *tracing.Tracer
}

// Put implements store.KV.
func (f followed) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ctx, span := f.tracer.Part(ctx, "store.put")
	err := f.KV.Put(ctx, key, value, ttl)
	span.End(err)
	return err
}

// Get implements store.KV.
func (f followed) Get(ctx context.Context, key string) (store.Item, error) {
	ctx, span := f.tracer.Part(ctx, "store.get")
	item, err := f.KV.Get(ctx, key)
	span.End(err)
	return item, err
}

// Take implements store.KV.
func (f followed) Take(ctx context.Context, key string) ([]byte, error) {
	ctx, span := f.tracer.Part(ctx, "store.take")
	value, err := f.KV.Take(ctx, key)
	span.End(err)
	return value, err
}

// Update implements store.KV.
func (f followed) Update(ctx context.Context, key string, was store.Version, value []byte, ttl time.Duration) (store.Version, error) {
	ctx, span := f.tracer.Part(ctx, "store.update")
	version, err := f.KV.Update(ctx, key, was, value, ttl)
	span.End(err)
	return version, err
}

// Delete implements store.KV.
func (f followed) Delete(ctx context.Context, key string) error {
	ctx, span := f.tracer.Part(ctx, "store.delete")
	err := f.KV.Delete(ctx, key)
	span.End(err)
	return err
}

// observed puts the instruments, and the eyes of a trace, before the store.
func (r *resources) observed(s store.KV) store.KV {
	counted := r.metrics.Store(s)
	if r.tracer == nil {
		return counted
	}
	return followed{counted, r.tracer}
}
