package login

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// reasonRemoved is why a session ends when its card leaves the reader.
const reasonRemoved = "card_removed"

// cardChallenge gives the page's script a challenge for the bridge.
func (l *Login) cardChallenge(c echo.Context) error {
	v, err := l.enter(c)
	if err != nil {
		return l.tell(v, err)
	}
	if !web.CheckCSRF(v.browser, v.login.Handle, c.FormValue("csrf")) {
		l.Failures(v.ctx, audit.Failure{Kind: audit.FailureCSRF, Code: web.CodeForbidden})
		return l.tell(v, fault.New(fault.Denied, web.CodeForbidden, "not a form of this login"))
	}
	if v.login.Progress != grant.Pending || !l.offersCard(v) {
		return c.JSON(http.StatusConflict, map[string]string{"code": moved})
	}
	acr, _ := claims.ACR(v.client, v.levels(), authn.Authentication{Means: authn.Card})
	token, id, err := l.Cards.Challenge(v.ctx, cards.Ask{
		Login: v.login.Handle, Browser: v.login.BrowserHash, Service: v.client.Name, ACR: acr,
	})
	if err != nil {
		return l.tell(v, err)
	}
	return c.JSON(http.StatusOK, map[string]string{"challenge": token, "jti": id})
}

// tell gives the script a failure in the words of the page.
func (l *Login) tell(v *visit, err error) error {
	code := web.CodeOf(err)
	text := web.TextOf(code, v.lang)
	return v.c.JSON(web.StatusOf(err), map[string]string{"code": code, "title": text.Title, "cause": text.Cause, "action": text.Action})
}

// cardPulled is what a bridge posts when the card of a login leaves its reader:
// the session ends with everything behind it, whether a page is alive or not.
// What is unknown or over is answered like what is done: the caller has no use
// for the difference, and a stranger learns nothing.
func (l *Login) cardPulled(c echo.Context) error {
	ctx := c.Request().Context()
	var r cps.Removal
	d := json.NewDecoder(c.Request().Body) // bounded by the server
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return fault.Wrap(fault.Invalid, "", "the removal cannot be read", err)
	}
	sid, err := l.Cards.Pull(ctx, r)
	if fault.Is(err, fault.Denied) {
		l.Failures(ctx, audit.Failure{Kind: audit.FailureRemoval})
		return c.NoContent(http.StatusNoContent)
	}
	if err != nil {
		return err
	}
	if sid != "" {
		if err := l.EndSession(ctx, sid, reasonRemoved); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return c.NoContent(http.StatusNoContent)
}
