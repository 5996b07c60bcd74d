package provider

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/egide-id/egide/internal/platform/clock"
)

// stale makes the next question a fresh one.
func (r *readiness) stale() { r.at = time.Time{} }

func TestHA4ReadyWhenEverythingIsThere(t *testing.T) {
	p, _ := node(t, Production)
	if rec := get(p, "/readyz"); rec.Code != http.StatusNoContent {
		t.Errorf("readyz: %d, missing %v", rec.Code, p.missing(t.Context()))
	}
	if rec := get(p, "/healthz"); rec.Code != http.StatusNoContent {
		t.Errorf("healthz: %d", rec.Code)
	}
}

// HA4: what is gone is told at the next question, and only that; a stranger who
// asks learns no name (PG6).
func TestHA4EachPartThatIsGoneMakesTheNodeUnready(t *testing.T) {
	p, _ := node(t, Production)
	for _, k := range p.ready.checks {
		ask := k.ask
		k.ask = func(context.Context) error { return errors.New("gone") }
		p.ready.stale()
		rec := get(p, "/readyz")
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" || rec.Body.Len() > 0 {
			t.Errorf("%s gone: %d, Retry-After %q, %s", k.name, rec.Code, rec.Header().Get("Retry-After"), rec.Body)
		}
		if got := p.missing(t.Context()); !slices.Equal(got, []string{k.name}) {
			t.Errorf("%s gone: missing %v", k.name, got)
		}
		k.ask = ask
		p.ready.stale()
		if rec := get(p, "/readyz"); rec.Code != http.StatusNoContent {
			t.Errorf("%s back: %d", k.name, rec.Code)
		}
	}
}

// A part that hangs is gone within the second, and is not asked again until it
// has let go.
func TestHA4AttackPartThatHangs(t *testing.T) {
	p, _ := node(t, Production)
	var asked atomic.Int64
	release := make(chan struct{})
	hung := p.ready.checks[1]
	hung.ask = func(context.Context) error { asked.Add(1); <-release; return nil }
	var now clock.System
	from := now.Now()
	for range 3 {
		p.ready.stale()
		if got := p.missing(t.Context()); !slices.Equal(got, []string{hung.name}) {
			t.Errorf("missing %v", got)
		}
	}
	if took := now.Now().Sub(from); took > 2*time.Second || asked.Load() != 1 {
		t.Errorf("%d questions in %s", asked.Load(), took)
	}
	close(release)
	for hung.busy.Load() {
		p.ready.stale()
	}
}

// A thousand load balancers cost the store one probe.
func TestHA4ManyWhoAskShareOneAnswer(t *testing.T) {
	p, _ := node(t, Production)
	var asked atomic.Int64
	p.ready.checks[0].ask = func(context.Context) error { asked.Add(1); return nil }
	p.ready.stale()
	for range 1000 {
		p.ready.look(t.Context())
	}
	if asked.Load() > 4 {
		t.Errorf("%d probes", asked.Load())
	}
}

// HA7: a node that lives in another hour does not serve.
func TestHA7ClockFarFromTheOthersIsUnready(t *testing.T) {
	p, _ := node(t, Production)
	now := clock.System{}.Now()
	for drift, sane := range map[time.Duration]bool{0: true, 30 * time.Second: true, -30 * time.Second: true, 6 * time.Minute: false, -6 * time.Minute: false} {
		p.res.storeTime = func(context.Context) (time.Time, error) { return now.Add(drift), nil }
		if err := p.res.clockSane(t.Context(), now); (err == nil) != sane {
			t.Errorf("%s: %v", drift, err)
		}
	}
	p.res.storeTime = nil // alone: by what it made itself
	if err := p.res.clockSane(t.Context(), now); err != nil {
		t.Error(err)
	}
	if err := p.res.clockSane(t.Context(), now.Add(-time.Hour)); err == nil {
		t.Error("a clock from before the keys is taken")
	}
}

func TestReadinessIsLoggedOnceAChange(t *testing.T) {
	p, _ := node(t, Production)
	var out strings.Builder
	p.ready.log = slog.New(slog.NewTextHandler(&out, nil))
	ask := p.ready.checks[1].ask
	p.ready.checks[1].ask = func(context.Context) error { return errors.New("gone") }
	for range 3 {
		p.ready.stale()
		p.ready.look(t.Context())
	}
	p.ready.checks[1].ask = ask
	p.ready.stale()
	p.ready.look(t.Context())
	if got := out.String(); strings.Count(got, "not ready") != 1 || strings.Count(got, "ready again") != 1 || !strings.Contains(got, "check=store") {
		t.Error(got)
	}
}
