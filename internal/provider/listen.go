package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/listen"
	"github.com/egide-id/egide/internal/trust/audit"
)

// openPublic opens one door of the configuration.
func (p *Provider) openPublic(ctx context.Context, c ListenerConfig) (listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return listener{}, fmt.Errorf("listen: %w", err)
	}
	if c.Redirect {
		return listener{"redirect", l, listen.Redirect(p.config.Issuer, p.config.AuthorizationURL, p.config.ECPS.AppURL)}, nil
	}
	secured, err := p.secure(l, c)
	if err != nil {
		return listener{}, errors.Join(err, l.Close())
	}
	return listener{"public", secured, p}, nil
}

// secure puts TLS on a listener that has a certificate.
func (p *Provider) secure(l net.Listener, c ListenerConfig) (net.Listener, error) {
	if c.Cert == "" {
		return l, nil
	}
	cert, err := p.certificate(c)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, listen.TLS(cert)), nil
}

// certificates are those of the listeners that have opened.
type certificates struct {
	mu     sync.Mutex
	loaded map[string]*listen.Certificate
}

func (c *certificates) all() []*listen.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.loaded))
}

// certificate loads the certificate of a listener, which then follows its files
// while the node runs. Listeners of the same files share it.
func (p *Provider) certificate(c ListenerConfig) (*listen.Certificate, error) {
	p.certificates.mu.Lock()
	defer p.certificates.mu.Unlock()
	name := fmt.Sprintf("%q %q %q", c.Cert, c.Key, c.Hosts)
	if known := p.certificates.loaded[name]; known != nil {
		return known, nil
	}
	cert, err := listen.Load(c.options(p.deps.Clock, p.deps.Log, p.certificateChanged))
	if err != nil {
		return nil, err
	}
	if p.certificates.loaded == nil {
		p.certificates.loaded = map[string]*listen.Certificate{}
	}
	p.certificates.loaded[name] = cert
	return cert, nil
}

func (c ListenerConfig) options(now clock.Clock, log *slog.Logger, changed func(context.Context, string, error)) listen.Options {
	return listen.Options{Cert: c.Cert, Key: c.Key, Hosts: c.Hosts, Clock: now, Log: log, Changed: changed}
}

// certificateChanged traces a new certificate, taken or refused (HA8, PG-60).
func (p *Provider) certificateChanged(ctx context.Context, fingerprint string, refused error) {
	p.res.note(ctx, p.deps, audit.ConfigChanged{Fingerprint: fingerprint, Accepted: refused == nil})
}

// CheckListeners reads the certificates without taking them into use.
func CheckListeners(c Config, now clock.Clock) error {
	var errs []error
	for _, l := range c.listeners() {
		if l.Cert != "" {
			_, err := listen.Load(l.options(now, nil, nil))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
