package op

import (
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/oauth"
)

// libraryClient shows a registered client to zitadel/oidc. The library asks it
// for the authentication method and the grant types only; the rest is answered
// truthfully and strictly, should a later version ask.
//
// It must never implement op.HasRedirectGlobs: redirect URIs match exactly.
type libraryClient struct{ c *client.Client }

var _ op.Client = libraryClient{}

func (l libraryClient) GetID() string                    { return l.c.ID }
func (l libraryClient) RedirectURIs() []string           { return l.c.RedirectURIs }
func (l libraryClient) PostLogoutRedirectURIs() []string { return l.c.PostLogoutRedirectURIs }
func (l libraryClient) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (l libraryClient) AuthMethod() oidc.AuthMethod          { return oidc.AuthMethod(l.c.AuthMethod) }
func (l libraryClient) LoginURL(string) string               { return "" }
func (l libraryClient) IDTokenLifetime() time.Duration       { return l.c.Lifetimes.AccessToken }
func (l libraryClient) DevMode() bool                        { return false }
func (l libraryClient) IDTokenUserinfoClaimsAssertion() bool { return false }
func (l libraryClient) ClockSkew() time.Duration             { return 0 }

func (l libraryClient) ApplicationType() op.ApplicationType {
	if l.c.Public() {
		return op.ApplicationTypeNative
	}
	return op.ApplicationTypeWeb
}

func (l libraryClient) GrantTypes() []oidc.GrantType {
	types := make([]oidc.GrantType, len(l.c.GrantTypes))
	for i, g := range l.c.GrantTypes {
		types[i] = oidc.GrantType(g)
	}
	return types
}

func (l libraryClient) AccessTokenType() op.AccessTokenType {
	if l.c.AccessTokenFormat == client.FormatOpaque {
		return op.AccessTokenTypeBearer
	}
	return op.AccessTokenTypeJWT
}

func (l libraryClient) IsScopeAllowed(scope string) bool {
	return len(l.c.GrantScopes([]string{scope})) == 1
}

func (l libraryClient) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return l.c.GrantScopes
}

func (l libraryClient) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return l.c.GrantScopes
}

// toLibrary words an error of our table so that the library writes exactly it.
// The cause stays out: the library logs on the process-wide logger, ours is
// logged where the request id is known.
func toLibrary(e *oauth.Error) error {
	le := oidc.ErrServerError().WithDescription("%s", e.Description)
	setCode(&le.ErrorType, e.Code)
	return op.NewStatusError(le, e.Status)
}

// setCode writes a code into the library's error, whose type has no exported
// name: several registered codes have no constructor there.
func setCode[T ~string](dst *T, code oauth.Code) { *dst = T(code) }
