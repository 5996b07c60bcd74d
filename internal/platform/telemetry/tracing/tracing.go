// Package tracing follows requests through the house with OpenTelemetry, when an
// operator asks for it. A span says which route, which part, how long and how it
// ended; it never carries an identifier of a person, a token, a key or a query.
//
// The provider of spans is ours, not the process's global one: libraries that
// trace by themselves (zitadel/oidc does, with the names of its own types) stay silent.
package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Options say where spans go.
type Options struct {
	Endpoint string  // OTLP over HTTP: https://collector.example:4318
	Sample   float64 // share of requests that begin here, 0 to 1; those of a trusted proxy follow its choice
	Service  string
	Version  string
	Node     string
	Log      *slog.Logger
}

// Tracer makes spans. A nil Tracer makes none and costs a comparison.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	remote   propagation.TraceContext
}

// Open begins to export. Nothing is sent yet; a collector that is away costs
// spans, never an answer.
func Open(ctx context.Context, o Options) (*Tracer, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" {
		return nil, fault.New(fault.Invalid, "", "the collector's address is no URL")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.JoinPath("v1", "traces").String()))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "spans cannot be exported", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // the library has one for the whole process
		o.Log.WarnContext(ctx, "spans are lost", slog.Any("error", err))
	}))
	p := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Sample))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", o.Service), attribute.String("service.version", o.Version), attribute.String("service.instance.id", o.Node),
		)),
	)
	return &Tracer{provider: p, tracer: p.Tracer("egide")}, nil
}

// Request opens the span of a request. The caller's place in a larger trace is
// believed only when he is trusted: a stranger could else force every one of his
// requests to be recorded, or hang it into somebody else's trace.
func (t *Tracer) Request(ctx context.Context, h http.Header, trusted bool) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	if trusted {
		ctx = t.remote.Extract(ctx, propagation.HeaderCarrier(h))
	}
	ctx, s := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, &Span{s}
}

// Part opens the span of a step inside a request: "store.put", "audit.record".
func (t *Tracer) Part(ctx context.Context, name string) (context.Context, *Span) {
	if t == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, nil
	}
	ctx, s := t.tracer.Start(ctx, name)
	return ctx, &Span{s}
}

// Close sends what waits.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Span is one step; nil when nobody follows it.
type Span struct{ span trace.Span }

// Answered ends the span of a request.
func (s *Span) Answered(method, route string, status int, request string) {
	if s == nil {
		return
	}
	s.span.SetName(method + " " + route)
	s.span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", status), attribute.String("egide.request_id", request))
	if status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// End ends the span of a part. Of a failure it tells the kind alone: the text of
// an error may hold what a span must not.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		kind := fault.KindOf(err)
		s.span.SetAttributes(attribute.String("egide.fault", kind.String()))
		if kind == fault.Unavailable || kind == fault.Internal {
			s.span.SetStatus(codes.Error, "")
		}
	}
	s.span.End()
}
