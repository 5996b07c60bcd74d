package provider

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/revocation"
	"github.com/egide-id/egide/internal/oidc/peer"
)

// newJudge pins the authorities of services; nil when the configuration names none.
func (p *Provider) newJudge(c Config) (*peer.Judge, error) {
	if c.MTLS.URL == "" || len(c.MTLS.Authorities) == 0 {
		return nil, nil //nolint:nilnil // a provider without them is no failure
	}
	pinned, err := c.MTLS.pinned()
	if err != nil {
		return nil, err
	}
	checker, err := revocation.New(revocation.Options{HTTP: &http.Client{Timeout: revocationPatience}, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log})
	if err != nil {
		return nil, err
	}
	return peer.New(peer.Options{
		Authorities: pinned, Revocation: standing{checker}, Clock: p.deps.Clock, Log: p.deps.Log,
		Lenient: c.MTLS.lenient(), Production: c.Environment == Production,
	})
}

func (c MTLSConfig) pinned() ([]peer.Authority, error) {
	list := make([]peer.Authority, 0, len(c.Authorities))
	for _, a := range c.Authorities {
		issuer, err := readCertificate(a.Issuer)
		if err != nil {
			return nil, err
		}
		pin := peer.Authority{Issuer: issuer, OCSP: a.OCSP, CRL: a.CRL}
		if a.Root != "" {
			if pin.Root, err = readCertificate(a.Root); err != nil {
				return nil, err
			}
		}
		list = append(list, pin)
	}
	return list, nil
}

// CheckServices reads the authorities of services without taking them into use.
func CheckServices(c Config, now time.Time) error {
	pinned, err := c.MTLS.pinned()
	if err != nil {
		return err
	}
	return peer.CheckAuthorities(pinned, c.Environment == Production, now)
}

// standing asks about certificates of services where those of cards are asked about.
type standing struct{ checker *revocation.Checker }

// Check implements peer.Revocation.
func (s standing) Check(ctx context.Context, leaf *x509.Certificate, by peer.Authority) error {
	return s.checker.Check(ctx, leaf, cps.TrustedIssuer{Issuer: by.Issuer, OCSP: by.OCSP, CRL: by.CRL})
}
