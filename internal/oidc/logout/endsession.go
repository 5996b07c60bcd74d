package logout

import (
	"html/template"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/notice"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
)

// csrfScope is the handle of the confirmation form: it serves no login.
const csrfScope = "logout"

// EndSession is the end_session endpoint (RP-Initiated Logout 2), GET and POST,
// in the four ways real services call it (pro-sante-connect.md 4.6).
//
// A valid ID token of ours says which session is meant, cookie or not: its
// service holds it, and all it can do with it here is to end that session.
// Without one, only the person may decide, on a page.
func (l *Logout) EndSession(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if m := c.Request().Method; m != http.MethodGet && m != http.MethodPost {
		c.Response().Header().Set("Allow", "GET, POST")
		return c.NoContent(http.StatusMethodNotAllowed)
	}
	params, err := parameters(c)
	if err != nil {
		return l.d.Pages.Fail(c, err)
	}
	a, err := l.read(c, params)
	if err != nil {
		return l.d.Pages.Fail(c, err)
	}
	if a.hint == nil && params.Get("confirm") == "" {
		if target := l.cookieHost(c); target != "" {
			return c.Redirect(http.StatusSeeOther, target)
		}
	}
	present, err := l.present(c)
	if err != nil {
		return l.d.Pages.Fail(c, err)
	}
	switch {
	case isPost(c) && params.Get("confirm") != "":
		return l.confirmed(c, a, present)
	case a.hint != nil && !a.differs && (present == nil || present.Auth.Sub == a.hint.Sub):
		return l.finish(c, a, a.hint.SID, present)
	case present != nil:
		return l.ask(c, a)
	}
	return l.nobody(c, a)
}

// cookieHost says where to look for the cookie, empty when here. A form that
// another site posted brings no cookie (SameSite=Lax), and on the issuer's own
// host there is none when the front is elsewhere: one GET of ours brings it.
// The mark keeps a proxy that rewrites Host from turning this into a loop.
func (l *Logout) cookieHost(c echo.Context) string {
	const mark = "front"
	r := c.Request()
	elsewhere := l.front != nil && r.Host != l.front.Host
	if r.Form.Get(mark) != "" || !elsewhere && !isPost(c) {
		return ""
	}
	query := r.Form
	query.Set(mark, "1")
	target := c.Request().URL.Path + "?" + query.Encode()
	if l.front != nil {
		target = l.front.String() + target
	}
	return target
}

// present is the live session of this browser, nil without one.
func (l *Logout) present(c echo.Context) (*session.Session, error) {
	cookie := l.d.Cookies.Session(c)
	if cookie == "" {
		return nil, nil //nolint:nilnil // nobody there is an answer
	}
	s, err := l.d.Sessions.ByCookie(c.Request().Context(), cookie)
	if fault.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// finish ends what the hint names, and the session of this browser when it is
// the same person's, tells the services, then goes where the service asked or
// shows the page.
func (l *Logout) finish(c echo.Context, a *asked, sid string, present *session.Session) error {
	ctx := c.Request().Context()
	sids := []string{sid}
	if present != nil && present.SID != sid {
		sids = append(sids, present.SID)
	}
	var told notice.Entered
	var over []session.Session
	for _, one := range sids {
		if one == "" {
			continue
		}
		s, more, err := l.end(ctx, one, ReasonLogout)
		if err != nil {
			return l.d.Pages.Fail(c, err)
		}
		told, over = append(told, more...), append(over, s)
	}
	if l.d.Cookies.Session(c) != "" {
		l.d.Cookies.ClearSession(c)
	}
	l.d.Notices.Send(ctx, told, patience)
	frames, back := l.frames(over), a.back()
	if back != "" && len(frames) == 0 {
		return c.Redirect(http.StatusSeeOther, back)
	}
	page := gone{Frames: frames, Next: template.URL(back)} //nolint:gosec // a registered address, compared exactly
	web.AllowFrames(c, frames...)
	return l.page(c, a, "loggedout", page)
}

// nobody answers when this browser has no session. A psc service that named
// itself gets its redirect, as the real service gives it; its URI is a
// registered one, so this leads nowhere an attacker chose.
func (l *Logout) nobody(c echo.Context, a *asked) error {
	if a.client != nil && a.client.Profile == client.ProfilePSC && !a.differs {
		if back := a.back(); back != "" {
			return c.Redirect(http.StatusSeeOther, back)
		}
	}
	return l.page(c, a, "loggedout", gone{})
}

// field is one hidden input of the confirmation form.
type field struct{ Name, Value string }

// ask shows the confirmation: a link on somebody's page must not log a person
// out, and a hint of another person means that something is mixed up (LO3).
func (l *Logout) ask(c echo.Context, a *asked) error {
	secret, err := l.d.Cookies.EnsureBrowser(c, l.d.Rand)
	if err != nil {
		return l.d.Pages.Fail(c, err)
	}
	content := struct {
		Service, Action, CSRF string
		Fields                []field
	}{Action: c.Request().URL.Path, CSRF: web.CSRF(secret, csrfScope)}
	if a.client != nil {
		content.Service = a.client.Name
		if !a.differs {
			content.Fields = append(content.Fields, field{"client_id", a.client.ID})
		}
	}
	for _, name := range [...]string{"post_logout_redirect_uri", "state", "ui_locales"} {
		if v := a.params.Get(name); v != "" && !a.differs {
			content.Fields = append(content.Fields, field{name, v})
		}
	}
	if a.target != "" {
		web.AllowFormTo(c, a.target)
	}
	return l.page(c, a, "logout", content)
}

// confirmed does what the person chose on our own page, and on no other: the
// token of the form is bound to this browser (PG3).
func (l *Logout) confirmed(c echo.Context, a *asked, present *session.Session) error {
	if !web.CheckCSRF(l.d.Cookies.Browser(c), csrfScope, a.params.Get("csrf")) {
		l.d.Failures(c.Request().Context(), audit.Failure{Kind: audit.FailureCSRF, Code: "PF-SV-048"})
		if present != nil {
			return l.ask(c, a)
		}
		return l.nobody(c, a)
	}
	if a.params.Get("confirm") != "yes" {
		return l.page(c, a, "loggedout", gone{Kept: true})
	}
	return l.finish(c, a, "", present)
}

func (l *Logout) page(c echo.Context, a *asked, name string, content any) error {
	return l.d.Pages.Render(c, http.StatusOK, name, web.Locale(c, a.params.Get("ui_locales")), content)
}
