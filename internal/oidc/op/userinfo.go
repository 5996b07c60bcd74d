package op

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// maxToken bounds what is hashed and looked up at all.
const maxToken = 16 << 10

// UserInfo tells who the person behind an access token is (Core 5.3), by GET
// and POST. The token is found by its hash; no signature is verified, so a token
// that died a moment ago is refused now.
func (o *OP) UserInfo(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	owner, document, err := o.userInfo(c)
	if err != nil {
		return o.fail(c, oauth.Resource, err)
	}
	body, media, err := o.userInfoAnswer(c.Request().Context(), owner, document)
	if err != nil {
		return o.fail(c, oauth.Resource, err)
	}
	return c.Blob(http.StatusOK, media, body)
}

func (o *OP) userInfo(c echo.Context) (*client.Client, any, error) {
	ctx := c.Request().Context()
	text, inBody, err := bearer(c)
	if err != nil {
		return nil, nil, err
	}
	live, err := o.live(ctx, text)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			o.failures(ctx, audit.Failure{Kind: audit.FailureAccessToken, Code: string(oauth.InvalidToken)})
		}
		return nil, nil, err
	}
	if err := holder(live.token, c.Request()); err != nil {
		o.failures(ctx, audit.Failure{Kind: audit.FailureAccessToken, Code: string(oauth.InvalidToken)})
		return nil, nil, err
	}
	if live.token.Kind != grant.KindPerson {
		return nil, nil, oauth.New(oauth.InsufficientScope, "the token names no person").Bearer(true)
	}
	owner, err := o.clients.Lookup(live.token.ClientID)
	if err != nil {
		return nil, nil, err
	}
	if err := sufficient(owner, live.family.Auth); err != nil {
		return nil, nil, err
	}
	if err := o.consented(ctx, owner, live.family.Auth.Sub, live.token.Scope, live.family.Claims); err != nil {
		return nil, nil, err
	}
	if inBody && owner.Profile != client.ProfileOIDC {
		// UI1: the body is for baseline clients; the recorded psc clients all use the header.
		return nil, nil, oauth.New(oauth.InvalidRequest, "the access token is accepted in the Authorization header only").Bearer(true)
	}
	// A psc token without openid still opens UserInfo: two real clients ask
	// for scope_all alone (pro-sante-connect.md 0.9).
	if owner.Profile != client.ProfilePSC && !slices.Contains(live.token.Scope, client.ScopeOpenID) {
		return nil, nil, oauth.New(oauth.InsufficientScope, "the token was not granted openid").Bearer(true)
	}
	auth, err := o.named(owner, live.family.Auth) // UI2: the sub of the ID token
	if err != nil {
		return nil, nil, err
	}
	document, err := claims.With(
		claims.UserInfo(live.person, auth, claims.UserInfoOptions{Profile: owner.Profile, Pairwise: owner.Pairwise(), Scope: live.token.Scope}),
		live.family.Claims.UserInfo, owner, live.person, auth)
	return owner, document, err
}

// alive is an access token that is good at this instant, and what it stands on.
type alive struct {
	token  grant.Token
	family grant.Family
	person rpps.Professional
}

// live finds a token and checks all it stands on: its family, its session, its
// holder's epoch, the register (UI3, D6). Whatever is wrong reads the same from
// outside.
func (o *OP) live(ctx context.Context, text string) (alive, error) {
	token, family, err := o.tokens.Access(ctx, text)
	if err != nil {
		return alive{}, err
	}
	if !o.keys.Stands(token.Kid, token.Via) {
		// No signature is verified here, so a stolen key that was dropped is asked for by name.
		return alive{}, fault.New(fault.NotFound, "", "the token was made with a key that is no longer ours")
	}
	if token.Kind != grant.KindPerson {
		return alive{token: token}, nil
	}
	if _, err := o.sessions.BySID(ctx, family.SID); err != nil {
		return alive{}, ended(err)
	}
	person, err := o.standing(ctx, family.Auth)
	if err != nil {
		return alive{}, err
	}
	return alive{token: token, family: family, person: person}, nil
}

// bearer finds the access token of a request (RFC 6750 2). One in the query is
// never read: it would stand in logs and Referer headers (UI1).
func bearer(c echo.Context) (token string, inBody bool, err error) {
	r := c.Request()
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		c.Response().Header().Set("Allow", "GET, POST")
		e := oauth.New(oauth.InvalidRequest, "UserInfo is called by GET or POST")
		e.Status = http.StatusMethodNotAllowed
		return "", false, e
	}
	headers := r.Header.Values("Authorization")
	posted, err := postedToken(c)
	if err != nil {
		return "", false, err
	}
	switch {
	case len(headers) > 1 || len(headers) == 1 && posted != "":
		return "", false, oauth.New(oauth.InvalidRequest, "the access token is sent in more than one way").Bearer(true)
	case len(headers) == 1:
		scheme, value, _ := strings.Cut(headers[0], " ")
		token = strings.Trim(value, " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return "", false, missingToken()
		}
	default:
		token, inBody = posted, true
	}
	if token == "" {
		return "", false, missingToken()
	}
	if len(token) > maxToken || strings.ContainsAny(token, " \t\r\n") {
		return "", false, oauth.New(oauth.InvalidToken, "the access token is malformed").Bearer(true)
	}
	return token, inBody, nil
}

// postedToken reads access_token from a form body; an empty body, or one of
// another kind, carries none (pro-sante-connect.md 0.5).
func postedToken(c echo.Context) (string, error) {
	r := c.Request()
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), echo.MIMEApplicationForm) {
		return "", nil
	}
	form, err := postForm(c)
	if err != nil {
		return "", err
	}
	return form.Get("access_token"), nil
}

func missingToken() *oauth.Error {
	return oauth.New(oauth.InvalidToken, "an access token is needed").Bearer(false)
}
