package provider

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/platform/config"
)

// MTLSConfig is the door where services show certificates (RFC 8705).
// Without a URL there is none: no certificate is asked for anywhere and nothing
// of it is announced.
type MTLSConfig struct {
	Listen string `yaml:"listen"` // host:port
	// URL stands in place of the issuer for the endpoints behind this door; a host
	// or port of its own, so that no browser is ever asked for a certificate (DP7).
	URL  string `yaml:"url"`
	Cert string `yaml:"cert"` // PEM, the server's chain
	Key  string `yaml:"key"`  // PEM
	// Proxy: plain http behind trusted_proxies that end TLS and hand the certificate
	// on in Client-Cert (RFC 9440). Nobody else's header counts.
	Proxy bool `yaml:"proxy"`

	Authorities []MTLSAuthority `yaml:"authorities"` // pinned, for tls_client_auth
	// UnknownRevocation says what becomes of a certificate when neither OCSP nor
	// list can tell whether it is revoked: refuse | accept.
	UnknownRevocation string `yaml:"unknown_revocation"`
}

// MTLSAuthority is one pinned authority of services.
type MTLSAuthority struct {
	Issuer string `yaml:"issuer"` // file, PEM
	Root   string `yaml:"root"`   // file, PEM; empty: the issuer is a root itself
	OCSP   string `yaml:"ocsp"`   // URL
	CRL    string `yaml:"crl"`    // URL; asked when OCSP does not answer
}

// What UnknownRevocation may be.
const (
	refuseUnknown = "refuse"
	acceptUnknown = "accept"
)

func (c MTLSConfig) lenient() bool { return c.UnknownRevocation == acceptUnknown }

// validateMTLS checks the section; full is the configuration with its
// defaults.
func (c *Config) validateMTLS(full Config) []config.Fault {
	m := c.MTLS
	var faults []config.Fault
	bad := func(broken bool, path, message string) {
		if broken {
			faults = append(faults, config.Fault{Path: "mtls." + path, Message: message})
		}
	}
	if m.URL == "" {
		bad(m.Listen != "" || m.Cert != "" || m.Key != "" || m.Proxy || len(m.Authorities) > 0, "url", "is needed: where services find this listener")
		return faults
	}
	u, err := url.Parse(m.URL)
	bad(err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(m.URL, "/"),
		"url", "must be an https URL without query, fragment, user or final slash")
	bad(sameHost(m.URL, full.Issuer, full.AuthorizationURL) || sameHost(m.URL, full.ECPS.AppURL), "url",
		"must be a host or port of its own: browsers come to the others and would be asked for a certificate")
	if _, _, err := net.SplitHostPort(m.Listen); m.Listen != "" && err != nil {
		bad(true, "listen", "must be host:port")
	}
	bad((m.Cert == "") != (m.Key == ""), "cert", "cert and key go together")
	bad(m.Proxy == (m.Cert != ""), "cert", "this listener ends TLS itself (cert and key) or stands behind a proxy that does (proxy: true)")
	bad(m.Proxy && len(c.TrustedProxies) == 0, "proxy", "needs trusted_proxies: the header of anybody else is a lie")
	bad(m.UnknownRevocation != refuseUnknown && m.UnknownRevocation != acceptUnknown, "unknown_revocation", "must be refuse or accept")
	for i, a := range m.Authorities {
		at := fmt.Sprintf("authorities[%d].", i)
		bad(a.Issuer == "", at+"issuer", "names a PEM file")
		bad(a.OCSP == "" && a.CRL == "" && !m.lenient(), at+"ocsp", "ocsp, crl or both: a certificate that cannot be confirmed is refused")
		bad(!revocationURL(a.OCSP), at+"ocsp", "must be an http or https URL")
		bad(!revocationURL(a.CRL), at+"crl", "must be an http or https URL")
	}
	return faults
}
