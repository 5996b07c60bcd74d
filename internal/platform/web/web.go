// Package web is everything a page or an endpoint needs of HTTP and no more:
// the echo set-up with its limits and security headers, cookies, CSRF, the
// choice of language, pages and error pages. It knows nothing of health and
// nothing of OpenID.
package web

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"
)

// Sandbox is the declared environment that may use http on loopback
// (architecture, point 14). Any other value is held to https.
const Sandbox = "sandbox"

// DefaultBodyLimit bounds a request body: the largest form of ours is an
// authorization request, whose state alone may take 2,000 characters (AZ8).
const DefaultBodyLimit = 64 << 10

// Options is what New needs.
type Options struct {
	Log         *slog.Logger
	Rand        io.Reader
	Pages       *Pages
	Environment string
	// TrustedProxies are the only peers whose X-Forwarded-* headers are read (D7).
	TrustedProxies []netip.Prefix
	// Around stands before all else and sees every answer, the error of a handler
	// included: whoever counts or follows requests. May be nil.
	Around echo.MiddlewareFunc
	// BodyLimit in bytes; 0 means DefaultBodyLimit.
	BodyLimit int64
}

// New gives an echo that recovers, numbers its requests, sets the security
// headers of PG1, bounds bodies and believes no forwarding header that did not
// come from a configured proxy. Errors that handlers return end in o.Pages.
func New(o Options) *echo.Echo {
	if o.Log == nil || o.Rand == nil || o.Pages == nil {
		panic("web: New needs Log, Rand and Pages")
	}
	if o.BodyLimit == 0 {
		o.BodyLimit = DefaultBodyLimit
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = extractor(o.TrustedProxies)
	e.SchemeExtractor = echo.ExtractSchemeDirect()
	e.HTTPErrorHandler = o.Pages.handle
	if o.Around != nil {
		e.Pre(o.Around)
	}
	e.Pre(
		requestID(o.Rand),
		forwarding(o.TrustedProxies),
		securityHeaders(o.Environment == Sandbox),
		recovery(o.Log),
		bodyLimit(o.BodyLimit),
	)
	return e
}

// extractor reads the client's address: the peer, or behind trusted proxies
// the last hop that none of them is.
func extractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP:   p.Masked().Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// forwarded are the headers by which a proxy speaks of its peer. From anybody
// else they are a lie about address, scheme or certificate and are removed
// before any code can read them.
func forwarded() []string {
	return []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto",
		"X-Forwarded-Protocol", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Real-Ip",
		"X-Url-Scheme", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override",
		"X-Ssl-Cert", "X-Client-Cert", "X-Client-Verify", "X-Forwarded-Client-Cert", "Client-Cert", "Client-Cert-Chain",
	}
}

func forwarding(proxies []netip.Prefix) echo.MiddlewareFunc {
	names := forwarded()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !FromProxy(c.Request(), proxies) {
				h := c.Request().Header
				for _, n := range names {
					delete(h, n)
				}
			}
			return next(c)
		}
	}
}

// FromProxy tells whether the peer of a request is one of the configured proxies (D7).
func FromProxy(r *http.Request, proxies []netip.Prefix) bool {
	if len(proxies) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, p := range proxies {
		if p.Contains(peer.Addr().Unmap()) {
			return true
		}
	}
	return false
}
