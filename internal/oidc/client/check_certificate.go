package client

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/egide-id/egide/internal/oidc/peer"
)

// byCertificate tells the methods of RFC 8705.
func (c *Client) byCertificate() bool {
	return c.AuthMethod == AuthTLS || c.AuthMethod == AuthSelfSignedTLS
}

// BindsCertificate tells whether this client's access tokens are bound to the
// certificate they are asked with (RFC 8705 3). Who authenticates by one has it
// at hand for every call: a token that works without it would only be lax.
func (c *Client) BindsCertificate() bool { return c.Certificate.Bound || c.byCertificate() }

// certificate checks how the client is known by its certificate (RFC 8705 2.1.2,
// 2.2.2).
func (k *checker) certificate() {
	c := k.c
	names := c.Certificate.names()
	for _, n := range names {
		k.refuse(c.AuthMethod != AuthTLS, n.key, "is for auth_method tls_client_auth")
		if problem := n.check(n.value); problem != "" {
			k.bad(n.key, "%s", problem)
		}
	}
	if c.AuthMethod == AuthTLS {
		k.refuse(len(names) == 0, "tls_client_auth_subject_dn", "is needed for tls_client_auth, or one tls_client_auth_san_*: whom the certificate names")
		k.refuse(len(names) > 1, "tls_client_auth_subject_dn", "stands beside another name: a certificate is known by exactly one")
	}
	if c.AuthMethod == AuthSelfSignedTLS {
		k.refuse(!c.Keys.Registered(), "jwks", "is needed for self_signed_tls_client_auth, or jwks_uri: a key with its certificate in x5c")
		k.refuse(c.Keys.Set != nil && !hasCertificate(c.Keys.Set), "jwks", "holds no key with a certificate (x5c)")
		k.refuse(c.AllowsGrant(GrantClientCredentials), "grant_types",
			"client_credentials needs another auth_method: nobody vouches that a self-signed certificate is the structure's (S-70)")
	}
}

// certificateName is one way to name a certificate in a registration.
type certificateName struct {
	key, value string
	check      func(value string) (problem string)
}

// names gives those that are registered.
func (c Certificate) names() []certificateName {
	var list []certificateName
	for _, n := range []certificateName{
		{"tls_client_auth_subject_dn", c.SubjectDN, checkSubject},
		{"tls_client_auth_san_dns", c.DNS, checkHost},
		{"tls_client_auth_san_uri", c.URI, checkURIName},
		{"tls_client_auth_san_ip", c.IP, checkIP},
		{"tls_client_auth_san_email", c.Email, checkEmail},
	} {
		if n.value != "" {
			list = append(list, n)
		}
	}
	return list
}

func checkSubject(value string) string {
	if _, err := peer.ParseName(value); err != nil {
		return "must be a distinguished name as RFC 4514 writes it, such as CN=DMP-AUTO,OU=1990000119,O=Résidence,C=FR"
	}
	return ""
}

func checkHost(value string) string {
	if len(value) > 253 || strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != "" || strings.HasPrefix(value, ".") {
		return "must be one host name; a wildcard names nobody"
	}
	return ""
}

func checkURIName(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" || len(value) > 2048 {
		return "must be an absolute URI"
	}
	return ""
}

func checkIP(value string) string {
	if a, err := netip.ParseAddr(value); err != nil || a.Zone() != "" {
		return "must be one IP address"
	}
	return ""
}

func checkEmail(value string) string {
	local, host, found := strings.Cut(value, "@")
	if !found || local == "" || checkHost(host) != "" {
		return "must be one mail address"
	}
	return ""
}
