package op

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/web"
)

// sessionState lets a service ask our frame whether this session is still the
// browser's (Session Management 1.0, section 3): a salted hash of the service, its
// origin and the browser's state. Empty where the browser has no session to ask
// about, as on a shared post.
func (o *OP) sessionState(c echo.Context, a *asking) (string, error) {
	here, origin := o.cookies.SessionState(c), client.Origin(a.to.redirectURI)
	if here == "" || origin == "" {
		return "", nil
	}
	var random [16]byte
	if _, err := io.ReadFull(o.rand, random[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, codeUnavailable, "no randomness", err)
	}
	salt := base64.RawURLEncoding.EncodeToString(random[:])
	sum := sha256.Sum256([]byte(a.client.ID + " " + origin + " " + here + " " + salt))
	return base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt, nil
}

// sessionFrame is the page of the frame: a title for who looks at its source,
// and one script.
func sessionFrame(script string) string {
	return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Session</title><script src="` + html.EscapeString(script) + `" type="module"></script></html>`
}

// withSessionFrame announces the frame where there is one (ME6).
func (m metadata) withSessionFrame(address string) metadata {
	m.CheckSessionIframe = address
	return m
}

// CheckSession is the frame that services put into their pages. It is the one
// page of ours that others may frame: it shows nothing and does nothing but
// compare (assets/session.js).
func (o *OP) CheckSession(c echo.Context) error {
	if m := c.Request().Method; m != http.MethodGet && m != http.MethodHead {
		c.Response().Header().Set("Allow", "GET")
		return c.NoContent(http.StatusMethodNotAllowed)
	}
	web.AllowFramingByAll(c)
	c.Response().Header().Set("Cache-Control", "public, max-age=3600") // the same for everybody
	return c.HTML(http.StatusOK, o.frame)
}
