package provider

import (
	"context"
	"log/slog"
	"time"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/logout"
)

// sandboxRounds keep invented phones fast; they guard nobody's PIN.
const sandboxRounds = 1000

// newWallet wires the e-CPS. The sandbox lifts the limits per source: there all
// strangers share one loopback address.
func (p *Provider) newWallet(c Config) (*wallet.Wallet, error) {
	limits, rounds := wallet.DefaultLimits(), ecps.ProductionRounds
	if c.Environment == Sandbox {
		limits.PerSource, limits.PerHolder, limits.Open = 1<<30, 1<<30, 1<<10
		rounds = sandboxRounds
	}
	d := wallet.Deps{
		KV: p.res.kv, Bus: p.res.bus, DB: p.res.db, Directory: p.res.register,
		Clock: p.deps.Clock, Rand: p.deps.Rand, Audit: p.res.traces, Log: p.deps.Log,
		Issuer: c.Issuer, AppURL: c.ECPS.AppURL, Limits: limits, Rounds: rounds,
		RequestLife: time.Duration(c.Lifetimes.ECPS), Sandbox: c.Environment == Sandbox,
		Seal: p.res.seal, EndAll: p.endAll, Contact: maskedContact, Post: p.post,
	}
	if p.pushes != nil {
		d.Notifier, d.VAPID = p.pushes, p.pushes.key.PublicKey()
	}
	w, err := wallet.New(d)
	if err == nil && p.pushes != nil {
		p.pushes.wallet.Store(w)
	}
	return w, err
}

// newDeviceAPI wires what phones call.
func (p *Provider) newDeviceAPI(c Config, w *wallet.Wallet) (*deviceapi.API, error) {
	d := deviceapi.Deps{Wallet: w, Clock: p.deps.Clock, Log: p.deps.Log, Failures: p.res.traces.Failure}
	activations, err := p.newActivations(c, w)
	if err != nil {
		return nil, err
	}
	if p.pushes != nil {
		d.CheckPush = p.pushes.check
	}
	if activations != nil { // a nil pointer in an interface would look like a part
		d.Activations = activations
	}
	return deviceapi.New(d)
}

// endAll ends all that a person has open, and tells his services.
func (p *Provider) endAll(ctx context.Context, person rpps.Professional) (wallet.Ended, error) {
	who, err := p.res.subjects.Of(ctx, person)
	if err != nil {
		return wallet.Ended{}, err
	}
	ended, err := p.ending.Load().EndPerson(ctx, who.Sub, logout.ReasonFrozen)
	if err != nil {
		return wallet.Ended{}, err
	}
	out := wallet.Ended{Sessions: len(ended)}
	told := map[string]bool{}
	for _, s := range ended {
		for _, id := range s.Clients {
			if !told[id] {
				told[id] = true
				out.Services = append(out.Services, p.tellService(ctx, id, who.Sub, s.SID))
			}
		}
	}
	return out, nil
}

// tellService warns a service by the means it has registered, and gives its name.
// It hears the sub and the session it knows, nothing else of the person.
func (p *Provider) tellService(ctx context.Context, id, sub, sid string) string {
	c, err := p.res.clients.Lookup(id)
	if err != nil {
		return id
	}
	if err := p.warnService(ctx, c, sub, sid); err != nil {
		p.deps.Log.WarnContext(ctx, "a service was not warned", slog.String("client", id), slog.Any("error", err))
	}
	return c.Name
}
