package op

import (
	"context"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// redeem exchanges a code for tokens (RFC 6749 4.1.3, Core 3.1.3).
//
// The code is spent first, by one atomic step, and checked afterwards: whoever
// presents a code ends it, so nobody can try verifiers or redirect URIs on it.
// A second presentation is a replay and ends what the first one got (TK2).
func (o *OP) redeem(ctx context.Context, x *exchange, text, redirectURI, verifier string) (any, error) {
	c := x.client
	code, err := o.codes.Redeem(ctx, text)
	if fault.Is(err, fault.Used) {
		return nil, o.end(ctx, c, code.Family, grant.ReasonCodeReplay, err)
	}
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			o.failures(ctx, audit.Failure{Kind: audit.FailureCode, Code: string(oauth.InvalidGrant)})
		}
		return nil, err
	}
	if err := bound(c, code, redirectURI, verifier); err != nil {
		o.failures(ctx, audit.Failure{Kind: audit.FailureCode, Code: string(oauth.InvalidGrant)})
		return nil, err
	}
	if _, err := o.sessions.BySID(ctx, code.SID); err != nil {
		return nil, ended(err)
	}
	m := minting{client: c, scope: code.Scope, bound: x.bound}
	if m.person, err = o.standing(ctx, *code.Auth); err != nil {
		return nil, err
	}
	if err := o.consented(ctx, c, code.Auth.Sub, code.Scope, code.Claims); err != nil {
		return nil, err
	}
	m.family, err = o.tokens.StartFamily(ctx, grant.Family{
		ID: code.Family, ClientID: c.ID, SID: code.SID, Auth: *code.Auth, Scope: code.Scope, Claims: code.Claims, ACR: code.ACR,
		Nonce: code.Nonce, Ends: code.SessionEnds, RefreshFor: c.Lifetimes.RefreshToken, Binding: lasting(c, x.bound),
	})
	if err != nil {
		return nil, err
	}
	if err := o.makeRoom(ctx, c, m.family); err != nil {
		return nil, err
	}
	// A replay may have overtaken us: the family then comes back revoked, and
	// what is answered here is dead on arrival, as if the replay had come a moment
	// later. The one who spent the code is its one winner either way (HA9).
	answer, err := o.mint(ctx, m)
	if err != nil {
		return nil, err
	}
	return answer, o.record(ctx, audit.TokenIssued{
		Subject: code.Auth.Subject.String(), Client: c.ID, SID: code.SID, Family: m.family.ID, Grant: client.GrantCode,
		Scope: answer.Scope, ACR: code.ACR, Token: audit.TokenRef(answer.AccessToken),
		Thumbprint: x.bound.Certificate,
	})
}

// makeRoom ends the oldest families of the person at this service when there are
// too many (TK8). Without a refresh token a family is over in minutes anyway.
func (o *OP) makeRoom(ctx context.Context, c *client.Client, f grant.Family) error {
	if !c.AllowsGrant(client.GrantRefresh) {
		return nil
	}
	over, err := o.tokens.Hold(ctx, f)
	if err != nil {
		return err
	}
	for _, old := range over {
		if err := o.end(ctx, c, old, grant.ReasonTooMany, nil); err != nil {
			return err
		}
	}
	return nil
}

// bound compares the call with what the code was made for (TK1, TK4). A code
// that another client brings was stolen or injected; it is spent by now.
func bound(c *client.Client, code grant.Code, redirectURI, verifier string) error {
	switch {
	case code.ClientID != c.ID:
		return oauth.New(oauth.InvalidGrant, "the code was issued to another client")
	case code.RedirectURI != redirectURI:
		return oauth.New(oauth.InvalidGrant, "redirect_uri is not the one the code was asked with")
	case code.Auth == nil:
		return fault.New(fault.Internal, "", "a code without a login")
	case !c.AllowsMeans(code.Auth.Means):
		return oauth.New(oauth.InvalidGrant, "the service no longer accepts this means")
	}
	return checkVerifier(code.CodeChallenge, verifier)
}

// end ends a family, because a code of it came back or newer ones took its place,
// and traces it; cause comes back when that is done. If the end cannot be
// confirmed the caller is told to come back, never that all is well (D3).
func (o *OP) end(ctx context.Context, c *client.Client, family, reason string, cause error) error {
	f, err := o.tokens.RevokeFamily(ctx, family, reason)
	if err != nil {
		return err
	}
	return o.traceRevoked(ctx, c, f, family, reason, cause)
}

func (o *OP) traceRevoked(ctx context.Context, c *client.Client, f grant.Family, id, reason string, cause error) error {
	err := o.record(ctx, audit.FamilyRevoked{Subject: f.Subject().String(), Client: c.ID, Family: id, Reason: reason})
	if err != nil {
		return err
	}
	return cause
}
