package oauth

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
)

// body is the JSON of RFC 6749 5.2.
type body struct {
	Error       Code   `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Write answers the error as JSON with its status and headers.
func (e *Error) Write(w http.ResponseWriter) error {
	b, err := json.Marshal(body{Error: e.Code, Description: e.Description})
	if err != nil {
		return err
	}
	h := w.Header()
	e.headers(h)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, err = w.Write(b)
	return err
}

// Log tells the operator what the client was not told. Only failures of ours
// are errors: a client's mistake must not wake anybody at night.
func (e *Error) Log(ctx context.Context, log *slog.Logger) {
	level := slog.LevelDebug
	switch e.Code {
	case ServerError:
		level = slog.LevelError
	case TemporarilyUnavailable:
		level = slog.LevelWarn
	default:
	}
	cause := ""
	if e.cause != nil {
		cause = e.cause.Error()
	}
	log.LogAttrs(ctx, level, "request refused",
		slog.String("error", string(e.Code)),
		slog.Int("status", e.Status),
		slog.String("description", e.Description),
		slog.String("cause", cause))
}
