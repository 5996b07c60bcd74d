package op

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// Paths inside the library's router; nobody outside sees them.
const (
	innerToken      = "/token"
	innerRevocation = "/revoke"
)

// library is our side of zitadel/oidc's Server interface: it routes, decodes
// and dispatches the token family, we do the rest. What it would not hold
// (POST only, repeats, no-store, 401 with a challenge, two methods at once) is
// held before it is called (go-stack.md 3 to 5).
type library struct {
	op.UnimplementedServer
	o *OP
}

var _ op.Server = library{}

func newLibrary(o *OP) http.Handler {
	return op.RegisterServer(library{o: o}, op.Endpoints{
		Token:      op.NewEndpoint(innerToken),
		Revocation: op.NewEndpoint(innerRevocation),
	}, op.WithServerCORSOptions(nil)) // its default reflects every origin, with credentials
}

// known tells the grant types that exist here. Others are refused before the
// library sees them: it would write their name back unescaped.
func known(grantType string) bool {
	switch grantType {
	case client.GrantCode, client.GrantRefresh, client.GrantClientCredentials:
		return true
	}
	return false
}

// Token is the token endpoint (RFC 6749 3.2).
func (o *OP) Token(c echo.Context) error {
	x, err := o.open(c, o.paths.Token)
	if err != nil {
		return o.fail(c, oauth.Token, err)
	}
	switch grantType := x.form.Get("grant_type"); {
	case grantType == "":
		err = oauth.New(oauth.InvalidRequest, "grant_type is missing")
	case !known(grantType):
		err = oauth.New(oauth.UnsupportedGrantType, "this grant_type is not supported")
	case !x.client.AllowsGrant(grantType):
		err = oauth.New(oauth.UnauthorizedClient, "the service may not use this grant_type")
	default:
		x.bound, err = bind(x.client, c.Request())
	}
	if err != nil {
		return o.fail(c, oauth.Token, err)
	}
	o.forward(c, x, innerToken)
	return nil
}

// Revoke is the revocation endpoint (RFC 7009).
func (o *OP) Revoke(c echo.Context) error {
	x, err := o.open(c, o.paths.Revocation)
	if err == nil && x.form.Get("token") == "" {
		err = oauth.New(oauth.InvalidRequest, "token is missing")
	}
	if err != nil {
		return o.fail(c, oauth.Management, err)
	}
	x.form.Del("grant_type") // the library would read it here too
	o.forward(c, x, innerRevocation)
	return nil
}

// forward hands the call to the library. The client is authenticated already
// and travels in the context: the library reads one method only, and a psc
// client may use two at once (oidc-requirements 13). What it proved itself with goes no further.
func (o *OP) forward(c echo.Context, x *exchange, path string) {
	r := c.Request()
	x.form.Set("client_id", x.client.ID)
	for _, name := range [...]string{"client_secret", "client_assertion", "client_assertion_type"} {
		x.form.Del(name)
	}
	inner := r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	u := *r.URL
	u.Path, u.RawPath, u.RawQuery = path, "", ""
	inner.URL = &u
	inner.Form, inner.PostForm = x.form, x.form
	inner.Header = http.Header{"Content-Type": {echo.MIMEApplicationForm}}
	o.library.ServeHTTP(c.Response(), inner)
}

// VerifyClient gives the client that open authenticated.
func (l library) VerifyClient(ctx context.Context, _ *op.Request[op.ClientCredentials]) (op.Client, error) {
	x := exchangeOf(ctx)
	if x == nil {
		return nil, toLibrary(oauth.New(oauth.InvalidClient, "client authentication failed"))
	}
	return libraryClient{x.client}, nil
}

// CodeExchange redeems a code (Core 3.1.3).
func (l library) CodeExchange(ctx context.Context, r *op.ClientRequest[oidc.AccessTokenRequest]) (*op.Response, error) {
	return l.o.reply(ctx, func(x *exchange) (any, error) {
		return l.o.redeem(ctx, x, r.Data.Code, r.Data.RedirectURI, r.Data.CodeVerifier)
	})
}

// RefreshToken moves a family on (Core 12).
func (l library) RefreshToken(ctx context.Context, r *op.ClientRequest[oidc.RefreshTokenRequest]) (*op.Response, error) {
	return l.o.reply(ctx, func(x *exchange) (any, error) {
		return l.o.refresh(ctx, x, r.Data.RefreshToken, r.Data.Scopes)
	})
}

// ClientCredentialsExchange gives a service a token of its own (RFC 6749 4.4).
func (l library) ClientCredentialsExchange(ctx context.Context, r *op.ClientRequest[oidc.ClientCredentialsRequest]) (*op.Response, error) {
	return l.o.reply(ctx, func(x *exchange) (any, error) {
		return l.o.clientToken(ctx, x, r.Data.Scope)
	})
}

// Revocation ends a token (RFC 7009).
func (l library) Revocation(ctx context.Context, r *op.ClientRequest[oidc.RevocationRequest]) (*op.Response, error) {
	x := exchangeOf(ctx)
	if err := l.o.revoke(ctx, x.client, r.Data.Token); err != nil {
		return nil, l.o.worded(ctx, x, oauth.Management, err)
	}
	return op.NewResponse(struct{}{}), nil
}

// reply runs one grant and words its failure.
func (o *OP) reply(ctx context.Context, grant func(*exchange) (any, error)) (*op.Response, error) {
	x := exchangeOf(ctx)
	answer, err := grant(x)
	if err != nil {
		return nil, o.worded(ctx, x, oauth.Token, err)
	}
	return &op.Response{Data: answer}, nil
}

// worded puts a failure through the one table; headers go on the answer that
// the library is about to write.
func (o *OP) worded(ctx context.Context, x *exchange, edge oauth.Edge, err error) error {
	e := oauth.From(edge, err)
	e.Log(ctx, o.log.With(slog.String("client", x.client.ID)))
	e.Headers(x.header)
	return toLibrary(e)
}
