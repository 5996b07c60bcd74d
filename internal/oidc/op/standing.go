package op

import (
	"context"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
)

// codeClosed tells that the register no longer holds the person (PG-03).
const codeClosed = "PF-ID-003"

// consented checks the person's yes again, at redemption, at refresh and at
// UserInfo (D6): it may have been withdrawn or have ended, and the service may
// have changed hands since.
func (o *OP) consented(ctx context.Context, c *client.Client, sub string, scope []string, asked grant.Claims) error {
	if !c.Requests.Consent {
		return nil
	}
	given, err := o.consents.Given(ctx, sub, consent.Ask(c, scope, asked))
	if err == nil && !given {
		err = fault.New(fault.Denied, "", "the person has not allowed this service to be told")
	}
	return err
}

// stillConsented is consented for a family, before it moves: a refusal after the
// move, or a database that cannot confirm, would cost the service its refresh
// token. What else is wrong with the family is for the move to say.
func (o *OP) stillConsented(ctx context.Context, c *client.Client, family string) error {
	if !c.Requests.Consent {
		return nil
	}
	f, err := o.tokens.Family(ctx, family)
	switch {
	case fault.Is(err, fault.Unavailable):
		return err
	case err != nil || f.ClientID != c.ID:
		return nil
	}
	return o.consented(ctx, c, f.Auth.Sub, f.Scope, f.Claims)
}

// standing checks the person behind a grant again: at the answer, at redemption,
// at refresh, at UserInfo (D6). His epoch must be the one he logged in under,
// and the register must still hold him open. fault.Denied if not.
func (o *OP) standing(ctx context.Context, a authn.Authentication) (rpps.Professional, error) {
	epoch, err := o.subjects.Epoch(ctx, a.Sub)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return rpps.Professional{}, err
	}
	if err != nil || epoch != a.Epoch {
		return rpps.Professional{}, fault.New(fault.Denied, "", "the holder ended everything that was open")
	}
	p, err := o.directory.Lookup(ctx, a.Subject)
	if fault.Is(err, fault.NotFound) {
		return rpps.Professional{}, fault.New(fault.Denied, codeClosed, "the holder is not in the register")
	}
	if err != nil {
		return rpps.Professional{}, err
	}
	if p.Closed {
		return rpps.Professional{}, fault.New(fault.Denied, codeClosed, "the holder's record is closed")
	}
	return p, nil
}
