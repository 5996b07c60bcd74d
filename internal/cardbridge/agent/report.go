package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
)

// pauses between tries to reach a provider, half a minute in all.
func pauses() []time.Duration {
	return []time.Duration{0, 250 * time.Millisecond, time.Second, 3 * time.Second, 9 * time.Second, 17 * time.Second}
}

// report tells a provider that the card of a login has left; it is tried again
// for half a minute, and once more when the bridge stops meanwhile.
func (a *Agent) report(ctx context.Context, origin string, removal cps.Removal) {
	for _, pause := range pauses() {
		if pause > 0 {
			a.pause(ctx, pause)
		}
		if a.post(context.WithoutCancel(ctx), origin, removal) {
			return
		}
		if ctx.Err() != nil {
			break
		}
	}
	a.Log.ErrorContext(ctx, "the provider does not know that the card was pulled", slog.String("provider", origin))
}

// post tells whether the provider has taken the report, or refused it for good.
// It is bounded by the client's own deadline.
func (a *Agent) post(ctx context.Context, origin string, removal cps.Removal) bool {
	body, err := json.Marshal(removal) //nolint:gosec // the secret's one way to its provider
	if err != nil {
		return true // two strings: cannot fail
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, origin+cps.RemovalPath, bytes.NewReader(body)) //nolint:gosec // an origin of our own configuration
	if err != nil {
		return true // cannot fail
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := a.HTTP.Do(req) //nolint:gosec // as above
	if err == nil {
		err = res.Body.Close()
	}
	switch {
	case err != nil || res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests:
		a.Log.WarnContext(ctx, "a pulled card could not be reported", slog.String("provider", origin), slog.Any("error", err))
		return false
	case res.StatusCode >= http.StatusMultipleChoices:
		a.Log.ErrorContext(ctx, "the provider refused the report of a pulled card", slog.String("provider", origin), slog.String("status", res.Status))
	}
	return true
}
