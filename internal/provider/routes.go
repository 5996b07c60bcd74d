package provider

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/assets"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/ecps/deviceapi"
	"github.com/egide-id/egide/internal/means/ecps/wallet"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/login"
	"github.com/egide-id/egide/internal/oidc/logout"
	"github.com/egide-id/egide/internal/oidc/op"
	"github.com/egide-id/egide/internal/oidc/psc"
	"github.com/egide-id/egide/internal/oidc/session"
	"github.com/egide-id/egide/internal/platform/web"
	"github.com/egide-id/egide/internal/trust/audit"
	"github.com/egide-id/egide/templates"
)

// features are the stateless parts over the resources, made anew at a reload.
type features struct {
	pages    *web.Pages
	cookies  web.Cookies
	sessions *session.Sessions
	grants   grant.Deps
	origin   string // scheme and host of the authorization endpoint: login pages live there
}

func (p *Provider) features(c Config) (features, error) {
	tpl, err := templates.Parse()
	if err != nil {
		return features{}, err
	}
	origin, err := c.origin()
	if err != nil {
		return features{}, err
	}
	life := c.Lifetimes
	return features{
		pages:    web.NewPages(web.PagesOptions{Templates: tpl, Log: p.deps.Log, Environment: c.Environment}),
		cookies:  web.Cookies{Secure: strings.HasPrefix(origin, "https:")},
		sessions: session.New(session.Deps{KV: p.res.kv, Clock: p.deps.Clock, Rand: p.deps.Rand, Idle: time.Duration(life.SessionIdle), Absolute: time.Duration(life.SessionAbsolute)}),
		grants: grant.Deps{KV: p.res.kv, Clock: p.deps.Clock, Rand: p.deps.Rand, Lifetimes: grant.Lifetimes{
			Request: time.Duration(life.Request), Code: time.Duration(life.Code), Access: time.Duration(life.AccessToken), Refresh: time.Duration(life.RefreshToken),
		}},
		origin: origin,
	}, nil
}

// under gives the address of a path of the realm on another host: the one where
// the cookies are.
func (c Config) under(origin, path string) (string, error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return "", err
	}
	return origin + strings.TrimSuffix(issuer.Path, "/") + path, nil
}

// origin is scheme and host of the authorization endpoint.
func (c Config) origin() (string, error) {
	front, err := url.Parse(c.AuthorizationURL)
	if err != nil {
		return "", err
	}
	return front.Scheme + "://" + front.Host, nil
}

// routes mounts every feature: the one list of what this server answers.
func (p *Provider) routes(c Config, w *wallet.Wallet, phones *deviceapi.API) (http.Handler, error) {
	f, err := p.features(c)
	if err != nil {
		return nil, err
	}
	e := web.New(web.Options{
		Log: p.deps.Log, Rand: p.deps.Rand, Pages: f.pages, Environment: c.Environment, TrustedProxies: networks(c.TrustedProxies),
		Around: p.around(c),
	})
	e.Use(traceOrigin)
	requests := grant.NewRequests(f.grants)

	endpoints, err := p.op(c, f, requests)
	if err != nil {
		return nil, err
	}
	if c.MTLS.URL != "" {
		calls, err := p.newCalls(c, f, endpoints)
		if err != nil {
			return nil, err
		}
		p.calls.Store(&calls)
	}
	ending, err := p.logout(c, f)
	if err != nil {
		return nil, err
	}
	if err := psc.Mount(e, psc.Shape{Issuer: c.Issuer, AuthorizationURL: c.AuthorizationURL}, psc.Endpoints{
		Authorize: endpoints.Authorize, Token: endpoints.Token, UserInfo: endpoints.UserInfo, EndSession: ending.EndSession,
		JWKS: endpoints.JWKS, Introspect: endpoints.Introspect, Revoke: endpoints.Revoke, Discovery: endpoints.Discovery,
		CheckSession: endpoints.CheckSession,
	}); err != nil {
		return nil, err
	}
	if err := p.mountRegistration(e, c); err != nil {
		return nil, err
	}
	known, err := p.newCards(c, f)
	if err != nil {
		return nil, err
	}
	entry, err := p.login(c, f, w, known, requests, ending)
	if err != nil {
		return nil, err
	}
	p.cards.Store(known)
	p.sessions.Store(f.sessions)
	p.ending.Store(ending)
	entry.Mount(e)
	e.GET("/login/:handle/return", endpoints.Resume)
	own, err := p.newPortal(c, f, w)
	if err != nil {
		return nil, err
	}
	own.Mount(e)
	phones.Mount(e.Group(wallet.BasePath))
	e.GET(assets.Prefix+"*", serveAssets(assets.Load()))
	p.mountHealth(e)
	return hosts(c.ECPS.AppURL, p.app(c, f, phones), e)
}

// serveAssets answers unknown files with the house's own page.
func serveAssets(files *assets.Files) echo.HandlerFunc {
	serve := echo.WrapHandler(files)
	return func(c echo.Context) error {
		if !files.Has(c.Request().URL.Path) {
			return echo.ErrNotFound
		}
		return serve(c)
	}
}

func (p *Provider) op(c Config, f features, requests *grant.Requests) (*op.OP, error) {
	judge, err := p.newJudge(c)
	if err != nil {
		return nil, err
	}
	d := op.Deps{
		Clients: p.res.clients, Requests: requests, Codes: grant.NewCodes(f.grants), Tokens: grant.NewTokens(f.grants),
		Sessions: f.sessions, Subjects: p.res.subjects, Directory: p.res.register, Consents: p.res.consents, Keys: p.res.keys,
		KeySets: p.res.keySets, Sites: p.res.out,
		KV:    p.res.kv,
		Names: p.res.names,
		Audit: p.res.traces, Failures: p.res.traces.Failure, Cookies: f.cookies, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log,
		Issuer: c.Issuer, AuthorizationURL: c.AuthorizationURL, CertificateURL: c.MTLS.URL,
		Paths: op.Paths{
			Token: psc.TokenPath, UserInfo: psc.UserInfoPath, JWKS: psc.CertsPath, EndSession: psc.LogoutPath,
			Introspection: psc.IntrospectPath, Revocation: psc.RevokePath, Registration: c.Registration.path(),
		},
		LoginURL:  func(handle string) string { return f.origin + "/login/" + handle },
		ErrorPage: f.pages.Fail, Lifetimes: f.grants.Lifetimes,
	}
	if d.SessionFrameURL, err = c.under(f.origin, psc.StatusPath); err != nil {
		return nil, err
	}
	if d.SessionScript, err = assets.Load().URL("session.js"); err != nil {
		return nil, err
	}
	if judge != nil { // a nil pointer in an interface would look like a part
		d.Vouching = judge
	}
	return op.New(d)
}

func (p *Provider) logout(c Config, f features) (*logout.Logout, error) {
	return logout.New(logout.Deps{
		Sessions: f.sessions, Persons: p.res.subjects, Notices: p.res.notices, Clients: p.res.clients, Names: p.res.names, Keys: p.res.keys, Cookies: f.cookies, Pages: f.pages,
		Audit: p.res.traces, Failures: p.res.traces.Failure, Rand: p.deps.Rand, Log: p.deps.Log,
		Issuer: c.Issuer, AuthorizationURL: c.AuthorizationURL,
	})
}

func (p *Provider) login(c Config, f features, w *wallet.Wallet, known *cards.Cards, requests *grant.Requests, ending *logout.Logout) (*login.Login, error) {
	d := login.Deps{
		Requests: requests, Sessions: f.sessions, Subjects: p.res.subjects, Clients: p.res.clients, Directory: p.res.register,
		Wallet: w, Consents: p.res.consents, KV: p.res.kv, Failures: p.res.traces.Failure, Pages: f.pages, Cookies: f.cookies, Audit: p.res.traces, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log,
		EndSession: ending.End,
		ReturnURL:  func(handle string) string { return f.origin + "/login/" + handle + "/return" },
		PageURL:    func(handle string) string { return f.origin + "/login/" + handle },
		Bridge:     c.Card.ports(),
	}
	if known != nil { // a nil pointer in an interface would look like a part
		d.Cards = known
	}
	return login.New(d)
}

// traceOrigin gives every trace the request it belongs to, the caller's address
// and the class of his device (PG-61).
func traceOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		c.SetRequest(r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{
			RequestID: web.RequestID(c), Address: c.RealIP(), DeviceClass: deviceClass(r.UserAgent()),
		})))
		return next(c)
	}
}

func deviceClass(agent string) string {
	switch {
	case agent == "":
		return "unknown"
	case strings.Contains(agent, "iPad") || strings.Contains(agent, "Tablet"):
		return "tablet"
	case strings.Contains(agent, "Mobile") || strings.Contains(agent, "iPhone") || strings.Contains(agent, "Android"):
		return "phone"
	case strings.HasPrefix(agent, "Mozilla/"):
		return "computer"
	}
	return "program"
}

// networks reads what Validate has already accepted.
func networks(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p)
		} else if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return out
}
