package op

import (
	"context"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/internal/trust/signing"
)

// clientToken gives a service a token of its own (RFC 6749 4.4): no person, no
// refresh token, no ID token, and a sub no person can have (TK11).
func (o *OP) clientToken(ctx context.Context, x *exchange, asked []string) (any, error) {
	c := x.client
	if c.Public() {
		return nil, oauth.New(oauth.UnauthorizedClient, "a public client has no token of its own")
	}
	scope := slices.DeleteFunc(c.GrantScopes(asked), func(s string) bool { return s == client.ScopeOpenID })
	now := o.clock.Now()
	jti, err := o.jti(c)
	if err != nil {
		return nil, err
	}
	in := claims.Input{
		Issuer: o.issuer, ClientID: c.ID, JTI: jti, Issued: now, Expires: now.Add(o.accessLife(c)), Scope: scope, Audience: c.Audiences,
		Bound: confirmation(x.bound),
	}
	access, err := o.serviceToken(c, in)
	if err != nil {
		return nil, err
	}
	err = o.tokens.PutAccess(ctx, access, grant.Token{
		Kind: grant.KindService, Kid: signing.Kid(access), ClientID: c.ID, ID: jti, Scope: scope, Issued: now, Expires: in.Expires, Binding: x.bound,
	})
	if err != nil {
		return nil, err
	}
	answer := &tokenAnswer{AccessToken: access, ExpiresIn: seconds(in.Expires.Sub(now)), TokenType: "Bearer", Scope: strings.Join(scope, " ")}
	if c.Profile == client.ProfilePSC {
		var none int64
		answer.RefreshExpiresIn, answer.NotBeforePolicy = &none, &none
	}
	return answer, o.record(ctx, audit.TokenIssued{
		Client: c.ID, Grant: client.GrantClientCredentials, Scope: answer.Scope, Token: audit.TokenRef(access),
		Thumbprint: x.bound.Certificate,
	})
}

func (o *OP) serviceToken(c *client.Client, in claims.Input) (string, error) {
	switch c.AccessTokenFormat {
	case client.FormatOpaque:
		return grant.Random(o.rand)
	case client.FormatJWT:
		return o.sign(c, "at+jwt", claims.NewServiceToken(in, c.Structure))
	}
	return o.sign(c, "JWT", claims.NewServiceToken(in, c.Structure))
}
