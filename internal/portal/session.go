package portal

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/means/ecps"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

const (
	sessionCookie = "egide-portal"
	loginCookie   = "egide-portal-login"
	maxCookie     = 64
)

func (p *Portal) cookieName(base string) string {
	if p.Cookies.Secure {
		return "__Host-" + base
	}
	return base
}

func (p *Portal) setCookie(c echo.Context, base, value string, life time.Duration) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure is off only over plain http, which only the sandbox speaks, on loopback
		Name: p.cookieName(base), Value: value, Path: "/", MaxAge: seconds(life), Secure: p.Cookies.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// seconds is a life as net/http wants it: 0 is the browser's session, negative deletes.
func seconds(life time.Duration) int {
	if life < 0 {
		return -1
	}
	return int(life / time.Second)
}

// cookie reads one; two of one name mean that somebody planted a second one.
func (p *Portal) cookie(c echo.Context, base string) string {
	found := c.Request().CookiesNamed(p.cookieName(base))
	if len(found) != 1 || len(found[0].Value) > maxCookie {
		return ""
	}
	return found[0].Value
}

// begin opens a session under a value that nobody knew before the login (fixation).
func (p *Portal) begin(c echo.Context, s session) error {
	secret, err := web.Secret(p.Rand)
	if err != nil {
		return err
	}
	if old := p.cookie(c, sessionCookie); old != "" {
		if err := p.sessions.Delete(c.Request().Context(), ecps.Hash(old)); err != nil {
			return err
		}
	}
	if err := p.sessions.Put(c.Request().Context(), ecps.Hash(secret), s, sessionLife); err != nil {
		return err
	}
	p.setCookie(c, sessionCookie, secret, 0)
	return nil
}

// drop ends the portal's own session.
func (p *Portal) drop(v *visit) error {
	p.setCookie(v.c, sessionCookie, "", -1)
	return p.sessions.Delete(v.c.Request().Context(), ecps.Hash(v.secret))
}

// visit is one request of somebody who is signed in.
type visit struct {
	c      echo.Context
	s      session
	secret string
	lang   string
}

// enter finds the session and asks the provider whether it still holds.
// Errors: fault.Denied when nobody is signed in (any more).
func (p *Portal) enter(c echo.Context) (*visit, error) {
	ctx := c.Request().Context()
	v := &visit{c: c, secret: p.cookie(c, sessionCookie), lang: web.Locale(c, c.QueryParam("ui_locales"))}
	nobody := fault.New(fault.Denied, "", "nobody is signed in")
	if v.secret == "" {
		return v, nobody
	}
	key := ecps.Hash(v.secret)
	s, err := p.sessions.Get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return v, nobody
	}
	if err != nil {
		return v, err
	}
	if v.s, err = p.fresh(ctx, key, s); err != nil {
		if fault.Is(err, fault.Denied) {
			err = p.sessions.Delete(ctx, key)
			p.setCookie(c, sessionCookie, "", -1)
			if err == nil {
				err = nobody
			}
		}
		return v, err
	}
	_, err = p.sessions.Update(ctx, key, func(kept *session) (time.Duration, error) {
		kept.Name = v.s.Name // never the tokens: another page may have newer ones
		return sessionLife, nil
	})
	if fault.Is(err, fault.NotFound) {
		return v, nobody
	}
	return v, err
}

// signedIn shows a page to who is signed in; others log in first and come back.
func (p *Portal) signedIn(page func(*visit) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := p.enter(c)
		if fault.Is(err, fault.Denied) {
			return c.Redirect(http.StatusSeeOther, Path+"/login?next="+next(c.Path()[len(Path):]))
		}
		if err == nil {
			err = page(v)
		}
		if err != nil {
			return p.Pages.FailIn(c, err, v.lang)
		}
		return nil
	}
}

// act changes something and says where to go on: a page of ours.
type act func(*visit) (to string, err error)

// acting guards an act: the form must be one we gave to this session. What is
// refused is told on the page it came from.
func (p *Portal) acting(do act) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := p.enter(c)
		if fault.Is(err, fault.Denied) {
			return c.Redirect(http.StatusSeeOther, Path)
		}
		if err != nil {
			return p.Pages.FailIn(c, err, v.lang)
		}
		if !web.CheckCSRF(v.secret, ClientID, c.FormValue("csrf")) {
			return p.Pages.FailIn(c, fault.New(fault.Denied, web.CodeForbidden, "the form is not from our page"), v.lang)
		}
		to, err := do(v)
		if err != nil {
			return p.Pages.FailIn(c, err, v.lang)
		}
		return c.Redirect(http.StatusSeeOther, to)
	}
}

// ref is the phone or card that opened the provider's session, so that "another
// means" can be told from the same one; empty when nobody knows.
func (p *Portal) ref(v *visit) (string, error) {
	ref, err := p.Wallet.RefOf(v.c.Request().Context(), v.s.Holder, v.s.SID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return ref, err
}

// byCard tells that the holder proved himself with his card.
func (v *visit) byCard() bool { return v.s.Means == authn.Card }

// T chooses between the two languages.
func (v *visit) T(fr, en string) string {
	if v.lang == web.English {
		return en
	}
	return fr
}
