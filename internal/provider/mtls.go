package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/egide-id/egide/internal/oidc/op"
	"github.com/egide-id/egide/internal/oidc/peer"
	"github.com/egide-id/egide/internal/oidc/psc"
	"github.com/egide-id/egide/internal/platform/listen"
	"github.com/egide-id/egide/internal/platform/web"
)

// mtlsListener opens the door for certificates, if the configuration has one.
func (p *Provider) mtlsListener(ctx context.Context) ([]listener, error) {
	if p.config.MTLS.Listen == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.MTLS.Listen)
	if err != nil {
		return nil, fmt.Errorf("mtls.listen: %w", err)
	}
	secured, err := p.AskCertificates(l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return []listener{{"mtls", secured, p.ForCertificates()}}, nil
}

// AskCertificates makes a listener ask for the caller's certificate. The
// handshake takes any: whose it is and what it is worth is judged with the
// request it comes with, in words that the caller understands.
func (p *Provider) AskCertificates(l net.Listener) (net.Listener, error) {
	c := p.config.MTLS
	if c.Proxy {
		return l, nil
	}
	cert, err := p.certificate(ListenerConfig{Cert: c.Cert, Key: c.Key})
	if err != nil {
		return nil, err
	}
	settings := listen.TLS(cert)
	settings.ClientAuth = tls.RequestClientCert
	return tls.NewListener(l, settings), nil
}

// ForCertificates answers what services call with their certificate, and nothing
// that a browser would.
func (p *Provider) ForCertificates() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*p.calls.Load()).ServeHTTP(w, r)
	})
}

// newCalls mounts the same endpoints as the public door has, as far as services
// call them, behind the one place that reads certificates.
func (p *Provider) newCalls(c Config, f features, endpoints *op.OP) (http.Handler, error) {
	at, err := url.Parse(c.MTLS.URL)
	if err != nil {
		return nil, err
	}
	e := web.New(web.Options{
		Log: p.deps.Log, Rand: p.deps.Rand, Pages: f.pages, Environment: c.Environment, TrustedProxies: networks(c.TrustedProxies),
		Around: p.res.metrics.HTTP,
	})
	e.Use(traceOrigin, p.shown(c.MTLS.Proxy))
	psc.MountCalls(e, at.Path, psc.Endpoints{
		Token: endpoints.Token, UserInfo: endpoints.UserInfo, Introspect: endpoints.Introspect, Revoke: endpoints.Revoke,
	})
	return e, nil
}

// shown hands the certificate of the connection to the request, and only that: a
// header counts when this door stands behind a proxy, and then only that
// proxy's, for package web has removed those of others (D7).
func (p *Provider) shown(proxied bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			var leaf *x509.Certificate
			switch {
			case proxied:
				var err error
				if leaf, err = peer.ReadHeader(r.Header.Values(peer.Header)); err != nil {
					p.deps.Log.WarnContext(r.Context(), "the proxy's certificate field cannot be read", slog.Any("error", err))
				}
			case r.TLS != nil && len(r.TLS.PeerCertificates) > 0:
				leaf = r.TLS.PeerCertificates[0] // the one whose key the handshake has proven; the others prove nothing
			}
			if leaf != nil {
				c.SetRequest(r.WithContext(peer.With(r.Context(), leaf)))
			}
			return next(c)
		}
	}
}
