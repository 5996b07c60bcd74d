package web

import (
	"encoding/base64"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/platform/fault"
)

const headerCSP = "Content-Security-Policy"

const (
	scriptSelf = "script-src 'self'"
	formAction = "form-action "
)

// basePolicy is the Content-Security-Policy every answer begins with (PG1, CSP
// level 3): what is not named is 'none'; no frames, no objects, no third party.
// It is only ever widened by name, for one answer.
//
// form-action comes last, so that it can grow. Chromium checks it along the
// whole redirect chain of a submitted form, and a login ends at the service:
// hence https: and, in the sandbox alone, plain http on loopback.
func basePolicy(sandbox bool) string {
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; " + scriptSelf +
		"; " + connectSelf + "; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; " + formAction + "'self' https:"
	if sandbox {
		policy += " http://127.0.0.1:* http://localhost:*"
	}
	return policy
}

// AllowFormTo lets the forms of this page lead to a registered redirect URI
// that the base policy does not cover: a native application's own scheme
// (RFC 8252 7.1) or http on loopback (RFC 8252 7.3). Call it with URIs of the
// client's registration only.
func AllowFormTo(c echo.Context, redirectURI string) {
	source := formSource(redirectURI)
	if source == "" {
		return
	}
	h := c.Response().Header()
	policy := h.Get(headerCSP)
	_, allowed, found := strings.Cut(policy, formAction)
	if found && !slices.Contains(strings.Fields(allowed), source) {
		h.Set(headerCSP, policy+" "+source)
	}
}

const connectSelf = "connect-src 'self'"

// AllowConnectTo lets the scripts of this page, and of no other, call the named
// origins: the card bridge on the person's own computer. Call it with origins of
// our own making only.
func AllowConnectTo(c echo.Context, origins ...string) {
	h := c.Response().Header()
	h.Set(headerCSP, strings.Replace(h.Get(headerCSP), connectSelf, strings.Join(append([]string{connectSelf}, origins...), " "), 1))
}

// AllowFrames lets this page, and no other, show frames of the named addresses'
// origins. Call it with addresses of registrations only (LO6).
func AllowFrames(c echo.Context, addresses ...string) {
	var origins []string
	for _, a := range addresses {
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(u.Host, ";, \"'") {
			continue
		}
		if o := u.Scheme + "://" + u.Host; !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	if len(origins) == 0 {
		return
	}
	h := c.Response().Header()
	h.Set(headerCSP, strings.Replace(h.Get(headerCSP), connectSelf, "frame-src "+strings.Join(origins, " ")+"; "+connectSelf, 1))
}

// AllowFramingByAll lets other sites frame this page: for one that shows nothing
// and takes no click (LO7).
func AllowFramingByAll(c echo.Context) {
	h := c.Response().Header()
	h.Set(headerCSP, strings.Replace(h.Get(headerCSP), "frame-ancestors 'none'", "frame-ancestors *", 1))
	h.Del("X-Frame-Options")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// formSource gives the CSP source of a redirect URI beyond https, or nothing.
// Only characters of the URI grammar get through: a ";" would start another
// directive.
func formSource(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "https", "", "javascript", "data", "blob", "filesystem", "about", "vbscript":
		return ""
	case "http":
		if !loopback(u.Hostname()) {
			return ""
		}
		return "http://" + u.Hostname() + ":*"
	}
	return u.Scheme + ":" // url.Parse allows letters, digits, "+", "-" and "." only
}

// loopback names what CSP can name: it has no source form for [::1].
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Is4() && a.IsLoopback()
}

// Nonce allows one inline script on this page and gives the nonce it must
// carry (form_post, AZ20).
func Nonce(c echo.Context, rand io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fault.Wrap(fault.Unavailable, "", "no randomness", err)
	}
	nonce := base64.RawURLEncoding.EncodeToString(b[:])
	h := c.Response().Header()
	h.Set(headerCSP, strings.Replace(h.Get(headerCSP), scriptSelf, scriptSelf+" 'nonce-"+nonce+"'", 1))
	return nonce, nil
}

// securityHeaders sets PG1 on every answer, not on pages alone: an endpoint
// that one day answers HTML is then safe already. Values are made once; the
// header map only borrows them.
func securityHeaders(sandbox bool) echo.MiddlewareFunc {
	fixed := map[string][]string{
		headerCSP:                      {basePolicy(sandbox)},
		"X-Frame-Options":              {"DENY"},
		"X-Content-Type-Options":       {"nosniff"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
		"Cache-Control":                {"no-store"},
		// no-referrer would make our own form posts send "Origin: null".
		"Referrer-Policy": {"same-origin"},
	}
	if !sandbox {
		fixed["Strict-Transport-Security"] = []string{"max-age=63072000"} // TL1
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			for name, value := range fixed {
				h[name] = value
			}
			return next(c)
		}
	}
}
