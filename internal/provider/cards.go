package provider

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/means/cps/cards"
	"github.com/egide-id/egide/internal/means/cps/revocation"
	"github.com/egide-id/egide/internal/platform/fault"
)

// ports gives where pages look for a bridge.
func (c CardConfig) ports() []int {
	if len(c.BridgePorts) > 0 {
		return c.BridgePorts
	}
	return cps.Ports()
}

// newCards wires login by card; nil when the configuration names no authority.
// The files of the authorities are read here: a reload takes new ones.
func (p *Provider) newCards(c Config, f features) (*cards.Cards, error) {
	if len(c.Card.Authorities) == 0 {
		return nil, nil //nolint:nilnil // a provider without cards is no failure
	}
	trust, err := c.Card.trust(c.Environment, p.deps.Clock.Now())
	if err != nil {
		return nil, err
	}
	checker, err := revocation.New(revocation.Options{HTTP: &http.Client{Timeout: revocationPatience}, Clock: p.deps.Clock, Rand: p.deps.Rand, Log: p.deps.Log})
	if err != nil {
		return nil, err
	}
	verifier, err := cps.NewVerifier(cps.VerifierOptions{Trust: trust, Clock: p.deps.Clock, Revocation: checker})
	if err != nil {
		return nil, err
	}
	return cards.New(cards.Deps{
		KV: p.res.kv, DB: p.res.db, Keys: p.res.keys, Judge: verifier, Clock: p.deps.Clock, Rand: p.deps.Rand,
		Audit: p.res.traces, Log: p.deps.Log, Origin: f.origin,
		SessionLife: time.Duration(c.Lifetimes.SessionAbsolute), KeepSessions: c.Card.KeepSessions,
	})
}

// CheckCards reads the card authorities without taking them into use.
func CheckCards(c Config, now time.Time) error {
	if len(c.Card.Authorities) == 0 {
		return nil
	}
	_, err := c.Card.trust(c.Environment, now)
	return err
}

// trust pins what the configuration names.
func (c CardConfig) trust(environment string, now time.Time) (*cps.Trust, error) {
	pinned := make([]cps.TrustedIssuer, 0, len(c.Authorities))
	for _, a := range c.Authorities {
		root, err := readCertificate(a.Root)
		if err != nil {
			return nil, err
		}
		issuer, err := readCertificate(a.Issuer)
		if err != nil {
			return nil, err
		}
		pinned = append(pinned, cps.TrustedIssuer{Range: a.Range, Root: root, Issuer: issuer, OCSP: a.OCSP, CRL: a.CRL})
	}
	return cps.NewTrust(pinned, cps.TrustOptions{Production: environment == Production, Staff: c.Staff, Policies: c.Policies}, now)
}

// revocationPatience bounds one question to a responder or publisher.
const revocationPatience = 30 * time.Second

// readCertificate reads one PEM certificate.
func readCertificate(path string) (*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fault.New(fault.Invalid, "", "authority: "+path+" holds no certificate in PEM form")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", path, err)
	}
	return cert, nil
}
