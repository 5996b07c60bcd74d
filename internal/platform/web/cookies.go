package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Cookies names and reads the four cookies of the house. Over https they are
// __Host- and Secure (SE1): no other host, not even a sibling, can plant them.
// Over http, which only the sandbox may speak on loopback, they carry other
// names, so that neither kind is ever taken for the other.
type Cookies struct {
	Secure bool
}

const (
	browserCookie = "egide-browser" // binds pending logins to this browser (AZ22)
	sessionCookie = "egide-session" // the SSO session
	stateCookie   = "egide-state"   // which session this browser has, for services' frames to compare (LO7)
	knownCookie   = "egide-known"   // this browser was used by a holder (architecture, point 7)
	knownLife     = 365 * 24 * time.Hour
	maxCookie     = 256
	secretBytes   = 32
)

// EnsureBrowser gives the secret of this browser and plants one if it has none.
func (k Cookies) EnsureBrowser(c echo.Context, rand io.Reader) (string, error) {
	if s := k.Browser(c); s != "" {
		return s, nil
	}
	s, err := Secret(rand)
	if err != nil {
		return "", err
	}
	k.set(c, browserCookie, s, 0)
	return s, nil
}

// Browser gives the secret of this browser, empty when it has none of ours.
func (k Cookies) Browser(c echo.Context) string {
	v := k.get(c, browserCookie)
	if len(v) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return ""
	}
	return v
}

// Session gives the session cookie.
func (k Cookies) Session(c echo.Context) string { return k.get(c, sessionCookie) }

// SetSession replaces the session cookie; it lives as long as the browser, and
// the session behind it as long as the server says.
func (k Cookies) SetSession(c echo.Context, v string) {
	k.set(c, sessionCookie, v, 0)
	k.setState(c, stateOf(v))
}

// ClearSession removes the session cookie.
func (k Cookies) ClearSession(c echo.Context) {
	k.set(c, sessionCookie, "", -1)
	k.setState(c, signedOut)
}

// SessionState names the session of this browser without opening it (Session
// Management 1.0, section 3); empty without one.
func (k Cookies) SessionState(c echo.Context) string {
	v := k.Session(c)
	if v == "" {
		return ""
	}
	return stateOf(v)
}

// signedOut is the state of a browser whose session ended: a browser that sends
// no state at all may only have kept it from a frame.
const signedOut = "none"

func stateOf(session string) string {
	sum := sha256.Sum256([]byte("egide state v1\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// setState is for the script of our frame in a service's page: readable by
// script and sent across sites, it opens nothing and leads back to nothing.
func (k Cookies) setState(c echo.Context, v string) {
	site := http.SameSiteNoneMode
	if !k.Secure {
		site = http.SameSiteLaxMode // browsers refuse None over plain http
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // see above
		Name: k.name(stateCookie), Value: v, Path: "/", Secure: k.Secure, SameSite: site,
	})
}

// Known gives the known-browser id; it holds no personal data and opens nothing.
func (k Cookies) Known(c echo.Context) string { return k.get(c, knownCookie) }

// SetKnown plants the known-browser id for a year.
func (k Cookies) SetKnown(c echo.Context, v string) {
	k.set(c, knownCookie, v, int(knownLife/time.Second))
}

// Secret makes 256 random bits as text that fits a cookie or a URL.
func Secret(rand io.Reader) (string, error) {
	var b [secretBytes]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func (k Cookies) name(base string) string {
	if k.Secure {
		return "__Host-" + base
	}
	return base
}

// get reads one cookie. Two of one name mean that somebody planted a second
// one, so neither is believed.
func (k Cookies) get(c echo.Context, base string) string {
	found := c.Request().CookiesNamed(k.name(base))
	if len(found) != 1 || len(found[0].Value) > maxCookie || !tokenText(found[0].Value) {
		return ""
	}
	return found[0].Value
}

func (k Cookies) set(c echo.Context, base, value string, maxAge int) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure is off only over plain http, which only the sandbox speaks, on loopback
		Name: k.name(base), Value: value, Path: "/", MaxAge: maxAge,
		Secure: k.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// tokenText is the alphabet of our own cookie values: base64url and the dot.
func tokenText(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// CSRF gives the token a form of this login must carry (PG3): only a page that
// we gave to the browser holding the secret can know it, and it serves no
// other login.
func CSRF(browserSecret, handle string) string {
	m := hmac.New(sha256.New, []byte(browserSecret))
	m.Write([]byte("egide csrf v1\x00" + handle))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// CheckCSRF tells in constant time whether the token is the one of CSRF.
// A browser without a secret never passes.
func CheckCSRF(browserSecret, handle, token string) bool {
	return browserSecret != "" && hmac.Equal([]byte(CSRF(browserSecret, handle)), []byte(token))
}
