package client

import (
	"context"

	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/platform/store"
)

// Authenticator says which client is calling. Every node's is alike: what must
// be remembered is in the shared store.
type Authenticator struct {
	clients  *Registry
	keys     *KeySets
	vouching Vouching
	kv       store.KV
	clock    clock.Clock
	ways     map[string]way
}

// AuthenticatorDeps are what NewAuthenticator needs; all but Vouching are required.
type AuthenticatorDeps struct {
	Clients  *Registry
	Keys     *KeySets
	Vouching Vouching // for tls_client_auth; nil: no authority of services is known
	KV       store.KV // assertions used up, for all nodes
	Clock    clock.Clock
}

// way is one method of authentication (token_endpoint_auth_method). It is only
// asked when exactly the credentials it takes were shown, so that it checks them
// and nothing else. What it answers but fault.Unavailable reads as one refusal.
type way struct {
	takes credentials
	check func(ctx context.Context, c *Client, p *Presented) error
}

// NewAuthenticator makes one.
func NewAuthenticator(d AuthenticatorDeps) *Authenticator {
	a := &Authenticator{clients: d.Clients, keys: d.Keys, vouching: d.Vouching, kv: d.KV, clock: d.Clock}
	a.ways = map[string]way{
		AuthBasic: {takes: inHeader, check: checkSecrets},
		AuthPost:  {takes: inBody, check: checkSecrets},
		AuthNone:  {takes: 0, check: checkNothing},

		AuthPrivateKeyJWT: {takes: signed, check: a.checkAssertion},
		AuthSelfSignedTLS: {takes: 0, check: a.checkSelfSigned},
	}
	if d.Vouching != nil {
		a.ways[AuthTLS] = way{takes: 0, check: a.checkTLS}
	}
	return a
}

// Authenticate says which client is calling. A wrong secret, an unknown client
// and a method that is not the registered one are the same fault.Denied, and
// nothing tells which (CA8). Two methods at once are fault.Invalid for an oidc
// client (CA1, RFC 6749 2.3); a psc client may send its secret in either place
// or both, and then both must hold and name the same client (section 13).
// Errors: also fault.Unavailable, when a part that must confirm cannot.
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (*Client, error) {
	id, err := p.ClientID()
	if err != nil {
		return nil, err
	}
	c, err := a.clients.Lookup(id)
	if err != nil {
		_ = checkSecrets(ctx, &Client{}, &p) // goes the same way as a known one, and fails
		return nil, refused(nil)
	}
	shown, w, ok := p.shown(), a.ways[c.AuthMethod], false
	switch {
	case c.sendsSecretTwice(w):
		ok = shown != 0 && shown&^(inHeader|inBody) == 0
	case shown.several():
		return nil, fault.New(fault.Invalid, "", "the client used two authentication methods at once")
	default:
		ok = shown == w.takes
	}
	if !ok || w.check == nil {
		_ = checkSecrets(ctx, &Client{}, &p)
		return nil, refused(nil)
	}
	if err := w.check(ctx, c, &p); err != nil {
		return nil, refused(err)
	}
	return c, nil
}

// sendsSecretTwice tells the clients that may send their secret in the header,
// the body or both: those of profile psc that have one.
func (c *Client) sendsSecretTwice(w way) bool {
	return c.Profile == ProfilePSC && w.takes&(inHeader|inBody) != 0
}

// refused is the one answer. The cause is for the log alone.
func refused(cause error) error {
	if fault.Is(cause, fault.Unavailable) {
		return fault.Wrap(fault.Unavailable, "", "the client cannot be authenticated now", cause)
	}
	return fault.Wrap(fault.Denied, "", "client authentication failed", cause)
}

// checkNothing is the way of public clients: PKCE is all they have (CA9).
func checkNothing(context.Context, *Client, *Presented) error { return nil }
