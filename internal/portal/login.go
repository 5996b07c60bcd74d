package portal

import (
	"context"
	"crypto/subtle"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

const (
	authStyle   = oauth2.AuthStyleInHeader // a second way would be refused (CA1)
	pendingLife = 15 * time.Minute
	sessionLife = 15 * time.Minute // without a page; never longer than the provider's own
)

// pending is a login under way, bound to the browser that began it.
type pending struct {
	Browser  string `json:"browser"` // hash of its secret
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

// session is who is here, as the provider says.
type session struct {
	Holder  rpps.NationalID `json:"holder"`
	Name    string          `json:"name"`
	Sub     string          `json:"sub"`
	SID     string          `json:"sid"`
	Means   authn.Means     `json:"means"`
	Access  string          `json:"access"`
	Refresh string          `json:"refresh"`
	IDToken string          `json:"id_token"`
	Nonce   string          `json:"nonce"`
	Expires time.Time       `json:"expires"` // of the access token
}

type nonceKey struct{}

func nonceOf(ctx context.Context) string {
	n, _ := ctx.Value(nonceKey{}).(string)
	return n
}

// next is where a login may lead to: our own pages, by name.
func next(asked string) string {
	if slices.Contains([]string{"/historique", "/telephone", "/ou-ca-coince", "/perdu"}, asked) {
		return asked
	}
	return ""
}

// login sends the browser to the provider. With ?card=1 only a card will do: it
// alone reaches eidas3 (architecture, point 9).
func (p *Portal) login(c echo.Context) error {
	party, err := p.provider(c.Request().Context())
	if err != nil {
		return p.Pages.Fail(c, err)
	}
	secrets := make([]string, 4)
	for i := range secrets {
		if secrets[i], err = web.Secret(p.Rand); err != nil {
			return p.Pages.Fail(c, err)
		}
	}
	state, browser := secrets[0], secrets[1]
	if known := p.cookie(c, loginCookie); len(known) == len(browser) {
		browser = known // another tab of this browser is on its way too
	}
	one := pending{Browser: ecps.Hash(browser), Nonce: secrets[2], Verifier: secrets[3], Next: next(c.QueryParam("next"))}
	if err := p.pending.Put(c.Request().Context(), state, one, pendingLife); err != nil {
		return p.Pages.Fail(c, err)
	}
	p.setCookie(c, loginCookie, browser, pendingLife)
	options := []rp.AuthURLOpt{rp.WithCodeChallenge(oidc.NewSHACodeChallenge(one.Verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", one.Nonce))}
	level := authn.Eidas1
	if c.QueryParam("card") == "1" {
		level = authn.Eidas3
	}
	options = append(options, rp.AuthURLOpt(rp.WithURLParam("acr_values", level)))
	if lang := c.QueryParam("ui_locales"); lang != "" {
		options = append(options, rp.AuthURLOpt(rp.WithURLParam("ui_locales", web.Locale(c, lang))))
	}
	return c.Redirect(http.StatusSeeOther, rp.AuthURL(state, party, options...))
}

// callback takes the provider's answer, once, in the browser that asked.
func (p *Portal) callback(c echo.Context) error {
	ctx := c.Request().Context()
	one, err := p.pending.Get(ctx, c.QueryParam("state"))
	browser := p.cookie(c, loginCookie)
	if err != nil || browser == "" || subtle.ConstantTimeCompare([]byte(ecps.Hash(browser)), []byte(one.Browser)) != 1 {
		// An answer for another browser: somebody would be signed in as somebody else
		// (login CSRF). The login stays good for the browser that began it.
		return p.Pages.Fail(c, fault.Wrap(fault.Expired, web.CodeLoginOver, "no login of this browser belongs to this answer", err))
	}
	if one, err = p.pending.Take(ctx, c.QueryParam("state")); err != nil {
		return p.Pages.Fail(c, fault.Wrap(fault.Expired, web.CodeLoginOver, "this answer came before", err))
	}
	if iss := c.QueryParam("iss"); iss != "" && iss != p.Issuer {
		return p.Pages.Fail(c, fault.New(fault.Invalid, web.CodeBadClient, "the answer is of another issuer"))
	}
	if c.QueryParam("error") != "" {
		return c.Redirect(http.StatusSeeOther, Path)
	}
	s, err := p.redeem(ctx, one, c.QueryParam("code"))
	if err != nil {
		return p.Pages.Fail(c, err)
	}
	if err := p.begin(c, s); err != nil {
		return p.Pages.Fail(c, err)
	}
	return c.Redirect(http.StatusSeeOther, Path+one.Next)
}

// redeem turns the code into who is here.
func (p *Portal) redeem(ctx context.Context, one pending, code string) (session, error) {
	party, err := p.provider(ctx)
	if err != nil {
		return session{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, nonceKey{}, one.Nonce), providerPatience)
	defer cancel()
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, code, party, rp.WithCodeVerifier(one.Verifier))
	if err != nil {
		return session{}, fault.Wrap(fault.Denied, web.CodeBadClient, "the provider refused the code", err)
	}
	s := session{Means: authn.ECPS, Nonce: one.Nonce, SID: tokens.IDTokenClaims.SessionID}
	if slices.Contains(tokens.IDTokenClaims.AuthenticationMethodsReferences, "sc") {
		s.Means = authn.Card
	}
	s.adopt(tokens)
	s.Sub = tokens.IDTokenClaims.Subject
	return p.identify(ctx, party, s)
}
