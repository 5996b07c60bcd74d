package provider

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/logout"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/courier"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Provider is one running node.
type Provider struct {
	config  Config
	deps    Deps
	res     *resources
	wallet  *wallet.Wallet
	mail    map[courier.Channel]courier.Sender // nil: this provider writes to nobody
	pushes  *pushes                            // nil: it sends no push
	handler atomic.Pointer[http.Handler]       // replaced as a whole by a reload
	calls   atomic.Pointer[http.Handler]       // what services call with a certificate; nil without that door
	phones  atomic.Pointer[deviceapi.API]

	certificates certificates // of the listeners
	draining     atomic.Bool  // this node is on its way out
	ready        *readiness

	// What operators' commands act on; replaced by a reload like the handler.
	cards    atomic.Pointer[cards.Cards] // nil when no card is taken
	sessions atomic.Pointer[session.Sessions]
	ending   atomic.Pointer[logout.Logout]
}

// New opens what the configuration names and wires the house. Nothing listens
// yet: see Serve and ServeOn. Errors are for the operator: they name a path.
func New(ctx context.Context, c Config, d Deps) (*Provider, error) {
	c = c.withDefaults()
	r, err := open(ctx, c, d)
	if err != nil {
		return nil, err
	}
	p := &Provider{config: c, deps: d, res: r}
	p.ready = p.newReadiness()
	p.observe()
	if p.mail, err = p.senders(c); err == nil {
		p.pushes, err = p.newPushes(c)
	}
	if err == nil {
		err = p.registerPortal(c)
	}
	if err == nil {
		err = p.build(c)
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	if err := r.traces.Record(ctx, started(c, d)); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return p, nil
}

// started says which clock gives the traces their time (PG-61).
func started(c Config, d Deps) audit.Event {
	source := "system"
	if _, moved := d.Clock.(*clock.Manual); moved {
		source = "manual"
	}
	return audit.ServiceStarted{Environment: c.Environment, Issuer: c.Issuer, Fingerprint: c.fingerprint(), TimeSource: source}
}

// build wires features over the resources and publishes the result.
func (p *Provider) build(c Config) error {
	w, err := p.newWallet(c)
	if err != nil {
		return err
	}
	phones, err := p.newDeviceAPI(c, w)
	if err != nil {
		return err
	}
	h, err := p.routes(c, w, phones)
	if err != nil {
		return err
	}
	p.wallet = w
	p.handler.Store(&h)
	if before := p.phones.Swap(phones); before != nil {
		before.Close() // streams move to the new configuration
	}
	return nil
}

// ServeHTTP answers with the features of the present configuration.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*p.handler.Load()).ServeHTTP(w, r)
}

// Config gives the configuration in force, with its defaults filled in.
func (p *Provider) Config() Config { return p.config }

// Clients gives the registry, for the sandbox's own registrations.
func (p *Provider) Clients() *client.Registry { return p.res.clients }

// Wallet gives the e-CPS wallet, for the sandbox's phones.
func (p *Provider) Wallet() *wallet.Wallet { return p.wallet }

// Close records the stop and closes what New opened.
func (p *Provider) Close(ctx context.Context) error {
	err := p.res.traces.Record(context.WithoutCancel(ctx), audit.ServiceStopped{})
	return errors.Join(err, p.res.close())
}

// Reload takes a new configuration into use. One that could not be loaded, that
// moves what is open, or that cannot be wired leaves the old one in force, and
// says so (HA8).
func (p *Provider) Reload(ctx context.Context, c Config, loadErr error) {
	keep := func(err error) {
		p.res.note(ctx, p.deps, audit.ConfigChanged{Fingerprint: c.fingerprint()})
		p.deps.Log.ErrorContext(ctx, "configuration refused, the old one stays in force", slog.Any("error", err))
	}
	if loadErr != nil {
		keep(loadErr)
		return
	}
	c = c.withDefaults()
	if err := p.config.movable(c); err != nil {
		keep(err)
		return
	}
	before := p.config
	if err := p.build(c); err != nil {
		keep(err)
		return
	}
	p.config = c
	if err := p.res.traces.Record(ctx, audit.ConfigChanged{Fingerprint: c.fingerprint(), Accepted: true}); err != nil {
		p.config = before
		keep(errors.Join(err, p.build(before)))
		return
	}
	p.res.clients.Reload(ctx)
	for _, cert := range p.certificates.all() {
		cert.Reload(ctx)
	}
	p.deps.Log.InfoContext(ctx, "configuration reloaded", slog.String("fingerprint", c.fingerprint()))
}
