// Package client knows the relying parties: what each registered, which
// security profile it lives under and how it authenticates.
//
// A registration is one YAML file in a directory. The rules are those of oidc-requirements.md AZ2,
// AZ4, CA1, CA9 and section 13, and pgssi-s.md PG-31 to PG-35.
package client

import (
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/egide-id/egide/internal/means/authn"
)

// Profile is the set of security rules a client lives under. Nothing strict is
// global and nothing lax leaks: every rule that differs asks the profile (D1).
type Profile string

// The profiles. PSC is the shape of the real service, with the departures of
// oidc-requirements.md section 13 and no others; OIDC is the strict baseline.
const (
	ProfilePSC  Profile = "psc"
	ProfileOIDC Profile = "oidc"
)

// How a client authenticates (token_endpoint_auth_method).
const (
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthNone  = "none" // public client: PKCE is all there is (CA9)

	AuthPrivateKeyJWT = "private_key_jwt"             // RFC 7523, Core 9
	AuthTLS           = "tls_client_auth"             // RFC 8705 2.1: a certificate of a known authority
	AuthSelfSignedTLS = "self_signed_tls_client_auth" // RFC 8705 2.2: a certificate of its own key set
)

// Forms of the subject identifier (Core 8).
const (
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
)

// Grants a client may use.
const (
	GrantCode              = "authorization_code"
	GrantRefresh           = "refresh_token"
	GrantClientCredentials = "client_credentials"
)

// Scopes that exist here. offline_access does not: no token outlives the session.
const (
	ScopeOpenID   = "openid"
	ScopeProfile  = "profile"
	ScopeIdentity = "identity"
	ScopeAll      = "scope_all"
)

// KnownScope tells whether a scope exists here.
func KnownScope(s string) bool {
	return s == ScopeOpenID || s == ScopeProfile || s == ScopeIdentity || s == ScopeAll
}

// Forms of access token.
const (
	FormatPSC    = "psc"    // the recorded claims, RS256 (pro-sante-connect.md 2.3)
	FormatJWT    = "jwt"    // RFC 9068, at+jwt
	FormatOpaque = "opaque" // random; means something here only
)

// Client is one relying party as registered. It is shared between requests and
// never changes after it was made; a new registration is a new value.
type Client struct {
	ID      string
	Name    string // as the login page names it
	Owner   string // legal person answerable for the service
	Contact string // whom the operator calls
	Profile Profile

	Disabled bool // kept for the record; nothing is answered to it any more

	Purpose   string // what the service does with the identity (GDPR art. 5)
	Sensitive bool   // S-91: a sensitive service must offer this login

	AuthMethod   string
	SecretHashes []string // lower-case hexadecimal SHA-256; several while one is being replaced, the newest first

	OldSecretsUntil time.Time // when all but the first stop counting; zero: when they are taken out

	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	GrantTypes             []string
	Scopes                 []string
	Audiences              []string // services this client's access tokens are meant for, by client identifier

	IDTokenAlg        jose.SignatureAlgorithm
	AccessTokenFormat string
	AccessTokenAlg    jose.SignatureAlgorithm

	PKCEException   string        // confidential clients only: the day the exception was granted, YYYY-MM-DD (PG-31)
	Structure       string        // struct_IdNat of the organisation behind the service, for client_credentials
	Means           []authn.Means // means this service accepts
	MinACR          string        // the lowest level that this service accepts, whatever a request asks; empty: any
	AllowOfflineOTP bool          // opted in to the level below every eidas level (architecture, point 6)

	Lifetimes Lifetimes

	Keys        Keys        // what the client signs and decrypts with
	Certificate Certificate // which certificate it shows on the listener for certificates
	Requests    Requests    // how it may ask
	Answers     Answers     // how it is answered, beside the tokens
	Logout      Logout      // how it is told that a session ended
}

// at is the client as it counts at a moment: an overlap of secrets that is over
// leaves the newest alone.
func (c *Client) at(now time.Time) *Client {
	if c.OldSecretsUntil.IsZero() || now.Before(c.OldSecretsUntil) {
		return c
	}
	own := *c
	own.SecretHashes, own.OldSecretsUntil = c.SecretHashes[:min(1, len(c.SecretHashes))], time.Time{}
	return &own
}

// Lifetimes override the provider's own; zero keeps them.
type Lifetimes struct {
	Code, AccessToken, RefreshToken time.Duration
}

// Public tells that the client holds no secret.
func (c *Client) Public() bool { return c.AuthMethod == AuthNone }

// HoldsSecret tells that the client authenticates with a shared secret; a draft
// that does not say how will (fillDefaults).
func (c *Client) HoldsSecret() bool {
	return c.AuthMethod == AuthBasic || c.AuthMethod == AuthPost || c.AuthMethod == ""
}

// RequiresPKCE tells whether an authorization request without a challenge is
// refused. Public clients have nothing else (AZ17, CA9). Of confidential ones it
// is asked too, unless an exception with its day stands in the registration: for
// psc clients that really send none, and for stock clients and suites of the
// baseline, where PKCE is optional (oidc-requirements.md section 13, PG-31).
// S256 is checked whenever it is sent, whoever sends it.
func (c *Client) RequiresPKCE() bool {
	return c.Public() || c.PKCEException == ""
}

// GraceOnRefresh tells whether the last refresh token is answered again with
// the same successor for a short while (section 13: psc only).
func (c *Client) GraceOnRefresh() bool { return c.Profile == ProfilePSC }

// AllowsGrant tells whether the client registered the grant type.
func (c *Client) AllowsGrant(grant string) bool { return slices.Contains(c.GrantTypes, grant) }

// AllowsMeans tells whether the service accepts the means. The offline code is
// never part of a default: it must be opted in to.
func (c *Client) AllowsMeans(m authn.Means) bool {
	if m == authn.ECPSOffline {
		return c.AllowOfflineOTP
	}
	return slices.Contains(c.Means, m)
}

// MayBeReadBy tells whether a service may introspect this client's tokens: the
// client itself, and the services it registered as their audience (TK13, RFC
// 7662 4). Between psc clients the rule does not apply (section 13).
func (c *Client) MayBeReadBy(caller *Client) bool {
	return caller.ID == c.ID || slices.Contains(c.Audiences, caller.ID) ||
		caller.Profile == ProfilePSC && c.Profile == ProfilePSC
}

// SignsIntrospection is the algorithm of signed introspection answers to this
// client (RFC 9701 6).
func (c *Client) SignsIntrospection() jose.SignatureAlgorithm {
	if c.Answers.IntrospectionAlg == "" {
		return jose.RS256
	}
	return c.Answers.IntrospectionAlg
}

// GrantScopes keeps of the asked scopes those the client registered, in the
// order asked and once each. Others are ignored, as RFC 6749 3.3 allows: the
// answer then says what was granted.
func (c *Client) GrantScopes(asked []string) []string {
	granted := make([]string, 0, len(asked))
	for _, s := range asked {
		if slices.Contains(c.Scopes, s) && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	return granted
}
