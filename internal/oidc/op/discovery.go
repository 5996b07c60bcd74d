package op

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/labstack/echo/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/means/authn"
	"github.com/egide-id/egide/internal/oidc/client"
)

// Paths of the endpoints below the issuer. The wiring routes them (package psc).
type Paths struct {
	Token, UserInfo, JWKS, EndSession, Introspection, Revocation string

	Registration string // empty: services do not register themselves here
}

// orDefaults gives the paths of the real service (package psc routes the same).
func (p Paths) orDefaults() Paths {
	if p.Token != "" {
		return p
	}
	const base = "/protocol/openid-connect/"
	return Paths{
		Registration: p.Registration, Token: base + "token", UserInfo: base + "userinfo", JWKS: base + "certs", EndSession: base + "logout",
		Introspection: base + "token/introspect", Revocation: base + "revoke",
	}
}

// metadata is the discovery document: the library's, and what it has no field
// for or would leave out. Stated false where the default of the standard is
// true or where a reader should not have to guess (ME4, ME5).
type metadata struct {
	oidc.DiscoveryConfiguration

	ClaimsParameterSupported   bool     `json:"claims_parameter_supported"`
	ResponseIssSupported       bool     `json:"authorization_response_iss_parameter_supported"`
	RequirePushedAuthorization bool     `json:"require_pushed_authorization_requests"`
	CertificateBoundTokens     bool     `json:"tls_client_certificate_bound_access_tokens"`
	IntrospectionSigningAlgs   []string `json:"introspection_signing_alg_values_supported"` // RFC 9701 7
	PromptValues               []string `json:"prompt_values_supported"`
	CertificateEndpoints       *aliases `json:"mtls_endpoint_aliases,omitempty"`
	FrontchannelLogout         bool     `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession  bool     `json:"frontchannel_logout_session_supported"`
}

// supportedClaims are those UserInfo and the ID token may hold (pro-sante-connect.md 2).
func supportedClaims() []string {
	return []string{
		"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash",
		"name", "given_name", "family_name", "preferred_username",
		"SubjectNameID", "PSISubjectNameID", "SubjectRole", "SubjectRefPro", "SubjectOrganization", "SubjectOrganizationID",
		"Secteur_Activite", "Mode_Acces_Raison", "Acces_Regulation_Medicale", "Palier_Authentification",
		"PSI_Locale", "UITVersion", "authMode", "auth_level", "otherIds",
	}
}

// describe builds the document: only what works (ME7).
func describe(issuer, authorization string, p Paths, algorithms []jose.SignatureAlgorithm) metadata {
	methods := []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT, oidc.AuthMethodNone}
	proven := methods[:3] // introspection tells about people: never to a public client
	signed := client.SigningAlgs()
	signing := plain(algorithms)
	slices.SortStableFunc(signing, func(a, b string) int { return rank(a) - rank(b) })
	return metadata{
		DiscoveryConfiguration: oidc.DiscoveryConfiguration{
			Issuer:                 issuer,
			AuthorizationEndpoint:  authorization,
			TokenEndpoint:          issuer + p.Token,
			IntrospectionEndpoint:  issuer + p.Introspection,
			UserinfoEndpoint:       issuer + p.UserInfo,
			RevocationEndpoint:     issuer + p.Revocation,
			EndSessionEndpoint:     issuer + p.EndSession,
			JwksURI:                issuer + p.JWKS,
			RegistrationEndpoint:   below(issuer, p.Registration),
			ScopesSupported:        []string{client.ScopeOpenID, client.ScopeProfile, client.ScopeIdentity, client.ScopeAll},
			ResponseTypesSupported: []string{"code"},
			ResponseModesSupported: []string{modeQuery, modeFormPost},
			GrantTypesSupported: []oidc.GrantType{
				oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials,
			},
			ACRValuesSupported:                        []string{authn.Eidas1, authn.Eidas2, authn.Eidas3},
			SubjectTypesSupported:                     []string{client.SubjectPublic, client.SubjectPairwise},
			IDTokenSigningAlgValuesSupported:          signing,
			UserinfoSigningAlgValuesSupported:         signing,
			UserinfoEncryptionAlgValuesSupported:      plain(client.EncryptionAlgs()),
			UserinfoEncryptionEncValuesSupported:      plain(client.EncryptionEncs()),
			TokenEndpointAuthMethodsSupported:         methods,
			RevocationEndpointAuthMethodsSupported:    methods,
			IntrospectionEndpointAuthMethodsSupported: proven,

			TokenEndpointAuthSigningAlgValuesSupported:         signed,
			RevocationEndpointAuthSigningAlgValuesSupported:    signed,
			IntrospectionEndpointAuthSigningAlgValuesSupported: signed,

			// Of clients with keys; the others are told that it is not (AZ16).
			RequestParameterSupported:              true,
			RequestURIParameterSupported:           true,
			RequireRequestURIRegistration:          true,
			RequestObjectSigningAlgValuesSupported: signed,

			DisplayValuesSupported:        []oidc.Display{oidc.DisplayPage, oidc.DisplayPopup, oidc.DisplayTouch},
			ClaimTypesSupported:           []string{"normal"},
			ClaimsSupported:               supportedClaims(),
			CodeChallengeMethodsSupported: []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
			UILocalesSupported:            oidc.ParseLocales([]string{"fr", "en"}),

			BackChannelLogoutSupported: true, BackChannelLogoutSessionSupported: true,
		},
		FrontchannelLogout: true, FrontchannelLogoutSession: true,
		ClaimsParameterSupported: true, ResponseIssSupported: true,
		IntrospectionSigningAlgs: signing, PromptValues: []string{"none", "login", "consent", "select_account"},
	}
}

func plain[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// below gives the address of a path, if there is one.
func below(issuer, path string) string {
	if path == "" {
		return ""
	}
	return issuer + path
}

// rank puts RS256 first: some clients take the first of the list, and RS256 is
// the one every client must know (Disc 3).
func rank(algorithm string) int {
	if algorithm == string(jose.RS256) {
		return 0
	}
	return 1
}

// document is bytes made once, with their validator.
type document struct {
	body []byte
	etag string
}

func newDocument(v any) (document, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return document{}, err
	}
	sum := sha256.Sum256(body)
	return document{body: body, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}

// serve answers cached bytes. Caches are kept short, so that a rotated key or a
// moved endpoint is seen soon (ME8, ME9).
func (d document) serve(c echo.Context) error {
	r := c.Request()
	h := c.Response().Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		return c.NoContent(http.StatusMethodNotAllowed)
	}
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", d.etag)
	if matches(r.Header.Get("If-None-Match"), d.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSONBlob(http.StatusOK, d.body)
}

// matches reads If-None-Match (RFC 9110 13.1.2), weak comparison.
func matches(header, etag string) bool {
	if header == "" {
		return false
	}
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}

// Discovery serves the provider's metadata (OpenID Connect Discovery 4; RFC 8414).
func (o *OP) Discovery(c echo.Context) error { return o.discovery.serve(c) }

// JWKS serves the public keys (ME8). The set is read at each request, since a
// rotation replaces it; the bytes are made once per rotation.
func (o *OP) JWKS(c echo.Context) error {
	body, etag := o.keys.JWKS()
	return document{body: body, etag: etag}.serve(c)
}
