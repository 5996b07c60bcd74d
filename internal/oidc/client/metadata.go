package client

import (
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the client's own public keys (RFC 7591 2): by value or by address,
// never both.
type Keys struct {
	Set *jose.JSONWebKeySet // jwks
	URI string              // jwks_uri

	AssertionAlg jose.SignatureAlgorithm // token_endpoint_auth_signing_alg; empty: any the profile allows
}

// Registered tells that the client has keys at all.
func (k Keys) Registered() bool { return k.Set != nil || k.URI != "" }

// Certificate names the one certificate of tls_client_auth, by its subject or by
// one alternative name (RFC 8705 2.1.2), and says whether tokens are bound to the
// certificate they are asked with (3.4).
type Certificate struct {
	SubjectDN, DNS, URI, IP, Email string
	Bound                          bool // tls_client_certificate_bound_access_tokens
}

// Requests are the rules of the client's authorization requests.
type Requests struct {
	ObjectAlg     jose.SignatureAlgorithm // request_object_signing_alg; empty: any the profile allows
	MustSign      bool                    // require_signed_request_object (RFC 9101 10.5)
	URIs          []string                // request_uris: exactly these may be fetched
	DefaultACRs   []string                // default_acr_values
	DefaultMaxAge *time.Duration          // default_max_age
	MustAuthTime  bool                    // require_auth_time
	Consent       bool                    // outside the sector: the person is asked before anything is told
}

// Answers say how UserInfo and introspection are answered and who the person is
// to this client (Core 5.3.2, 8; RFC 9701 6).
type Answers struct {
	UserInfoAlg      jose.SignatureAlgorithm // userinfo_signed_response_alg; empty: JSON
	UserInfoKeyAlg   jose.KeyAlgorithm       // userinfo_encrypted_response_alg
	UserInfoEnc      jose.ContentEncryption  // userinfo_encrypted_response_enc
	IntrospectionAlg jose.SignatureAlgorithm // introspection_signed_response_alg; empty: JSON, or RS256 for a caller that asks
	SubjectType      string                  // SubjectPublic or SubjectPairwise
	SectorURI        string                  // sector_identifier_uri: a list of redirect URIs that share a sector
	Claims           []string                // claims the service declared that it needs (PG-40)
}

// Logout says how the client is told of the end of a session (BCL 2.2, FCL 2).
type Logout struct {
	BackchannelURI      string
	BackchannelSession  bool // backchannel_logout_session_required: the sid must be in the token
	FrontchannelURI     string
	FrontchannelSession bool // frontchannel_logout_session_required: iss and sid go along
}
