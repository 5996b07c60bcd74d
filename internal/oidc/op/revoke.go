package op

import (
	"context"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// revoke ends a token of the calling client (RFC 7009, TK13). Unknown tokens are
// a success: what the client wants is true already. A store that cannot
// confirm is never one (D3).
func (o *OP) revoke(ctx context.Context, c *client.Client, text string) error {
	if len(text) > maxToken {
		return nil
	}
	token, family, err := o.tokens.Access(ctx, text)
	switch {
	case fault.Is(err, fault.NotFound):
		return o.revokeRefresh(ctx, c, text)
	case err != nil:
		return err
	case token.ClientID != c.ID:
		return foreignToken()
	}
	if err := o.tokens.RevokeAccess(ctx, text); err != nil {
		return err
	}
	return o.record(ctx, audit.TokenRevoked{
		Subject: family.Subject().String(), Client: c.ID, Family: family.ID, Token: audit.TokenRef(text),
	})
}

// revokeRefresh ends the whole family: its access tokens die with it (RFC 7009
// 2.1). A refresh token of any generation names it.
func (o *OP) revokeRefresh(ctx context.Context, c *client.Client, text string) error {
	named, id, _, err := o.readRefresh(text)
	if err != nil {
		if fault.Is(err, fault.Invalid) {
			return nil
		}
		return err
	}
	if named.AuthorizedParty != c.ID {
		return foreignToken()
	}
	f, err := o.tokens.Family(ctx, id)
	if dead(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if f, err = o.tokens.RevokeFamily(ctx, f.ID, grant.ReasonRevoked); err != nil {
		return err
	}
	return o.traceRevoked(ctx, c, f, id, grant.ReasonRevoked, nil)
}

// foreignToken: RFC 7009 2.1 wants the client told. It holds the token already,
// so this tells it nothing it should not know.
func foreignToken() error {
	return fault.New(fault.Denied, "", "the token was issued to another client")
}
