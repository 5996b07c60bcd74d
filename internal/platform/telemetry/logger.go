// Package telemetry sets up logs: structured, tied to the request they belong
// to, and without secrets whatever a caller hands over.
//
// Logs are for operators and may be lost; what must be proven later is a trace
// (package audit).
package telemetry

import (
	"context"
	"io"
	"log/slog"
)

// Formats and levels that NewLogger knows; the configuration checks against them.
var (
	formats = []string{"json", "text"}
	levels  = map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
)

// KnownFormat tells whether NewLogger knows the format.
func KnownFormat(format string) bool { return format == formats[0] || format == formats[1] }

// KnownLevel tells whether NewLogger knows the level.
func KnownLevel(level string) bool { _, ok := levels[level]; return ok }

// NewLogger makes the process's logger. An unknown level is info, an unknown
// format JSON: a service must never start without a log.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: levels[level], ReplaceAttr: redact}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if format == "text" {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(handler{h})
}

// handler adds to every record the request it belongs to.
type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r = r.Clone() // the caller may reuse the record's attributes
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

type requestIDKey struct{}

// WithRequestID ties everything logged under the context to one request.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID gives the request of the context, empty if there is none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
