package op

import (
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/oidc/client"
)

// aliases are the endpoints on the listener for certificates (RFC 8705 5).
type aliases struct {
	Token         string `json:"token_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	Introspection string `json:"introspection_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
}

// withCertificates adds the listener for certificates and what works there:
// nothing of it is said when there is none (ME7).
func (m metadata) withCertificates(d Deps) metadata {
	if d.CertificateURL == "" {
		return m
	}
	p, at := d.Paths.orDefaults(), d.CertificateURL
	m.CertificateBoundTokens = true
	m.CertificateEndpoints = &aliases{
		Token: at + p.Token, Revocation: at + p.Revocation, Introspection: at + p.Introspection, UserInfo: at + p.UserInfo,
	}
	methods := []oidc.AuthMethod{client.AuthSelfSignedTLS}
	if d.Vouching != nil {
		methods = []oidc.AuthMethod{client.AuthTLS, client.AuthSelfSignedTLS}
	}
	for _, list := range []*[]oidc.AuthMethod{
		&m.TokenEndpointAuthMethodsSupported, &m.RevocationEndpointAuthMethodsSupported, &m.IntrospectionEndpointAuthMethodsSupported,
	} {
		*list = slices.Concat(*list, methods)
	}
	return m
}
