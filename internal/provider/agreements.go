package provider

import (
	"context"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/portal"
	"github.com/egide-id/egide/internal/trust/audit"
)

// agreements is what a person allows services to be told, for his own page.
type agreements struct{ p *Provider }

// Agreements implements portal.Agreements.
func (a agreements) Agreements(ctx context.Context, holder rpps.NationalID) ([]portal.Agreement, error) {
	sub, err := openSessions(a).subOf(ctx, holder)
	if err != nil {
		return nil, err
	}
	all, err := a.p.res.consents.Of(ctx, sub)
	out := make([]portal.Agreement, len(all))
	for i, one := range all {
		out[i] = portal.Agreement{Client: one.Client, Service: one.Client, Since: one.Since}
		if c, err := a.p.res.clients.Find(one.Client); err == nil {
			out[i].Service = c.Name
		}
	}
	return out, err
}

// Withdraw implements portal.Agreements: traced before it counts. The service
// is told nothing more from the next call on.
func (a agreements) Withdraw(ctx context.Context, holder rpps.NationalID, client string) error {
	sub, err := openSessions(a).subOf(ctx, holder)
	if err != nil {
		return err
	}
	all, err := a.p.res.consents.Of(ctx, sub)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Client != client {
			continue
		}
		if err := a.p.res.traces.Record(ctx, audit.ConsentWithdrawn{Subject: holder.String(), Client: client}); err != nil {
			return fault.Wrap(fault.Unavailable, "PF-SV-041", "the withdrawal cannot be traced", err)
		}
		return a.p.res.consents.Withdraw(ctx, sub, client)
	}
	return nil // it was never given, or has ended
}
