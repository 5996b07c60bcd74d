package op

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Resume takes a finished login back to the service: GET /login/:handle/return.
//
// The handle alone opens nothing: the browser must be the one that started
// (AZ22), or whoever learns an address fetches somebody else's code.
func (o *OP) Resume(c echo.Context) error {
	ctx := c.Request().Context()
	c.Response().Header().Set("Cache-Control", "no-store")
	handle := c.Param("handle")
	r, err := o.requests.Get(ctx, handle, o.cookies.Browser(c))
	if err != nil {
		if fault.Is(err, fault.Denied) {
			o.failures(ctx, audit.Failure{Kind: audit.FailureBrowser, Code: fault.CodeOf(err)})
		}
		return o.errorPage(c, err)
	}
	// The service may have been withdrawn or its URI changed while the person logged in (D6).
	caller, err := o.clients.Lookup(r.ClientID)
	if err != nil || !caller.MatchRedirect(r.RedirectURI) {
		return o.page(c, fault.New(fault.Denied, "", "the service or its redirect URI is no longer registered"))
	}
	a := resumed(caller, r)
	open, err := o.pageDue(ctx, a, r)
	if err != nil {
		return o.errorPage(c, err)
	}
	if open {
		return c.Redirect(http.StatusSeeOther, o.loginURL(url.PathEscape(handle)))
	}
	r, err = o.requests.Complete(ctx, handle)
	if err != nil && (!fault.Is(err, fault.Used) || !o.mayRepeat(c, r)) {
		return o.errorPage(c, err)
	}
	if r.Auth == nil {
		return o.refuse(c, a.to, notAnswered(r.Reason))
	}
	out, err := o.weigh(c, a, r)
	if err != nil {
		return o.refuse(c, a.to, err)
	}
	return o.answer(c, a, out)
}

// pageDue tells that a page of the login still waits for an answer: whoever
// comes straight to this address has not passed it.
func (o *OP) pageDue(ctx context.Context, a *asking, r grant.Request) (bool, error) {
	switch {
	case r.Progress == grant.Pending:
		return true, nil
	case r.Progress != grant.Authenticated || r.Consented:
		return false, nil
	}
	return o.consentDue(ctx, a, r.Auth.Sub)
}

// codeCardNeeded is the reason of a login whose means was too weak (package login).
const codeCardNeeded = "PF-CA-023"

// notAnswered words a login that nobody finished.
func notAnswered(reason string) error {
	if reason == codeCardNeeded {
		return oauth.New(oauth.UnmetAuthentication, "the login did not reach the level asked ("+reason+")")
	}
	return fault.New(fault.Denied, reason, "the login was refused or cancelled")
}

// mayRepeat tells whether a reload, the back button or a second click gets an
// answer again (AZ23). A refusal is only repeated. A code is a new one, so the
// browser must hold the live session of this very login, which alone would have
// given it: on a shared post, or after a logout, the next person at the keyboard
// must not find the last one's login in the history.
func (o *OP) mayRepeat(c echo.Context, r grant.Request) bool {
	if r.Progress != grant.Completed {
		return false
	}
	if r.Auth == nil {
		return true
	}
	cookie := o.cookies.Session(c)
	if cookie == "" || r.Shared {
		return false
	}
	live, err := o.sessions.ByCookie(c.Request().Context(), cookie)
	return err == nil && live.SID == r.SID
}

// resumed rebuilds the validated request from its record.
func resumed(caller *client.Client, r grant.Request) *asking {
	return &asking{
		client: caller, to: destination{redirectURI: r.RedirectURI, mode: r.ResponseMode, state: r.State},
		scope: r.Scope, nonce: r.Nonce, challenge: r.CodeChallenge, maxAge: r.MaxAge,
		prompt: prompt{consent: r.AskConsent},
		levels: claims.Levels{Wanted: r.ACRValues, Must: r.MustACRs}, claims: r.Claims, onlySub: r.HintSub, reauth: r.Reauth,
	}
}

// weigh checks the login against what was asked. The login page offers only
// what fits, but the answer is given here, so here it is checked: the level, the
// person a hint named, and that a re-authentication is really newer than the request.
func (o *OP) weigh(c echo.Context, a *asking, r grant.Request) (outcome, error) {
	auth := *r.Auth
	acr, ok := a.level(auth)
	switch {
	case !ok:
		return outcome{}, oauth.New(oauth.UnmetAuthentication, "the login did not reach the level asked")
	case a.onlySub != "" && a.onlySub != auth.Sub:
		return outcome{}, oauth.New(oauth.LoginRequired, "another person logged in than the one the request names")
	case auth.At.Before(r.Started) && (a.reauth || tooOld(auth.At, a.maxAge, r.Started)):
		return outcome{}, oauth.New(oauth.LoginRequired, "a new login was asked")
	}
	if _, err := o.standing(c.Request().Context(), auth); err != nil {
		return outcome{}, err
	}
	return outcome{sid: r.SID, auth: auth, acr: acr}, nil
}
