package claims

import (
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/client"
)

// PSCIntrospection answers for an access token of a psc client: its claims and
// three more (pro-sante-connect.md 2.6).
type PSCIntrospection struct {
	PSCAccessToken
	ClientID string `json:"client_id"`
	Username string `json:"username"`
	Active   bool   `json:"active"`
}

// NewPSCIntrospection fills in the answer for a live access token.
func NewPSCIntrospection(in Input) *PSCIntrospection {
	return &PSCIntrospection{PSCAccessToken: *NewPSCAccessToken(in), ClientID: in.ClientID, Username: in.Person.ID.String(), Active: true}
}

// RefreshIntrospection answers for a refresh token: without SubjectNameID,
// which only an access token gives (pro-sante-connect.md 1.9).
type RefreshIntrospection struct {
	RefreshToken
	ClientID string `json:"client_id"`
	Active   bool   `json:"active"`
}

// NewRefreshIntrospection fills in the answer for a live refresh token.
func NewRefreshIntrospection(in Input) *RefreshIntrospection {
	return &RefreshIntrospection{RefreshToken: *NewRefreshToken(in), ClientID: in.ClientID, Active: true}
}

// Introspection answers for an access token of an oidc client, JWT or opaque
// (RFC 7662 2.2). The national identifier is in it when the granted scopes
// give it at UserInfo too.
type Introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope"`
	ClientID  string   `json:"client_id"`
	TokenType string   `json:"token_type"`
	Expires   int64    `json:"exp"`
	Issued    int64    `json:"iat"`
	Sub       string   `json:"sub"`
	Audience  Audience `json:"aud"`
	Issuer    string   `json:"iss"`
	JTI       string   `json:"jti,omitempty"`
	AuthTime  int64    `json:"auth_time"`
	ACR       string   `json:"acr"`
	AMR       []string `json:"amr"`
	SID       string   `json:"sid"`
	NameID    string   `json:"SubjectNameID,omitempty"`

	Confirmation *Confirmation `json:"cnf,omitempty"`
}

// NewIntrospection fills in the answer for a live access token.
func NewIntrospection(in Input) *Introspection {
	d := &Introspection{
		Active: true, Scope: strings.Join(in.Scope, " "), ClientID: in.ClientID, TokenType: TypBearer,
		Expires: in.Expires.Unix(), Issued: in.Issued.Unix(), Sub: in.Auth.Sub, Audience: in.audience(), Issuer: in.Issuer,
		JTI: in.JTI, AuthTime: in.Auth.At.Unix(), ACR: in.ACR, AMR: in.Auth.Means.AMR(), SID: in.SID, Confirmation: in.Bound,
	}
	if slices.Contains(in.Scope, client.ScopeAll) || slices.Contains(in.Scope, client.ScopeIdentity) {
		d.NameID = in.Person.ID.String()
	}
	return d
}

// ServiceIntrospection answers for a service's own token.
type ServiceIntrospection struct {
	ServiceToken
	Active bool `json:"active"`
}

// NewServiceIntrospection fills in the answer for a service's live token.
func NewServiceIntrospection(in Input, structure string) *ServiceIntrospection {
	return &ServiceIntrospection{ServiceToken: *NewServiceToken(in, structure), Active: true}
}

// SignedIntrospection is the answer as a token of its own (RFC 9701 5). What it
// says of the described token stands in one member, so that no reader takes the
// whole for that token.
type SignedIntrospection struct {
	Issuer        string `json:"iss"`
	Audience      string `json:"aud"` // the caller
	Issued        int64  `json:"iat"`
	Introspection any    `json:"token_introspection"`
}

// Inactive is all that is said of any other token (TK13).
type Inactive struct {
	Active bool `json:"active"`
}
