package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/egide-id/egide/internal/identity/directory"
	"github.com/egide-id/egide/internal/identity/subject"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/oidc/pairwise"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/courier"
	"github.com/egide-id/egide/internal/platform/db"
	"github.com/egide-id/egide/internal/platform/outbound"
	"github.com/egide-id/egide/internal/platform/seal"
	"github.com/egide-id/egide/internal/platform/store"
	"github.com/egide-id/egide/internal/platform/store/redis"
	"github.com/egide-id/egide/internal/platform/store/sqlite"
	"github.com/egide-id/egide/internal/platform/telemetry/tracing"
	"github.com/egide-id/egide/internal/provider/metrics"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

// Deps is what the provider gets from outside itself.
type Deps struct {
	Clock   clock.Clock
	Rand    io.Reader
	Log     *slog.Logger
	Version string
	// HTTP is how the portal reaches the provider it stands beside; nil: plainly.
	HTTP *http.Client
	// Inbox takes what the sandbox would send; nil everywhere else.
	Inbox *courier.Inbox
}

// resources are what a node opens once and a reload keeps.
type resources struct {
	kv       store.KV
	bus      store.Bus
	db       *db.DB
	keys     *signing.Keys
	seal     *seal.Key
	names    *pairwise.Names // by what each service knows a person
	outbox   *courier.Outbox
	notices  *notice.Notices // what services are told of ended sessions
	traces   *traces
	register *directory.Register
	subjects *subject.Subjects
	consents *consent.Consents
	clients  *client.Registry
	desk     *desk.Desk
	keySets  *client.KeySets
	accord   *accord          // on the keys, with other nodes
	out      *outbound.Client // requests whose address a service chose
	metrics  *metrics.Metrics
	tracer   *tracing.Tracer // nil: nobody follows
	// storeTime asks a shared store for its clock; nil for one of our own machine.
	storeTime func(context.Context) (time.Time, error)
	closers   []func() error
}

// open opens everything in order of need; on failure what was opened is closed.
func open(ctx context.Context, c Config, d Deps) (*resources, error) {
	out, err := newOutbound(c, d)
	if err != nil {
		return nil, err
	}
	r := &resources{out: out, keySets: client.NewKeySets(out, d.Clock, d.Log), metrics: metrics.New(d.Version)}
	for _, dir := range []string{c.DataDir, c.RegisterDir, c.TracesDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	}
	steps := []func(context.Context, Config, Deps) error{r.openTracing, r.openTraces, r.openStore, r.openDurable, r.openRegister, r.openClients, r.openNotices}
	for _, step := range steps {
		if err := step(ctx, c, d); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

func (r *resources) openTraces(ctx context.Context, c Config, d Deps) error {
	opened, err := audit.Open(ctx, audit.Options{
		Dir: c.TracesDir, Clock: d.Clock, Rand: d.Rand, Log: d.Log, Node: c.Node, Version: d.Version,
		Retention: time.Duration(c.TracesRetention),
	})
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	r.traces = &traces{opened, r.metrics, r.tracer}
	r.onClose(func() error { return opened.Close(context.WithoutCancel(ctx)) })
	return nil
}

func (r *resources) openStore(ctx context.Context, c Config, d Deps) error {
	if c.Store.Backend == "redis" {
		k := c.Store.Redis
		s, err := redis.Open(ctx, redis.Options{
			Addr: k.Addr, Username: k.Username, Password: k.Password.Reveal(), DB: k.DB, Prefix: k.Prefix, Log: d.Log, Rand: d.Rand,
		})
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		r.kv, r.bus, r.storeTime = r.observed(s), s, s.Time
		r.onClose(s.Close)
		return nil
	}
	s, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(c.DataDir, "state.db"), Clock: d.Clock, Log: d.Log})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	r.kv, r.bus = r.observed(s), store.NewLocalBus()
	r.onClose(s.Close)
	return nil
}

func (r *resources) openDurable(ctx context.Context, c Config, d Deps) error {
	durable, err := db.Open(ctx, c.Database)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	r.db = durable
	r.onClose(durable.Close)
	r.subjects = subject.New(subject.Deps{DB: durable, Rand: d.Rand, Clock: d.Clock})
	r.consents = consent.New(durable, d.Clock)
	if err := os.MkdirAll(c.KeysDir, 0o700); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if r.seal, err = seal.Open(c.KeysDir, d.Rand); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if r.names, err = pairwise.Open(c.KeysDir, d.Rand); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	r.outbox = courier.NewOutbox(durable, r.seal, d.Clock)
	return r.openKeys(ctx, c, d)
}

func (r *resources) openRegister(ctx context.Context, c Config, d Deps) error {
	register, err := directory.Open(ctx, directory.Options{Dir: c.RegisterDir, Clock: d.Clock, Log: d.Log})
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	r.register = register
	r.onClose(register.Close)
	return nil
}

func (r *resources) openNotices(_ context.Context, c Config, d Deps) (err error) {
	r.notices, err = notice.New(notice.Deps{
		DB: r.db, Clients: r.clients, Keys: r.keys, Post: r.out, Audit: r.traces, Clock: d.Clock, Rand: d.Rand, Log: d.Log, Issuer: c.Issuer,
	})
	return err
}

// note traces what has already happened outside this process: a file that an
// operator changed, a key that another node rotated. It can only be told.
func (r *resources) note(ctx context.Context, d Deps, e audit.Event) {
	if err := r.traces.Record(context.WithoutCancel(ctx), e); err != nil {
		d.Log.ErrorContext(ctx, "a change could not be traced", slog.String("event", audit.Name(e)), slog.Any("error", err))
	}
}

// onClose registers what close undoes, last opened first.
func (r *resources) onClose(f func() error) { r.closers = append(r.closers, f) }

func (r *resources) close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i]())
	}
	r.closers = nil
	return errors.Join(errs...)
}
