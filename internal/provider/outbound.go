package provider

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/outbound"
)

// newOutbound makes the client of all requests whose address a service chose.
// The sandbox may reach services on the same machine.
func newOutbound(c Config, d Deps) (*outbound.Client, error) {
	authorities, err := c.Outbound.authorities()
	if err != nil {
		return nil, err
	}
	return outbound.New(outbound.Options{
		Clock: d.Clock, CAs: authorities,
		Allow: outbound.Allow{Loopback: c.Environment == Sandbox, Private: c.Outbound.AllowPrivate || c.Environment == Sandbox},
	})
}

func (o OutboundConfig) authorities() (*x509.CertPool, error) {
	if o.CABundle == "" {
		return nil, nil //nolint:nilnil // the system's own
	}
	pem, err := os.ReadFile(filepath.Clean(o.CABundle))
	if err != nil {
		return nil, fmt.Errorf("outbound.ca_bundle: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Invalid, "", "outbound.ca_bundle holds no certificate")
	}
	return pool, nil
}
