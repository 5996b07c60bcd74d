package op

import (
	"crypto/subtle"
	"net/http"

	"github.com/egide-id/egide/internal/oidc/claims"
	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/grant"
	"github.com/egide-id/egide/internal/oidc/oauth"
	"github.com/egide-id/egide/internal/oidc/peer"
	"github.com/egide-id/egide/internal/platform/fault"
)

// bind says what the tokens of this call are bound to: the certificate of its
// connection, for a client whose tokens are (RFC 8705 3, whatever the client
// authenticates by). Asked without one, such a client gets no token at all: a
// bearer token would be less than it registered for.
func bind(c *client.Client, r *http.Request) (grant.Binding, error) {
	if !c.BindsCertificate() {
		return grant.Binding{}, nil
	}
	leaf := peer.From(r.Context())
	if leaf == nil {
		return grant.Binding{}, oauth.New(oauth.InvalidRequest,
			"the tokens of this service are bound to its certificate: call the address of mtls_endpoint_aliases with it")
	}
	return grant.Binding{Certificate: peer.Thumbprint(leaf)}, nil
}

// lasting is the binding of a family's refresh tokens. A client that
// authenticates proves itself at each refresh and may have a new certificate by
// then; of a public one the certificate is all there is (RFC 8705 4, 7.1).
func lasting(c *client.Client, b grant.Binding) grant.Binding {
	if c.Public() {
		return b
	}
	return grant.Binding{}
}

// proves holds a refresh to the binding of its family.
func proves(f grant.Family, b grant.Binding) error {
	if f.Binding != (grant.Binding{}) && f.Binding != b {
		return fault.New(fault.Denied, "", "the refresh token is bound to another certificate")
	}
	return nil
}

// holder holds the bearer of an access token to what it is bound to: a stolen
// one is worth nothing on another connection (DP5).
func holder(t grant.Token, r *http.Request) error {
	want := t.Binding.Certificate
	got := peer.Thumbprint(peer.From(r.Context()))
	if want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return oauth.New(oauth.InvalidToken, "the access token is bound to a certificate that this connection did not show").Bearer(true)
	}
	return nil
}

// confirmation is the cnf claim of a binding, nil for none.
func confirmation(b grant.Binding) *claims.Confirmation {
	if b == (grant.Binding{}) {
		return nil
	}
	return &claims.Confirmation{Certificate: b.Certificate}
}
