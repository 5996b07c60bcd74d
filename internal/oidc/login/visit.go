package login

import (
	"context"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// visit is one request of the browser that owns the login.
type visit struct {
	c       echo.Context
	ctx     context.Context //nolint:containedctx // it lives exactly as long as the HTTP request it belongs to
	browser string          // secret of the browser
	login   grant.Request
	client  *client.Client
	lang    string
	query   string // keeps the language a person chose on the page
}

// step is one handler behind the door.
type step func(*visit) error

// looking lets the owner of the login see it.
func (l *Login) looking(next step) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := l.enter(c)
		return l.walk(v, err, next)
	}
}

// walk takes the step, or shows why it cannot be taken.
func (l *Login) walk(v *visit, err error, next step) error {
	if err == nil {
		err = next(v)
	}
	if err != nil {
		return l.Pages.FailIn(v.c, err, v.lang)
	}
	return nil
}

// freshMark tells that this browser was just given its own login: one that
// keeps no cookie would go round for ever.
const freshMark = "fresh"

// opening is looking, but a browser that follows somebody else's login link gets
// a login of its own, from its beginning (AZ22): it sees no number and moves no
// step. Without it a person who opens his link in the browser he prefers is stuck.
func (l *Login) opening(next step) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := l.enter(c)
		if fault.CodeOf(err) != web.CodeForeign || c.QueryParam(freshMark) != "" {
			return l.walk(v, err, next)
		}
		return l.walk(v, nil, l.restart)
	}
}

func (l *Login) restart(v *visit) error {
	browser, err := l.Cookies.EnsureBrowser(v.c, l.Rand)
	if err != nil {
		return err
	}
	own, err := l.Requests.Restart(v.ctx, v.c.Param("handle"), grant.Hash(browser))
	if err != nil {
		return err
	}
	return v.c.Redirect(http.StatusSeeOther, "/login/"+url.PathEscape(own.Handle)+"?"+freshMark+"=1")
}

// acting lets the owner change it: the form must be one we gave to this browser
// for this login. With any other token nothing moves and the step that is due
// is shown again (PG3).
func (l *Login) acting(next step) echo.HandlerFunc {
	return l.looking(func(v *visit) error {
		if !web.CheckCSRF(v.browser, v.login.Handle, v.c.FormValue("csrf")) {
			l.Failures(v.ctx, audit.Failure{Kind: audit.FailureCSRF, Code: web.CodeForbidden})
			return l.back(v)
		}
		return next(v)
	})
}

// enter opens the login for the browser that started it. Another browser learns
// nothing of it and cannot go on with it (AZ22, BCP 4.7).
func (l *Login) enter(c echo.Context) (*visit, error) {
	v := &visit{c: c, ctx: c.Request().Context(), browser: l.Cookies.Browser(c)}
	chosen := c.QueryParam("ui_locales")
	v.lang = web.Locale(c, chosen)
	if chosen != "" {
		v.query = "?ui_locales=" + v.lang
	}
	r, err := l.Requests.Get(v.ctx, c.Param("handle"), v.browser)
	if err != nil {
		if fault.Is(err, fault.Denied) {
			l.Failures(v.ctx, audit.Failure{Kind: audit.FailureBrowser, Code: fault.CodeOf(err)})
		}
		return v, err
	}
	v.login = r
	if chosen == "" {
		v.lang = web.Locale(c, r.UILocales)
	}
	v.client, err = l.Clients.Lookup(r.ClientID)
	if err != nil {
		return v, fault.Wrap(fault.Denied, web.CodeBadClient, "the service is no longer registered", err)
	}
	web.AllowFormTo(c, r.RedirectURI)
	return v, nil
}

// to gives the address of a form of this login.
func (v *visit) to(action string) string {
	return "/login/" + url.PathEscape(v.login.Handle) + "/" + action + v.query
}

func (v *visit) self() string { return "/login/" + url.PathEscape(v.login.Handle) }

// back sends the browser to the dispatcher (AZ19: 303, never 307).
func (l *Login) back(v *visit) error {
	return v.c.Redirect(http.StatusSeeOther, v.self()+v.query)
}

// leave sends it on to the service.
func (l *Login) leave(v *visit) error {
	return v.c.Redirect(http.StatusSeeOther, l.ReturnURL(v.login.Handle))
}
