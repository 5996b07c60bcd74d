package op

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/consent"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
)

// verdict says whether a session answers a request, and if not what is missing.
type verdict uint8

const (
	satisfied  verdict = iota
	needsLogin         // nobody there, too old, another person, or the service asked for a page
	needsLevel         // somebody there, with a means too weak or not accepted
)

// dispatch answers from the session, or refuses without a page, or starts a login.
func (o *OP) dispatch(c echo.Context, a *asking) error {
	s, acr, v, err := o.judge(c.Request().Context(), o.cookies.Session(c), a)
	if err != nil {
		return o.refuse(c, a.to, err)
	}
	switch {
	case v == satisfied:
		return o.satisfied(c, a, outcome{sid: s.SID, auth: s.Auth, acr: acr, session: &s})
	case a.prompt.none && v == needsLevel:
		return o.refuse(c, a.to, oauth.New(oauth.InteractionRequired, "the level asked needs another login"))
	case a.prompt.none:
		return o.refuse(c, a.to, oauth.New(oauth.LoginRequired, "no session answers this request"))
	}
	a.reauth = s.SID != ""
	return o.startLogin(c, a, nil)
}

// satisfied answers from a session that is good enough, unless the person has a
// word to say first: who he is, or what may be told.
func (o *OP) satisfied(c echo.Context, a *asking, out outcome) error {
	due, err := o.consentDue(c.Request().Context(), a, out.auth.Sub)
	switch {
	case err != nil:
		return o.refuse(c, a.to, err)
	case due && a.prompt.none:
		return o.refuse(c, a.to, oauth.New(oauth.ConsentRequired, "the person has not been asked what this service may know"))
	case due || a.prompt.account:
		return o.startLogin(c, a, &out)
	}
	return o.answer(c, a, out)
}

// consentDue tells whether the person must be asked before the service is told
// anything: at each prompt=consent, and when a service outside the sector has not
// had his yes for all that it asks.
func (o *OP) consentDue(ctx context.Context, a *asking, sub string) (bool, error) {
	if a.prompt.consent {
		return true, nil
	}
	if !a.client.Requests.Consent {
		return false, nil
	}
	given, err := o.consents.Given(ctx, sub, consent.Ask(a.client, a.scope, a.claims))
	return !given, err
}

// judge reads the session once and weighs it against the request. A session
// that is gone, ended by its holder's epoch or of a person the register has
// closed counts as none: the login page says the rest (D6).
func (o *OP) judge(ctx context.Context, cookie string, a *asking) (session.Session, string, verdict, error) {
	none := session.Session{}
	if cookie == "" {
		return none, "", needsLogin, nil
	}
	s, err := o.sessions.ByCookie(ctx, cookie)
	if fault.Is(err, fault.NotFound) {
		return none, "", needsLogin, nil
	}
	if err != nil {
		return none, "", needsLogin, err
	}
	if _, err := o.standing(ctx, s.Auth); err != nil {
		if fault.Is(err, fault.Denied) {
			return none, "", needsLogin, nil
		}
		return none, "", needsLogin, err
	}
	if a.prompt.login || a.onlySub != "" && a.onlySub != s.Auth.Sub || tooOld(s.Auth.At, a.maxAge, o.clock.Now()) {
		return s, "", needsLogin, nil
	}
	acr, ok := a.level(s.Auth)
	if !ok {
		return s, "", needsLevel, nil
	}
	return s, acr, satisfied, nil
}

// tooOld holds max_age (AZ12). max_age=0 always asks for a new login.
func tooOld(at time.Time, maxAge *int, now time.Time) bool {
	return maxAge != nil && now.Sub(at) >= time.Duration(*maxAge)*time.Second
}

// request is what waits for the person.
func (a *asking) request(browserSecret string) grant.Request {
	return grant.Request{
		ClientID: a.client.ID, RedirectURI: a.to.redirectURI, ResponseMode: a.to.mode, State: a.to.state,
		Nonce: a.nonce, CodeChallenge: a.challenge, Prompt: a.rawPrompt, UILocales: a.locales, LoginHint: a.loginHint,
		Scope: a.scope, ACRValues: a.levels.Wanted, MustACRs: a.levels.Must, Claims: a.claims, MaxAge: a.maxAge, HintSub: a.onlySub,
		BrowserHash: grant.Hash(browserSecret), Reauth: a.reauth, AskConsent: a.prompt.consent,
	}
}
