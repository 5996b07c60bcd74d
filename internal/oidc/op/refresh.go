package op

import (
	"context"
	"slices"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

// refresh gives the next tokens of a family (RFC 6749 6, Core 12). The policy is
// checked again first: session, epoch, register, service (D6); then the family
// moves in one atomic step, and a token that was used before ends it (TK8).
func (o *OP) refresh(ctx context.Context, x *exchange, text string, asked []string) (any, error) {
	c := x.client
	named, id, generation, err := o.readRefresh(text)
	if err != nil {
		o.failures(ctx, audit.Failure{Kind: audit.FailureRefresh, Code: string(oauth.InvalidGrant)})
		return nil, err
	}
	s, err := o.sessions.BySID(ctx, named.SID)
	if err != nil {
		return nil, ended(err)
	}
	m := minting{client: c, bound: x.bound, via: signing.Kid(text)}
	if m.person, err = o.standing(ctx, s.Auth); err != nil {
		return nil, err
	}
	if err := o.stillConsented(ctx, c, id); err != nil {
		return nil, err
	}
	wasRevoked := false
	m.family, _, err = o.tokens.Refresh(ctx, id, generation, c.GraceOnRefresh(), func(f grant.Family) error {
		wasRevoked = f.Revoked
		if f.ClientID != c.ID || f.SID != s.SID || f.Auth.Epoch != s.Auth.Epoch || !c.AllowsMeans(f.Auth.Means) {
			return fault.New(fault.Denied, "", "the refresh token is not for this service or no longer allowed")
		}
		err := proves(f, x.bound)
		if err != nil {
			return err
		}
		m.scope, err = narrowed(c, f.Scope, asked)
		return err
	})
	if fault.Is(err, fault.Used) && !wasRevoked {
		return nil, o.traceRevoked(ctx, c, m.family, id, grant.ReasonRefreshReplay, err)
	}
	if err != nil {
		return nil, err
	}
	if err := o.sessions.Keep(ctx, s, c.ID); err != nil { // a refresh is activity (architecture, point 15)
		return nil, ended(err)
	}
	answer, err := o.mint(ctx, m)
	if err != nil {
		return nil, err
	}
	return answer, o.record(ctx, audit.TokenRefreshed{
		Subject: m.family.Subject().String(), Client: c.ID, SID: s.SID, Family: id, Generation: m.family.Generation,
		Scope: answer.Scope, ACR: m.family.ACR, Token: audit.TokenRef(answer.AccessToken),
		Thumbprint: x.bound.Certificate,
	})
}

// readRefresh opens a refresh token: signed by our own secret, of the right
// kind. Only then is what it names worth a look in the store.
func (o *OP) readRefresh(text string) (t claims.RefreshToken, family string, generation uint64, err error) {
	payload, err := o.keys.OpenRefresh(text)
	if err != nil {
		return t, "", 0, err
	}
	if t, err = claims.ReadRefresh(payload, o.issuer); err != nil {
		return t, "", 0, err
	}
	family, generation, err = grant.ParseRefreshID(t.JTI)
	return t, family, generation, err
}

// narrowed applies the scope of a refresh: it can only shrink (TK8). psc
// clients post all sorts of scopes there (pro-sante-connect.md 1.5); what they
// were not granted is ignored.
func narrowed(c *client.Client, granted, asked []string) ([]string, error) {
	if len(asked) == 0 {
		return granted, nil
	}
	kept := make([]string, 0, len(granted))
	for _, s := range asked {
		switch {
		case !slices.Contains(granted, s):
			if c.Profile != client.ProfilePSC {
				return nil, oauth.New(oauth.InvalidScope, "a refresh cannot ask for more than was granted")
			}
		case !slices.Contains(kept, s):
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return granted, nil
	}
	return kept, nil
}
