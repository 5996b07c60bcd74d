// Package psc gives a plain OpenID Provider the outer shape of Pro Santé
// Connect: hosts, realm paths, second names, the discovery path clients ask
// for (pro-sante-connect.md 0.1 to 0.5 and 1.2). It knows where things are and
// nothing of what they do.
package psc

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// Shape is where the provider lives. Both come from configuration, never from
// the Host of a request (D7).
type Shape struct {
	Issuer           string // https://auth.example/auth/realms/esante-wallet
	AuthorizationURL string // https://wallet.example/auth
}

// Endpoints are the handlers behind the paths.
type Endpoints struct {
	Authorize, Token, UserInfo, EndSession echo.HandlerFunc
	JWKS, Introspect, Revoke, Discovery    echo.HandlerFunc
	CheckSession                           echo.HandlerFunc
}

// protocol is the fixed text client code appends to the issuer.
const protocol = "/protocol/openid-connect/"

// Paths relative to the issuer (pro-sante-connect.md 1.2). The discovery
// document is built from the same names.
const (
	AuthorizePath  = protocol + "auth"
	TokenPath      = protocol + "token"
	IntrospectPath = protocol + "token/introspect"
	UserInfoPath   = protocol + "userinfo"
	LogoutPath     = protocol + "logout"
	StatusPath     = protocol + "login-status-iframe.html"
	CertsPath      = protocol + "certs"
	RevokePath     = protocol + "revoke"

	RegistrationPath = "/clients-registrations/openid-connect" // and below it, one path each client

	StandardDiscovery = "/.well-known/openid-configuration"
	WalletDiscovery   = "/.well-known/wallet-openid-configuration"
)

// Mount routes every path, and rewrites doubled slashes before routing.
//
// Each path is routed for every method, so that the handler, which knows the
// rule, answers 405 itself in the words of its protocol.
func Mount(e *echo.Echo, s Shape, h Endpoints) error {
	issuer, err := parse(s.Issuer)
	if err != nil {
		return err
	}
	authorization, err := parse(s.AuthorizationURL)
	if err != nil {
		return err
	}
	e.Pre(singleSlashes)

	base := strings.TrimSuffix(issuer.Path, "/")
	for path, handler := range map[string]echo.HandlerFunc{
		TokenPath:         h.Token,
		IntrospectPath:    h.Introspect,
		UserInfoPath:      h.UserInfo,
		LogoutPath:        h.EndSession,
		StatusPath:        h.CheckSession,
		CertsPath:         h.JWKS,
		RevokePath:        h.Revoke,
		StandardDiscovery: h.Discovery,
		WalletDiscovery:   h.Discovery,
	} {
		if handler == nil {
			return errors.New("psc: no handler for " + path)
		}
		e.Any(base+path, handler)
	}

	if h.Authorize == nil {
		return errors.New("psc: no handler for " + AuthorizePath)
	}
	// Clients write the authorization endpoint with and without a final slash.
	front := strings.TrimSuffix(authorization.Path, "/")
	e.Any(front, h.Authorize)
	e.Any(front+"/", h.Authorize)
	if front != base+AuthorizePath {
		e.Any(base+AuthorizePath, secondName(h.Authorize, issuer, authorization))
	}
	return nil
}

// MountCalls routes what services call and no browser does, below another base
// than the issuer's: the listener that asks for certificates (RFC 8705 5).
func MountCalls(e *echo.Echo, base string, h Endpoints) {
	e.Pre(singleSlashes)
	for path, handler := range map[string]echo.HandlerFunc{
		TokenPath: h.Token, IntrospectPath: h.Introspect, UserInfoPath: h.UserInfo, RevokePath: h.Revoke,
	} {
		e.Any(base+path, handler)
	}
}

// secondName serves the realm's own authorization path. When it is on another
// host than the front, the cookies of a login live on the front: the browser
// goes there first, once, with everything it brought.
func secondName(authorize echo.HandlerFunc, issuer, front *url.URL) echo.HandlerFunc {
	if issuer.Scheme == front.Scheme && issuer.Host == front.Host {
		return authorize
	}
	target := front.String()
	return func(c echo.Context) error {
		query := c.Request().URL.RawQuery
		if c.Request().Method == http.MethodPost {
			form, err := c.FormParams()
			if err != nil {
				return echo.NewHTTPError(http.StatusBadRequest, "malformed form")
			}
			query = form.Encode()
		}
		c.Response().Header().Set("Cache-Control", "no-store")
		if query == "" {
			return c.Redirect(http.StatusSeeOther, target)
		}
		return c.Redirect(http.StatusSeeOther, target+"?"+query)
	}
}

// singleSlashes makes //userinfo the same resource as /userinfo. A cleaning
// redirect would turn one client's POST into a GET and break it
// (pro-sante-connect.md 0.4). It rewrites the path the router sees, never the answer.
func singleSlashes(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		if strings.Contains(u.Path, "//") {
			u.Path = collapse(u.Path)
		}
		if strings.Contains(u.RawPath, "//") {
			u.RawPath = collapse(u.RawPath)
		}
		return next(c)
	}
}

func collapse(path string) string {
	out := make([]byte, 0, len(path))
	for i := range len(path) {
		if path[i] == '/' && i > 0 && path[i-1] == '/' {
			continue
		}
		out = append(out, path[i])
	}
	return string(out)
}

func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("psc: the issuer and the authorization endpoint are absolute URLs without query, fragment or user: " + address)
	}
	return u, nil
}
