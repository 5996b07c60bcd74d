package provider

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/trust/signing"
)

const (
	fresh         = 500 * time.Millisecond // an answer about readiness serves all who ask meanwhile
	checkPatience = time.Second            // with fresh: a part that is gone shows within 2 s (HA4)
	probeLife     = time.Second            // of the record that the store is asked to take
	maxDrift      = 5 * time.Minute        // HA7
)

// check is one thing without which this node cannot do its work.
type check struct {
	name string
	ask  func(context.Context) error
	busy atomic.Bool
}

// run asks, and does not wait for a part that hangs: until it lets go it counts
// as gone, and nobody else is sent after it.
func (k *check) run(ctx context.Context) error {
	if !k.busy.CompareAndSwap(false, true) {
		return fault.New(fault.Unavailable, "", "the last question is not answered yet")
	}
	answer := make(chan error, 1)
	go func() {
		err := k.ask(ctx)
		k.busy.Store(false)
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readiness knows whether a load balancer should send people here.
type readiness struct {
	checks []*check
	log    *slog.Logger

	mu      sync.Mutex
	at      time.Time
	failing []string
}

// newReadiness lists what a node needs. Metadata and keys are served without any of it (HA4).
func (p *Provider) newReadiness() *readiness {
	r, node := p.res, p.config.Node
	return &readiness{log: p.deps.Log, checks: []*check{
		{name: "traces", ask: func(context.Context) error { return r.traces.Healthy() }},
		{name: "store", ask: func(ctx context.Context) error { return takesWrites(ctx, r.kv, node) }},
		{name: "database", ask: func(ctx context.Context) error {
			var one int
			return r.db.Read().QueryRowContext(ctx, "SELECT 1").Scan(&one)
		}},
		{name: "keys", ask: func(context.Context) error { return active(r.keys) }},
		{name: "key folder", ask: func(context.Context) error { return r.accord.healthy() }},
		{name: "register", ask: func(ctx context.Context) error { _, err := r.register.Info(ctx); return err }},
		{name: "clock", ask: func(ctx context.Context) error { return r.clockSane(ctx, clock.System{}.Now()) }},
	}}
}

// takesWrites asks the store for a write: a replica, or a full disk, still reads.
func takesWrites(ctx context.Context, kv store.KV, node string) error {
	err := kv.Put(ctx, "ready:"+node, []byte{1}, probeLife)
	if fault.Is(err, fault.Conflict) {
		return nil // the last probe lives still
	}
	return err
}

func active(keys *signing.Keys) error {
	if !slices.ContainsFunc(keys.List(), func(k signing.KeyInfo) bool { return k.State == signing.Active }) {
		return fault.New(fault.Unavailable, "", "no key is active")
	}
	return nil
}

// clockSane compares this machine's clock with the shared store's, or, alone, with
// what it has already seen (HA7): tokens of a node that lives in another hour are
// refused elsewhere.
func (r *resources) clockSane(ctx context.Context, now time.Time) error {
	if r.storeTime != nil {
		there, err := r.storeTime(ctx)
		if err != nil {
			return err
		}
		if d := now.Sub(there).Abs(); d > maxDrift {
			return fault.New(fault.Unavailable, "", "the clock is "+d.Round(time.Second).String()+" away from the store's")
		}
		return nil
	}
	for _, k := range r.keys.List() {
		if k.Created.Sub(now) > maxDrift {
			return fault.New(fault.Unavailable, "", "the clock is before the making of our keys")
		}
	}
	return nil
}

// look gives the names of what fails, freshly asked or as of a moment ago.
func (r *readiness) look(ctx context.Context) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := (clock.System{}).Now(); now.Sub(r.at) < fresh {
		return r.failing
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkPatience)
	defer cancel()
	errs := make([]error, len(r.checks))
	var asked sync.WaitGroup
	for i, k := range r.checks {
		asked.Go(func() { errs[i] = k.run(bounded) })
	}
	asked.Wait()
	before := r.failing
	r.failing = nil
	for i, err := range errs {
		if err != nil {
			r.failing = append(r.failing, r.checks[i].name)
			if !slices.Contains(before, r.checks[i].name) {
				r.log.ErrorContext(ctx, "this node is not ready", slog.String("check", r.checks[i].name), slog.Any("error", err))
			}
		}
	}
	if len(before) > 0 && len(r.failing) == 0 {
		r.log.InfoContext(ctx, "this node is ready again")
	}
	r.at = clock.System{}.Now()
	return r.failing
}

// mountHealth serves what load balancers and supervisors ask. Strangers may ask
// too: they learn yes or no, never what is missing (PG6).
func (p *Provider) mountHealth(e *echo.Echo) {
	e.GET("/healthz", p.alive)
	e.GET("/readyz", func(c echo.Context) error {
		return c.NoContent(p.readyStatus(c.Response(), c.Request()))
	})
}

func (p *Provider) readyStatus(w http.ResponseWriter, r *http.Request) int {
	if len(p.missing(r.Context())) > 0 {
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// alive tells a supervisor whether a restart is the cure: traces that broke stay
// closed until one.
func (p *Provider) alive(c echo.Context) error {
	if err := p.res.traces.Healthy(); err != nil {
		return c.NoContent(http.StatusServiceUnavailable)
	}
	return c.NoContent(http.StatusNoContent)
}

// missing is what keeps this node from serving people.
func (p *Provider) missing(ctx context.Context) []string {
	if p.draining.Load() {
		return []string{"draining"}
	}
	return p.ready.look(ctx)
}

// Ready is what a node says of itself on its admin socket.
type Ready struct {
	Ready   bool     `json:"ready"`
	Missing []string `json:"missing,omitempty"`
}

func (p *Provider) adminReady(w http.ResponseWriter, r *http.Request) {
	missing := p.missing(r.Context())
	adminAnswer(w, Ready{Ready: len(missing) == 0, Missing: missing})
}

// Ready asks the node whether it should be sent people, and what is missing.
func (a *Admin) Ready(ctx context.Context) (Ready, error) {
	var out Ready
	return out, a.call(ctx, http.MethodGet, "/ready", nil, &out)
}
