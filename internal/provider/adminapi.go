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
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/oidc/admin"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/listen"
	"github.com/egide-id/egide/internal/platform/web"
)

// adminAPI opens the operators' own door, when the configuration has one: TLS
// 1.3, a certificate of a configured authority from every caller, nothing else
// behind it.
func (p *Provider) adminAPI(ctx context.Context) ([]listener, error) {
	c := p.config.Admin
	if c.Listen == "" {
		return nil, nil
	}
	h, err := p.adminAPIHandler(c)
	if err != nil {
		return nil, err
	}
	cert, err := p.certificate(ListenerConfig{Cert: c.Cert, Key: c.Key})
	if err != nil {
		return nil, err
	}
	secured := listen.TLS(cert)
	secured.MinVersion = tls.VersionTLS13
	secured.ClientAuth = tls.RequireAndVerifyClientCert
	secured.SessionTicketsDisabled = true // a certificate is judged at each connection
	if secured.ClientCAs, err = c.pool(); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin listener: %w", err)
	}
	return []listener{{"admin API", tls.NewListener(l, secured), h}}, nil
}

func (p *Provider) adminAPIHandler(c AdminConfig) (http.Handler, error) {
	f, err := p.features(p.config)
	if err != nil {
		return nil, err
	}
	operators := admin.Operators{}
	for _, o := range c.Operators {
		operators[o.Identity], _ = admin.ParseRole(o.Role) // Validate has refused others
	}
	e := web.New(web.Options{Log: p.deps.Log, Rand: p.deps.Rand, Pages: f.pages, Environment: p.config.Environment, BodyLimit: admin.MaxBody})
	e.Use(traceOrigin)
	admin.New(admin.Deps{
		Desk: p.res.desk, Operators: operators, Failures: p.res.traces.Failure, Healthy: p.res.traces.Healthy,
		Log: func(ctx context.Context, err error) {
			p.deps.Log.ErrorContext(ctx, "an operator's request failed", slog.Any("error", err))
		},
	}).Mount(e)
	return e, nil
}

// pool holds the authorities of operators and no others: never the system's.
func (a AdminConfig) pool() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for _, file := range a.Authorities {
		pem, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, fmt.Errorf("admin.authorities: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "", "admin.authorities: "+file+" holds no certificate")
		}
	}
	return pool, nil
}

// CheckAdmin reads certificate and authorities without taking them into use.
func CheckAdmin(c Config) error {
	if c.Admin.Listen == "" {
		return nil
	}
	_, pair := tls.LoadX509KeyPair(c.Admin.Cert, c.Admin.Key)
	_, pool := c.Admin.pool()
	return errors.Join(pair, pool)
}
