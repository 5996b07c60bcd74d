package op

import (
	"context"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Introspect tells an authenticated service about a token (RFC 7662): its own,
// or one whose owner registered the caller as audience. Any psc service may ask
// about tokens issued to psc services, access or refresh: APIs do that with
// tokens another service brings them (pro-sante-connect.md 1.9).
func (o *OP) Introspect(c echo.Context) error {
	x, err := o.open(c, o.paths.Introspection)
	if err == nil && x.client.Public() {
		err = oauth.New(oauth.InvalidClient, "a public client may not introspect").Basic()
	}
	if err == nil && x.form.Get("token") == "" {
		err = oauth.New(oauth.InvalidRequest, "token is missing")
	}
	if err != nil {
		return o.fail(c, oauth.Client, err)
	}
	ctx := c.Request().Context()
	answer, err := o.introspection(ctx, x.client, x.form.Get("token"))
	switch {
	case err == nil:
	case dead(err):
		o.failures(ctx, audit.Failure{Kind: audit.FailureIntrospection, Code: string(oauth.InvalidToken)})
		// Not good, not this caller's to know of, or no token: one answer (RFC 7662 2.2).
		answer = claims.Inactive{}
	default:
		return o.fail(c, oauth.Management, err)
	}
	if err := o.introspected(c, x.client, answer); err != nil {
		return o.fail(c, oauth.Management, err)
	}
	return nil
}

// dead tells the faults that mean "no good token", as opposed to "cannot say".
func dead(err error) bool {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Expired, fault.Used, fault.Denied, fault.Invalid:
		return true
	default:
		return false
	}
}

// mayIntrospect gives the owner of a token if the caller may read it (TK13).
func (o *OP) mayIntrospect(caller *client.Client, ownerID string) (*client.Client, error) {
	owner, err := o.clients.Lookup(ownerID)
	if err != nil {
		return nil, err
	}
	if !owner.MayBeReadBy(caller) {
		return nil, fault.New(fault.Denied, "", "the token is not for this service to read")
	}
	return owner, nil
}

// introspection finds the token as access token first, then as refresh token;
// token_type_hint may be wrong and saves nothing here (RFC 7662 2.1).
func (o *OP) introspection(ctx context.Context, caller *client.Client, text string) (any, error) {
	if len(text) > maxToken {
		return nil, fault.New(fault.Invalid, "", "no token of ours is this long")
	}
	access, err := o.live(ctx, text)
	if fault.Is(err, fault.NotFound) {
		return o.introspectRefresh(ctx, caller, text)
	}
	if err != nil {
		return nil, err
	}
	owner, err := o.mayIntrospect(caller, access.token.ClientID)
	if err != nil {
		return nil, err
	}
	return o.describeAccess(owner, access)
}

// describeAccess words a live access token in the form its owner's services know.
func (o *OP) describeAccess(owner *client.Client, a alive) (any, error) {
	in, err := o.input(minting{client: owner, family: a.family, person: a.person, scope: a.token.Scope, bound: a.token.Binding})
	if err != nil {
		return nil, err
	}
	in.JTI, in.Issued, in.Expires = a.token.ID, a.token.Issued, a.token.Expires
	switch {
	case a.token.Kind == grant.KindService:
		return claims.NewServiceIntrospection(in, owner.Structure), nil
	case owner.Profile == client.ProfilePSC:
		return claims.NewPSCIntrospection(in), nil
	}
	return claims.NewIntrospection(in), nil
}

// introspectRefresh answers for the refresh token now good of a live family;
// an older one is dead, and asking about it revokes nothing.
func (o *OP) introspectRefresh(ctx context.Context, caller *client.Client, text string) (any, error) {
	named, id, generation, err := o.readRefresh(text)
	if err != nil {
		return nil, err
	}
	owner, err := o.mayIntrospect(caller, named.AuthorizedParty)
	if err != nil {
		return nil, err
	}
	f, err := o.tokens.Family(ctx, id)
	if err != nil {
		return nil, err
	}
	if f.ClientID != owner.ID || f.Generation != generation || !o.clock.Now().Before(f.Expires) {
		return nil, fault.New(fault.Expired, "", "the refresh token is no longer the good one")
	}
	if _, err := o.sessions.BySID(ctx, f.SID); err != nil {
		return nil, ended(err)
	}
	person, err := o.standing(ctx, f.Auth)
	if err != nil {
		return nil, err
	}
	in, err := o.input(minting{client: owner, family: f, person: person, scope: f.Scope})
	if err != nil {
		return nil, err
	}
	in.JTI, in.Issued, in.Expires = f.RefreshID(), f.Issued, f.Expires
	return claims.NewRefreshIntrospection(in), nil
}
